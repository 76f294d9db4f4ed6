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
        .find_map(|name| message(mail.header.all(name), keys));
    let returned = || {
        mail.returned
            .iter()
            .find_map(|header| message(header.all("message-id"), keys))
    };
    let delivery = answers.or_else(returned)?;
    Some((delivery, "message-id"))
}

/// A return path amid a text. Ours are long and begin alike, so that hardly anything else is looked at.
fn in_text(text: &str, keys: &Keys) -> Option<i64> {
    address::find(text, false)
        .filter(|at| at.len() > 34)
        .take(200)
        .find_map(|at| {
            let found = &text[at];
            let ours = found.to_ascii_lowercase().find("b-")?;
            verp::delivery(keys, &found[ours..])
        })
}

fn message<'a>(mut values: impl Iterator<Item = &'a str>, keys: &Keys) -> Option<i64> {
    values.find_map(|value| {
        address::all_of(value).take(50).find_map(|id| {
            let (name, _) = id.split_once('@')?;
            keys.delivery("message-id", name)
        })
    })
}
