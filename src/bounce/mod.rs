//! What comes back by mail, read: whose it is, and which party is to blame. Nothing here touches the database.
//!
//! A mail is split into its parts (`part.rs`), told apart by kind (`feedback.rs`, `kind.rs`), and asked for recipients
//! from the surest evidence to the weakest (`reading.rs`): the fields of a report (`report.rs`), then its words
//! (`naming.rs`) and the mail that came back (`returned.rs`). What a server's words mean is no code but a table,
//! `rules.toml`; what mails are known by is another, `signs.toml`.

mod address;
mod charset;
mod feedback;
mod header;
mod html;
mod judged;
mod kind;
pub mod meaning;
mod naming;
mod notified;
mod ours;
mod part;
mod reading;
mod report;
mod returned;
mod rules;
mod signs;
mod source;
mod story;
mod words;

pub use rules::{RulesError, add_rules};
pub use words::Stage;

use judged::Evidence;
use part::Mail;

use crate::db::word;
use crate::secret::Keys;

word! {
    /// What a mail is that came to a return path or to the bounce address.
    pub enum Kind {
        /// A mail server says what became of a message of ours; delay warnings are among them.
        Bounce = "bounce",
        /// A reader called it spam (ARF, RFC 5965).
        Complaint = "complaint",
        /// A reader wants no more mail.
        Unsubscribe = "unsubscribe",
        /// Nobody read it yet: a vacation notice, a challenge (RFC 3834).
        Autoreply = "autoreply",
        /// About no reader: DMARC, DKIM and TLS reports.
        Report = "report",
        /// It arrived, and somebody says so.
        Success = "success",
        /// An ordinary mail, for a person.
        None = "none",
    }
}

word! {
    /// Which party a failure is blamed on.
    pub enum Class {
        /// No such mailbox, no such domain, moved away: the address is wrong, for good.
        Hard = "hard",
        /// This one message failed, for a reason that may pass.
        Soft = "soft",
        /// Refused for the sender, its server or the content: never the reader's fault.
        Block = "block",
        /// Still being tried.
        Delayed = "delayed",
    }
}

word! {
    /// What the reporting server has done (RFC 3464 section 2.3.3): given up, or not yet.
    pub enum Action {
        Failed = "failed",
        Delayed = "delayed",
        Delivered = "delivered",
        Relayed = "relayed",
        Expanded = "expanded",
    }
}

/// Class, subject and detail of an enhanced status code (RFC 3463).
pub type Status = (u8, u16, u16);

/// What words and codes of a mail server come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub class: Class,
    /// One word from the table of rules, such as `user_unknown`, `mailbox_full`, `spam_detected`.
    pub reason: &'static str,
    /// The name of the rule that gave it.
    pub because: &'static str,
}

/// One recipient that a mail is about.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// As the mail gives it, the name that we used before any it was forwarded to; `None` when nothing names one.
    pub address: Option<String>,
    pub verdict: Verdict,
    pub status: Option<Status>,
    pub action: Action,
    /// The server's own words, at most 512 characters, for the editor; they may quote the address.
    pub words: String,
}

/// What a mail says.
#[derive(Clone, Debug)]
pub struct Reading {
    pub kind: Kind,
    /// The rule or evidence that gave the kind.
    pub because: &'static str,
    /// Our delivery, by the signed return path that it came to or quotes.
    pub delivery: Option<i64>,
    /// Empty where nobody is named or nothing failed.
    pub recipients: Vec<Recipient>,
}

/// The reason of words that no rule knows.
pub const UNDEFINED: &str = "undefined";

/// Reads any mail, in bounded time and memory (1 MB, depth 20, 100 parts). `to` is the envelope's recipient where one
/// is known: the strongest evidence of all, before `Delivered-To` and what the mail quotes.
pub fn read(mail: &[u8], to: Option<&str>, keys: &Keys) -> Reading {
    let mail = Mail::split(&source::lines_of(mail));
    let ours = ours::delivery(&mail, to, keys);
    Reading {
        delivery: ours.map(|(delivery, _)| delivery),
        ..reading::of(&mail)
    }
}

/// What a reply of a mail server to RCPT means: the same judgement for words in a report and for an answer at SMTP time.
pub fn judge(code: u16, status: Option<Status>, words: &str) -> Verdict {
    judge_at(Stage::Recipient, code, status, words)
}

/// What a reply means that was given at `stage`: a server that took the recipient and refuses the message speaks less
/// surely of the address than one that refuses the recipient.
pub fn judge_at(stage: Stage, code: u16, status: Option<Status>, words: &str) -> Verdict {
    let evidence = Evidence {
        reply: words,
        code: Some(code),
        status,
        stage,
        ..Evidence::default()
    };
    judged::verdict(&evidence).0
}
