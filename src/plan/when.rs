//! When a campaign that a person sends is to start.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{ReadersTime, Settings};
use crate::config::{Config, OnNothing, OnUnknown};

/// When the mails are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As soon as it cannot be called back any more.
    Now,
    At(DateTime<Utc>),
    /// Each reader's when the clocks in their own time zone show this.
    OnReadersClocks(NaiveDateTime),
}

/// How a time on some clock is written, by browsers too.
pub const WALL: &str = "%Y-%m-%dT%H:%M";

/// A time on some clock; `None` for a text that is none.
pub fn wall(written: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(written, WALL).ok()
}

/// The operator's settings for what is sent by hand.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub on_nothing: OnNothing,
    pub on_unknown: OnUnknown,
    /// How long a campaign can be called back before its first mail.
    pub undo: Duration,
    /// For readers who named no zone.
    pub zone: Tz,
}

impl Terms {
    pub fn of(config: &Config) -> Terms {
        Terms {
            on_nothing: config.on_nothing,
            on_unknown: config.on_unknown,
            undo: config.undo,
            zone: config.schedule_time_zone,
        }
    }

    /// The settings of a campaign planned at `now`.
    pub fn settings(&self, when: When, now: DateTime<Utc>) -> Settings {
        let soonest = now + self.undo;
        Settings {
            on_nothing: self.on_nothing,
            on_unknown: self.on_unknown,
            now,
            start_at: match when {
                When::At(at) => at.max(soonest),
                When::Now | When::OnReadersClocks(_) => soonest,
            },
            readers_time: match when {
                When::OnReadersClocks(wall) => Some(ReadersTime {
                    wall,
                    fallback: self.zone,
                }),
                When::Now | When::At(_) => None,
            },
        }
    }
}
