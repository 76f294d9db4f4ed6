//! Whether a mail is about one of our deliveries: by the signed names that only we can make.

use super::address;
use super::header::Header;
use super::part::Mail;
use crate::secret::Keys;
use crate::verp;

/// The delivery, and which evidence names it. The envelope's recipient comes first, then what the mail says of it, then
/// what it quotes: our return path, and at last our Message-ID.
pub(super) fn delivery(mail: &Mail, to: Option<&str>, keys: &Keys) -> Option<(i64, &'static str)> {
    let by_path = |path: &str| verp::delivery(keys, path.trim().trim_matches(['<', '>']));
    let in_field = |value: &str| address::all_of(value).take(50).find_map(by_path);
    let came_to = [
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "x-envelope-to",
        "x-rcpt-to",
        "to",
        "cc",
        "received",
    ];
    if let Some(delivery) = to.and_then(by_path) {
        return Some((delivery, "envelope"));
    }
    let by_header = |names: &[&str], header: &Header| {
        names
            .iter()
            .find_map(|name| header.all(name).take(50).find_map(in_field))
    };
    if let Some(delivery) = by_header(&came_to, &mail.header) {
        return Some((delivery, "return-path"));
    }
    let quoted = [
        "return-path",
        "sender",
        "errors-to",
        "x-envelope-from",
        "received",
    ];
    let returned = mail
        .returned
        .iter()
        .find_map(|header| by_header(&quoted, header));
    let in_text = || mail.parts.iter().find_map(|part| in_text(&part.text, keys));
    if let Some(delivery) = returned.or_else(in_text) {
        return Some((delivery, "quoted-return-path"));
    }
    let replied = ["in-reply-to", "references", "original-message-id"];
    let answers = replied
        .iter()
        .flat_map(|name| mail.header.all(name))
        .find_map(|value| message(value, keys));
    let ids = mail
        .returned
        .iter()
        .flat_map(|header| header.all("message-id"));
    let returned = || ids.into_iter().find_map(|value| message(value, keys));
    let quoted = || mail.parts.iter().find_map(|part| message(&part.text, keys));
    let delivery = answers.or_else(returned).or_else(quoted)?;
    Some((delivery, "message-id"))
}

/// A return path amid a text. Ours are long and begin alike, so that hardly anything else is looked at.
fn in_text(text: &str, keys: &Keys) -> Option<i64> {
    address::find(text, false)
        .filter(|at| at.len() > NAME)
        .take(200)
        .find_map(|at| {
            let found = &text[at];
            let ours = found.to_ascii_lowercase().find("b-")?;
            verp::delivery(keys, &found[ours..])
        })
}

/// A Message-ID of ours amid a text.
fn message(text: &str, keys: &Keys) -> Option<i64> {
    let ids = address::find(text, false).map(|at| &text[at]);
    let names = ids.filter_map(|id| id.split('@').next());
    names
        .filter(|name| name.len() == NAME)
        .take(200)
        .find_map(|name| keys.delivery("message-id", name))
}

/// Letters and digits of a delivery's name.
const NAME: usize = 32;
