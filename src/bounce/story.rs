//! What a mail says itself, set apart from what it returns, with everybody whom either names.

use super::address;
use super::charset;
use super::html;
use super::kind::Look;
use super::naming::{self, Named};
use super::part::Mail;
use super::report::{self, Block};
use super::returned;

/// What a mail system says, and what is known of the mail that it says it about.
pub(super) struct Story<'a> {
    /// What it says itself, and that with the mail that may stand below.
    pub words: &'a str,
    pub whole: &'a str,
    pub look: Look<'a>,
    /// Whether any of another mail comes with it.
    pub returns: bool,
    /// Recipients by the returned mail's header.
    pub known: Vec<String>,
    /// Recipients that the words name.
    pub named: Vec<Named>,
    pub is_delayed: bool,
    pub is_delivered: bool,
}

impl<'a> Story<'a> {
    pub fn of(mail: &'a Mail, text: &'a str) -> Story<'a> {
        let cut = returned::cut(text);
        let headers = returned::headers(mail, cut.returned);
        let known = returned::recipients(&headers);
        let senders = returned::senders(mail, &headers);
        let look = Look::at(mail, cut.words);
        Story {
            named: naming::recipients(cut.words, &senders, &known),
            is_delayed: look.is_delayed(),
            is_delivered: look.is_delivered(),
            look,
            returns: !headers.is_empty(),
            words: cut.words,
            whole: text,
            known,
        }
    }

    /// The lines about one recipient, by any of its names; everything where there is but one.
    pub fn about(&self, names: &[&str], is_alone: bool) -> String {
        let one = self
            .named
            .iter()
            .find(|named| names.iter().any(|name| address::same(name, &named.address)));
        match (one, self.named.as_slice()) {
            (Some(named), _) => named.words.clone(),
            (None, [named]) if is_alone && named.is_plain() => named.words.clone(),
            _ => String::new(),
        }
    }
}

/// Words of the mail itself: its plain texts, prose that claims to be a report, and HTML where there is nothing else.
pub(super) fn own_text(mail: &Mail) -> String {
    let is_words = |kind: &str| {
        matches!(
            kind,
            "text/plain"
                | "message/delivery-status"
                | "text"
                | "plain/text"
                | "text/rfc822-headers"
        )
    };
    let mut text = String::new();
    for part in mail.own().filter(|part| is_words(&part.kind)) {
        let is_report =
            part.kind == "message/delivery-status" && !report::blocks(&part.text).is_empty();
        if !is_report && part.kind != "text/rfc822-headers" {
            text.push_str(&part.text);
            text.push_str("\n\n");
        }
    }
    // A text that names nobody may stand for an HTML part that does.
    if !text.contains('@') {
        for part in mail.own().filter(|part| part.kind == "text/html") {
            text.push_str(&html::text(&part.text));
            text.push('\n');
        }
    }
    if text.trim().is_empty() {
        for part in mail.own().filter(|part| !part.kind.starts_with("text/")) {
            text.push_str(&part.text);
        }
    }
    charset::without_octal(&text).into_owned()
}

/// Recipients of the report's fields: in the part that is for them, else wherever the mail's own parts have them.
pub(super) fn report_of(mail: &Mail, story: &Story<'_>) -> Vec<Block> {
    let is_report = |kind: &str| {
        matches!(
            kind,
            "message/delivery-status" | "message/global-delivery-status"
        )
    };
    let of_parts = |wanted: &dyn Fn(&str) -> bool| -> Vec<Block> {
        let parts = mail.own().filter(|part| wanted(&part.kind));
        parts
            .flat_map(|part| report::blocks(&part.text))
            .take(super::reading::MOST_RECIPIENTS)
            .collect()
    };
    let named = of_parts(&is_report);
    if !named.is_empty() {
        return named;
    }
    let in_words = report::blocks(story.words);
    if !in_words.is_empty() {
        return in_words;
    }
    let elsewhere =
        of_parts(&|kind| !is_report(kind) && kind != "text/plain" && kind != "text/html");
    match (elsewhere.is_empty(), story.named.is_empty()) {
        (true, true) => report::blocks(story.whole),
        _ => elsewhere,
    }
}
