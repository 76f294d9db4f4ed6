//! Mails that no report part explains: whether a mail system says that something failed, a machine answered, a reader
//! wants to leave, or a person wrote.

use super::Kind;
use super::address;
use super::part::Mail;
use super::signs::SIGNS;
use super::words;

/// How much of a text tells what it is.
const BEGINNING: usize = 4000;

/// Whether a mail system says that a mail failed or is late; `text` is what it says.
pub(super) fn is_bounce(mail: &Mail, text: &str) -> Option<&'static str> {
    if mail.header.has("x-failed-recipients") {
        return Some("x-failed-recipients");
    }
    let subject = words::folded(&mail.header.folded("subject"));
    let beginning = words::folded(&text[..text.floor_char_boundary(BEGINNING)]);
    let by_subject = SIGNS.bounce.subjects.in_text(&subject);
    let by_text = SIGNS.bounce.texts.in_text(&beginning);
    let returns = !mail.returned.is_empty() || super::returned::cut(text).returned.is_some();
    let from_system = is_from_the_system(mail);
    let from_nobody = is_from_nobody(mail);
    if is_answered_by_a_machine(mail, &subject) && !from_system {
        return None;
    }
    match () {
        () if from_system && (by_subject || by_text || returns) => Some("mail-system"),
        () if from_nobody && by_subject && by_text => Some("null-sender"),
        () if from_nobody && returns => Some("null-sender"),
        () if by_subject && by_text && returns => Some("returned-mail"),
        () if SIGNS.bounce.subjects.begin(&subject)
            && by_text
            && !mail.header.has("in-reply-to") =>
        {
            Some("says-so")
        }
        () if (by_subject || by_text)
            && quotes_a_server(text)
            && !mail.header.has("in-reply-to") =>
        {
            Some("server-quoted")
        }
        () => None,
    }
}

/// Whether a text has the answer of a mail server in it: `550 5.1.1`, `RCPT TO:<`.
fn quotes_a_server(text: &str) -> bool {
    let beginning = &text[..text.floor_char_boundary(BEGINNING)];
    beginning.to_ascii_lowercase().contains("rcpt to:")
        || (words::code(beginning).is_some() && words::status(beginning).is_some())
}

/// What a mail is that is no bounce and no report.
pub(super) fn other(mail: &Mail, text: &str) -> (Kind, &'static str) {
    let subject = words::folded(&mail.header.folded("subject"));
    let beginning = words::folded(&text[..text.floor_char_boundary(BEGINNING)]);
    if is_unsubscribing(mail, &subject, text) {
        return (Kind::Unsubscribe, "asks-to-leave");
    }
    if says_so(mail) {
        return (Kind::Autoreply, "auto-submitted");
    }
    if SIGNS.autoreply.challenges.in_text(&subject) {
        return (Kind::Autoreply, "challenge");
    }
    let from_nobody = is_from_nobody(mail) || is_from_the_system(mail);
    if SIGNS.autoreply.subjects.begin(&subject)
        || (from_nobody && SIGNS.autoreply.subjects.in_text(&subject))
    {
        return (Kind::Autoreply, "subject");
    }
    if from_nobody && beginning.len() < 1500 && SIGNS.autoreply.challenges.in_text(&beginning) {
        return (Kind::Autoreply, "challenge");
    }
    (Kind::None, "ordinary")
}

/// Whether a text or a subject says that the mail is still being tried.
pub(super) fn is_delayed(mail: &Mail, text: &str) -> bool {
    let subject = words::folded(&mail.header.folded("subject"));
    let beginning = words::folded(&text[..text.floor_char_boundary(BEGINNING)]);
    SIGNS.bounce.delayed.in_text(&subject) || SIGNS.bounce.delayed.in_text(&beginning)
}

/// Whether a text without failures says that the mail arrived.
pub(super) fn is_delivered(mail: &Mail, text: &str) -> bool {
    let subject = words::folded(&mail.header.folded("subject"));
    let beginning = words::folded(&text[..text.floor_char_boundary(BEGINNING)]);
    SIGNS.bounce.delivered.in_text(&subject) || SIGNS.bounce.delivered.begin(&beginning)
}

/// Whether its header gives a mail system's name as the author.
pub(super) fn is_from_the_system(mail: &Mail) -> bool {
    let from = mail.header.folded("from");
    let named = [
        "mailer-daemon",
        "mailer daemon",
        "mail delivery",
        "mail deliver system",
        "postmaster",
        "mail administrator",
        "mail system",
        "mail-daemon",
        "system administrator",
        "microsoft outlook",
        "delivery subsystem",
        "delivery system",
    ];
    let addresses = address::all_of(&from).any(address::is_of_the_system);
    let path = mail.header.folded("return-path");
    addresses || named.iter().any(|name| from.contains(name)) || path.contains("mailer-daemon")
}

fn is_from_nobody(mail: &Mail) -> bool {
    let is_empty = |name: &str| {
        mail.header
            .get(name)
            .is_some_and(|value| matches!(value.trim(), "" | "<>" | "<null>" | "null"))
    };
    is_empty("return-path") || is_empty("from")
}

/// Fields that machines set when they answer (RFC 3834 section 3.1.7, and those from before it).
fn says_so(mail: &Mail) -> bool {
    let submitted = mail.header.folded("auto-submitted");
    let precedence = mail.header.folded("precedence");
    let fields = [
        "x-autoreply",
        "x-autorespond",
        "x-autoresponder",
        "x-auto-reply",
        "x-autoreply-from",
        "x-mail-autoreply",
        "x-vacation",
        "x-autogenerated-reply",
        "x-out-of-office",
    ];
    submitted.starts_with("auto-replied")
        || submitted.starts_with("auto-notified")
        || matches!(
            precedence.trim(),
            "auto_reply" | "auto-reply" | "autoreply" | "auto"
        )
        || fields.iter().any(|name| mail.header.has(name))
        || mail.header.folded("x-autogenerated").contains("reply")
        || mail
            .header
            .folded("x-ms-exchange-inbox-rules-loop")
            .contains('@')
        || mail.header.folded("x-precedence").contains("auto")
}

fn is_answered_by_a_machine(mail: &Mail, subject: &str) -> bool {
    SIGNS.autoreply.subjects.begin(subject) && !SIGNS.bounce.subjects.in_text(subject)
        || (says_so(mail) && !is_from_the_system(mail) && !SIGNS.bounce.subjects.in_text(subject))
}

/// Nothing but the wish: in the subject, or as the first line of a few words.
fn is_unsubscribing(mail: &Mail, subject: &str, text: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_matches(|letter: char| !letter.is_alphanumeric());
        text.trim_start_matches("re: ")
            .trim_start_matches("fwd: ")
            .to_owned()
    };
    let asks = |text: &str| SIGNS.unsubscribe.words.are(&bare(text));
    let local = address::all_of(mail.header.get("to").unwrap_or_default())
        .next()
        .map(str::to_ascii_lowercase)
        .unwrap_or_default();
    let to_us = local.starts_with("unsubscribe")
        || local.starts_with("leave-")
        || local.contains("+unsubscribe@");
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let first = words::folded(&first[..first.floor_char_boundary(200)]);
    asks(subject) || (asks(&first) && text.trim().len() < 2000) || (to_us && says_nothing(text))
}

fn says_nothing(text: &str) -> bool {
    text.trim().len() < 200
}
