//! What of a mail, or of a provider's event, matters for a delivery.

use super::Came;
use crate::bounce::{Action, Class, Kind, Reading, Recipient};
use crate::secret::Keys;

/// What of a mail matters for a delivery.
pub(super) enum Said<'a> {
    Failed(&'a Recipient),
    Complains,
    Leaves,
    /// It is never counted, and why.
    Nothing(&'static str),
}

impl<'a> Said<'a> {
    pub(super) fn of(reading: &'a Reading, reader: Option<&str>) -> Said<'a> {
        match reading.kind {
            Kind::Complaint => Said::Complains,
            Kind::Unsubscribe => Said::Leaves,
            Kind::Bounce => match the_one(&reading.recipients, reader) {
                Some(recipient) if recipient.verdict.class == Class::Delayed => {
                    Said::Nothing("it is still being tried")
                }
                Some(recipient) => match recipient.action {
                    Action::Failed => Said::Failed(recipient),
                    Action::Delayed => Said::Nothing("it is still being tried"),
                    Action::Delivered | Action::Relayed | Action::Expanded => {
                        Said::Nothing("it arrived")
                    }
                },
                None => Said::Nothing("it does not say that anything failed"),
            },
            Kind::Autoreply => Said::Nothing("a program answered for somebody"),
            Kind::Report => Said::Nothing("it is about no reader"),
            Kind::Success => Said::Nothing("it arrived"),
            Kind::None => Said::Nothing("an ordinary mail"),
        }
    }

    pub(super) fn changes_something(&self) -> bool {
        !matches!(self, Said::Nothing(_))
    }

    pub(super) fn failed(&self) -> Option<&'a Recipient> {
        match self {
            Said::Failed(recipient) => Some(recipient),
            _ => None,
        }
    }

    /// The same event about the same delivery has the same mark, by whatever way it comes; a warning and the failure that
    /// follows it have not, even under one Message-ID.
    pub(super) fn mark(&self, keys: &Keys, reading: &Reading, came: Came<'_>) -> String {
        let class = self.failed().map_or("", |one| one.verdict.class.as_str());
        let delivery = reading.delivery.unwrap_or(-1);
        let what = format!("{}\n{class}\n{delivery}\n", reading.kind);
        keys.mark(&[what.as_bytes(), came.id].concat())
    }
}

/// The recipient that speaks for a delivery, which has one reader: by their own address if it is named. An alias may have
/// led to several mailboxes; what one of them did not get, another may have, so the mildest verdict counts.
pub(super) fn the_one<'a>(
    recipients: &'a [Recipient],
    reader: Option<&str>,
) -> Option<&'a Recipient> {
    recipients.iter().min_by_key(|one| {
        let address = one.address.as_deref().unwrap_or_default();
        let is_theirs = reader.is_some_and(|reader| reader.eq_ignore_ascii_case(address));
        let arrived = matches!(
            one.action,
            Action::Delivered | Action::Relayed | Action::Expanded
        );
        let class = match one.verdict.class {
            Class::Delayed => 0,
            Class::Block => 1,
            Class::Soft => 2,
            Class::Hard => 3,
        };
        (!is_theirs, !arrived, class)
    })
}
