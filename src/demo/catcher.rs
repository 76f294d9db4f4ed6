//! The mail catcher: an SMTP server on this machine that keeps what it is given, to be looked at.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mail_parser::{Message, MessageParser};

use crate::listen::{Answer, Mailbox, Step};

/// Mails that are kept; later ones are taken and forgotten.
const MOST: usize = 5_000;

/// What has been caught, in the order of arrival.
#[derive(Default)]
pub struct Catcher {
    caught: Mutex<Vec<Caught>>,
    /// Recipients that were put off once.
    put_off: Mutex<Vec<String>>,
}

/// A mail as it came over the wire.
#[derive(Clone)]
pub struct Caught {
    pub return_path: String,
    pub recipient: String,
    pub source: Vec<u8>,
}

/// A caught mail's parts, decoded.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub subject: String,
    pub html: Option<String>,
    pub text: Option<String>,
    /// The header as it came.
    pub header: String,
}

impl Catcher {
    pub fn all(&self) -> Vec<Caught> {
        lock(&self.caught).clone()
    }

    pub fn get(&self, number: usize) -> Option<Caught> {
        lock(&self.caught).get(number).cloned()
    }

    /// Like a real relay, it refuses some: who begins with `gone` has no mailbox, who begins with `full` has room later.
    fn judge(&self, recipient: &str) -> Answer {
        if recipient.starts_with("gone") {
            return Answer::reply("550 5.1.1 There is no such mailbox here");
        }
        let mut put_off = lock(&self.put_off);
        if recipient.starts_with("full") && !put_off.iter().any(|known| known == recipient) {
            put_off.push(recipient.to_owned());
            return Answer::reply("452 4.2.2 The mailbox is full, try again later");
        }
        Answer::usual()
    }
}

impl Mailbox for Catcher {
    async fn answer(&self, step: Step<'_>) -> Answer {
        match step {
            Step::Rcpt(recipient) => self.judge(recipient),
            Step::Message(received) => {
                let mut caught = lock(&self.caught);
                if caught.len() < MOST {
                    caught.push(Caught {
                        return_path: received.return_path.clone(),
                        recipient: received.recipients.first().cloned().unwrap_or_default(),
                        source: received.message.clone(),
                    });
                }
                Answer::usual()
            }
            _ => Answer::usual(),
        }
    }
}

impl Caught {
    pub fn parts(&self) -> Parts {
        let end = self
            .source
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .unwrap_or(self.source.len());
        let header = String::from_utf8_lossy(&self.source[..end]).into_owned();
        let Some(message) = MessageParser::default().parse(&self.source) else {
            return Parts {
                header,
                ..Parts::default()
            };
        };
        Parts {
            subject: message.subject().unwrap_or_default().to_owned(),
            html: has(&message, "html")
                .then(|| message.body_html(0).map(|text| text.into_owned()))
                .flatten(),
            text: has(&message, "plain")
                .then(|| message.body_text(0).map(|text| text.into_owned()))
                .flatten(),
            header,
        }
    }
}

/// Whether a part of that subtype was sent; the parser would make one from the other.
fn has(message: &Message<'_>, subtype: &str) -> bool {
    use mail_parser::MimeHeaders;
    message.parts.iter().any(|part| {
        part.content_type()
            .is_some_and(|kind| kind.subtype() == Some(subtype))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
