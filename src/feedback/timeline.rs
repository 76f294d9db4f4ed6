//! What became of a reader, moment by moment: planned, offered, what the relay said, what came back, what was done and why.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::bounce::Class;
use crate::campaign::DeliveryState;
use crate::db::{Tx, on, row};
use crate::returned::{self, Returned, Way};
use crate::subscriber::Subscriber;
use crate::suppression::{self, Reason};

/// One moment, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub at: DateTime<Utc>,
    /// The month of the issue, or `letter`; `None` where it is about no message.
    pub message: Option<String>,
    /// `planned`, `offered`, the state that a delivery came to, `came back`, `suppressed` or `released`.
    pub what: String,
    pub words: String,
}

row! {
    pub struct Message {
        pub id: i64,
        /// `None` for a letter.
        pub month: Option<String>,
        pub planned_at: DateTime<Utc>,
        pub state: DeliveryState,
        pub attempts: i64,
        pub first_tried_at: Option<DateTime<Utc>>,
        pub changed_at: DateTime<Utc>,
        pub reply: Option<String>,
    }
}

/// Everything that is still known of a reader, oldest first.
pub async fn of(tx: &mut Tx, reader: &Subscriber) -> sqlx::Result<Vec<Moment>> {
    let messages = messages(tx, reader.id).await?;
    let back = returned::of_reader(tx, reader.id).await?;
    let mut moments: Vec<Moment> = Vec::new();
    for message in &messages {
        message.tell(&back, &mut moments);
    }
    moments.extend(back.iter().map(|one| came_back(one, &messages)));
    for released in suppression::releases(tx, &reader.address_hash).await? {
        let (reason, note) = (released.reason, &released.note);
        moments.push(suppressed(released.since, reason, note));
        moments.push(Moment {
            at: released.released_at,
            message: None,
            what: "released".to_owned(),
            words: released.because,
        });
    }
    if let Some(found) = suppression::of(tx, &reader.address_hash).await? {
        moments.push(suppressed(found.since, found.reason, &found.note));
    }
    moments.sort_by_key(|moment| moment.at);
    Ok(moments)
}

impl Message {
    fn name(&self) -> Option<String> {
        Some(self.month.clone().unwrap_or_else(|| "letter".to_owned()))
    }

    fn tell(&self, back: &[Returned], to: &mut Vec<Moment>) {
        let mut say = |at, what: &str, words: String| {
            to.push(Moment {
                at,
                message: self.name(),
                what: what.to_owned(),
                words,
            });
        };
        if self.month.is_some() {
            say(self.planned_at, "planned", String::new());
        }
        let Some(first) = self.first_tried_at else {
            if self.state == DeliveryState::Suppressed {
                let words = self.reply.clone().unwrap_or_default();
                say(self.changed_at, self.state.as_str(), words);
            }
            return;
        };
        say(first, "offered", tries(self.attempts));
        let is_reported = |one: &Returned| {
            one.delivery_id == Some(self.id) && one.way != Way::Relay && one.class.is_some()
        };
        let words = self.reply.clone().unwrap_or_default();
        // The delivery bounced when the report came; what stands with it is what the relay said before.
        match self.state == DeliveryState::Bounced && back.iter().any(is_reported) {
            true => say(first, "the relay said", words),
            false => say(self.changed_at, self.state.as_str(), words),
        }
    }
}

fn tries(attempts: i64) -> String {
    match attempts {
        1 => String::new(),
        more => format!("{more} times by now"),
    }
}

fn came_back(one: &Returned, messages: &[Message]) -> Moment {
    let message = messages
        .iter()
        .find(|message| Some(message.id) == one.delivery_id);
    let class = one.class.map(Class::as_str).unwrap_or_default();
    let mut words = [
        one.kind.as_str(),
        class,
        &one.reason,
        one.status.as_deref().unwrap_or_default(),
    ]
    .iter()
    .filter(|word| !word.is_empty())
    .map(|word| (*word).to_owned())
    .collect::<Vec<_>>()
    .join(" ");
    words += &format!(" (by {}, way: {}): {}", one.because, one.way, one.did);
    if !one.note.is_empty() {
        words += &format!(", {}", one.note);
    }
    if let Some(said) = &one.words {
        words += &format!("; it says: {said}");
    }
    Moment {
        at: one.at,
        message: message.and_then(Message::name),
        what: "came back".to_owned(),
        words,
    }
}

fn suppressed(since: DateTime<Utc>, reason: Reason, note: &str) -> Moment {
    Moment {
        at: since,
        message: None,
        what: "suppressed".to_owned(),
        words: format!("{reason} {note}").trim_end().to_owned(),
    }
}

async fn messages(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Vec<Message>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT d.id, i.month, c.planned_at, d.state, d.attempts, d.first_tried_at, d.changed_at, d.reply \
             FROM delivery d JOIN campaign c ON c.id = d.campaign_id LEFT JOIN issue i ON i.id = c.issue_id \
             WHERE d.subscriber_id = $1 ORDER BY d.id",
        )
        .bind(reader)
        .fetch_all(conn)
        .await
    })
}
