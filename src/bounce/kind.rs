//! Mails that no report part explains: whether a mail system says that something failed, a machine answered, a reader
//! wants to leave, or a person wrote.

use super::Kind;
use super::address;
use super::part::Mail;
use super::signs::SIGNS;
use super::words;

/// How much of a text tells what it is.
const BEGINNING: usize = 4000;

/// What tells the kind: who sent it, the subject, and how the text begins, both folded.
pub(super) struct Look<'a> {
    mail: &'a Mail,
    text: &'a str,
    subject: String,
    beginning: String,
}

impl<'a> Look<'a> {
    /// `text` is what the mail says itself, without what it returns.
    pub fn at(mail: &'a Mail, text: &'a str) -> Look<'a> {
        Look {
            mail,
            text,
            subject: words::folded(&mail.header.folded("subject")),
            beginning: words::folded(&text[..text.floor_char_boundary(BEGINNING)]),
        }
    }

    /// What shows that a mail system says that a mail failed or is late; `None` where nothing does. It counts whether
    /// the mail `returns` another.
    pub fn bounce(&self, returns: bool) -> Option<&'static str> {
        if self.mail.header.has("x-failed-recipients") {
            return Some("x-failed-recipients");
        }
        let by_subject = SIGNS.bounce.subjects.in_text(&self.subject);
        let by_text = SIGNS.bounce.texts.in_text(&self.beginning);
        let from_nobody = is_from_nobody(self.mail);
        if is_from_the_system(self.mail) {
            return (by_subject || by_text || returns).then_some("mail-system");
        }
        if self.is_answered_by_a_machine() {
            return None;
        }
        // Whoever writes about a bounce answers somebody, as a rule.
        let answers = self.mail.header.has("in-reply-to");
        let begins = SIGNS.bounce.subjects.begin(&self.subject);
        let quotes = self.quotes_a_reply() || self.quotes_a_session();
        if from_nobody && (returns || (by_subject && by_text)) {
            Some("null-sender")
        } else if by_subject && by_text && returns {
            Some("returned-mail")
        } else if begins && by_text && !answers {
            Some("says-so")
        } else {
            (quotes && (by_subject || by_text) && !answers).then_some("server-quoted")
        }
    }

    /// What a mail is that is no bounce and no report.
    pub fn other(&self) -> (Kind, &'static str) {
        let signs = &SIGNS.autoreply;
        let from_nobody = is_from_nobody(self.mail) || is_from_the_system(self.mail);
        let is_short = self.beginning.len() < 1500;
        if self.is_unsubscribing() {
            (Kind::Unsubscribe, "asks-to-leave")
        } else if says_so(self.mail) {
            (Kind::Autoreply, "auto-submitted")
        } else if signs.challenges.in_text(&self.subject)
            || (from_nobody && is_short && signs.challenges.in_text(&self.beginning))
        {
            (Kind::Autoreply, "challenge")
        } else if signs.subjects.begin(&self.subject)
            || (from_nobody && signs.subjects.in_text(&self.subject))
        {
            (Kind::Autoreply, "subject")
        } else {
            (Kind::None, "ordinary")
        }
    }

    /// Whether it says that the mail is still being tried.
    pub fn is_delayed(&self) -> bool {
        let delayed = &SIGNS.bounce.delayed;
        delayed.in_text(&self.subject) || delayed.in_text(&self.beginning)
    }

    /// Whether it says that the mail arrived.
    pub fn is_delivered(&self) -> bool {
        let delivered = &SIGNS.bounce.delivered;
        delivered.in_text(&self.subject) || delivered.begin(&self.beginning)
    }

    /// `550 5.1.1`: a mail server's answer.
    fn quotes_a_reply(&self) -> bool {
        let beginning = &self.text[..self.text.floor_char_boundary(BEGINNING)];
        words::code(beginning).is_some() && words::status(beginning).is_some()
    }

    fn quotes_a_session(&self) -> bool {
        self.beginning.contains("rcpt to:")
    }

    fn is_answered_by_a_machine(&self) -> bool {
        let answers = SIGNS.autoreply.subjects.begin(&self.subject) || says_so(self.mail);
        answers && !SIGNS.bounce.subjects.in_text(&self.subject)
    }

    /// Nothing but the wish: in the subject, or as the first line of a few words.
    fn is_unsubscribing(&self) -> bool {
        let asks = |text: &str| {
            let text = text.trim_matches(|letter: char| !letter.is_alphanumeric());
            let text = text.trim_start_matches("re: ").trim_start_matches("fwd: ");
            SIGNS.unsubscribe.words.are(text)
        };
        let to = self.mail.header.folded("to");
        let to = address::all_of(&to).next().unwrap_or_default();
        let to_us = to.starts_with("unsubscribe")
            || to.starts_with("leave-")
            || to.contains("+unsubscribe@");
        let text = self.text.trim();
        let first = text.lines().next().unwrap_or_default().trim();
        let first = words::folded(&first[..first.floor_char_boundary(200)]);
        asks(&self.subject) || (asks(&first) && text.len() < 2000) || (to_us && text.len() < 200)
    }
}

/// Whether its header gives a mail system's name as the author.
pub(super) fn is_from_the_system(mail: &Mail) -> bool {
    let names = [
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
    let from = mail.header.folded("from");
    address::all_of(&from).any(address::is_of_the_system)
        || mail.header.says("from", &names)
        || mail.header.says("return-path", &["mailer-daemon"])
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
        || mail.header.says("x-autogenerated", &["reply"])
        || mail.header.says("x-ms-exchange-inbox-rules-loop", &["@"])
        || mail.header.says("x-precedence", &["auto"])
}
