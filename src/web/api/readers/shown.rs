//! Readers as programs see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::db::Tx;
use crate::feedback::timeline::{self, Moment};
use crate::subscriber::{self, Delivered, Subscriber};
use crate::subscription::{self, Act, Format, Frequency, Language, State};
use crate::suppression;

/// A reader as `bulletin subscriber show --json` has one.
#[derive(Serialize)]
pub(super) struct Shown {
    id: Uuid,
    address: String,
    name: String,
    state: State,
    topics: Vec<String>,
    research_types: Vec<String>,
    frequency: Frequency,
    format: Format,
    language: Language,
    time_zone: String,
    since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_until: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    reader: Shown,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<Consented>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<Delivered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Moment>,
}

#[derive(Serialize)]
struct Consented {
    act: Act,
    at: DateTime<Utc>,
    source: String,
}

pub(super) fn shown(reader: Subscriber) -> Shown {
    Shown {
        id: reader.id,
        address: reader.address,
        name: reader.name,
        state: reader.state,
        topics: reader.topics.0,
        research_types: reader.research_types.0,
        frequency: reader.frequency,
        format: reader.format,
        language: reader.language,
        time_zone: reader.time_zone,
        since: reader.since,
        paused_until: reader.paused_until,
        consent_until: reader.consent_until,
    }
}

pub(super) async fn whole(tx: &mut Tx, reader: Subscriber) -> sqlx::Result<Whole> {
    let consents = subscription::consents(tx, &reader.address_hash).await?;
    let suppressed = suppression::of(tx, &reader.address_hash).await?;
    let suppressed = suppressed.map(|found| {
        let since = found.since.to_rfc3339();
        format!("{} since {since}: {}", found.reason, found.note)
    });
    let consents = consents.into_iter().map(|consent| Consented {
        act: consent.act,
        at: consent.at,
        source: consent.source,
    });
    Ok(Whole {
        consents: consents.collect(),
        deliveries: subscriber::deliveries(tx, reader.id).await?,
        suppressed,
        timeline: timeline::of(tx, &reader).await?,
        reader: shown(reader),
    })
}
