//! The one place that asks what time it is.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time to what runs for long; tests hand in one that they turn themselves.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The time now, to the microsecond: PostgreSQL keeps no more, and both databases shall agree.
#[expect(
    clippy::disallowed_methods,
    reason = "everything else is given the time"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// The machine's clock.
pub fn system() -> Clock {
    Arc::new(now)
}
