//! Notices of Amazon SES that a topic sends by mail: what happened, as JSON in the text.

use serde::Deserialize;

use super::{Action, Kind};

/// What a notice says happened, and to whom.
pub(super) struct Notice {
    pub kind: Kind,
    pub because: &'static str,
    pub recipients: Vec<Told>,
}

/// One recipient of it.
pub(super) struct Told {
    pub address: String,
    pub words: String,
    pub status: String,
    pub action: Action,
    /// SES holds it for an address that is wrong for good.
    pub is_general: bool,
}

/// The notice in a text, if it is one.
pub(super) fn read(text: &str) -> Option<Notice> {
    let begins = text.find('{').filter(|at| text[..*at].trim().is_empty())?;
    if !text.contains("notificationType") && !text.contains("eventType") {
        return None;
    }
    let text = &text[begins..];
    let event = first::<Event>(text).or_else(|| {
        let wrapped = first::<Wrapped>(text)?;
        first::<Event>(&wrapped.message)
    });
    event.and_then(Event::notice)
}

/// The first JSON value of a text, whatever follows it.
fn first<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::Deserializer::from_str(text)
        .into_iter()
        .next()?
        .ok()
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "Message")]
    message: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(alias = "eventType", rename = "notificationType")]
    kind: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Delivery {
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default, rename = "smtpResponse")]
    response: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    diagnostic_code: String,
}

impl Event {
    fn notice(self) -> Option<Notice> {
        match (
            self.kind.as_str(),
            self.bounce,
            self.complaint,
            self.delivery,
        ) {
            ("Bounce", Some(bounce), _, _) => {
                let is_general = bounce.bounce_type == "Permanent";
                let told = bounce.bounced_recipients.into_iter();
                let told = told.map(|recipient| recipient.told(Action::Failed, is_general));
                Some(Notice::of(Kind::Bounce, told.collect()))
            }
            ("Complaint", _, Some(complaint), _) => {
                let told = complaint.complained_recipients.into_iter();
                let told = told.map(|recipient| recipient.told(Action::Delivered, false));
                Some(Notice::of(Kind::Complaint, told.collect()))
            }
            ("Delivery", _, _, Some(delivery)) => {
                let response = &delivery.response;
                let told = delivery.recipients.iter().map(|address| Told {
                    address: address.clone(),
                    words: response.clone(),
                    status: response.clone(),
                    action: Action::Delivered,
                    is_general: false,
                });
                Some(Notice::of(Kind::Success, told.collect()))
            }
            _ => None,
        }
    }
}

impl Recipient {
    fn told(self, action: Action, is_general: bool) -> Told {
        Told {
            address: self.email_address,
            words: self.diagnostic_code,
            status: self.status,
            action,
            is_general,
        }
    }
}

impl Notice {
    fn of(kind: Kind, recipients: Vec<Told>) -> Notice {
        Notice {
            kind,
            because: "ses-notice",
            recipients,
        }
    }
}
