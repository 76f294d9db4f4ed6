//! What wakes a sender that waits: on PostgreSQL a notification, sent with the commit that made something due.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::db::{Db, WAKE_CHANNEL};

/// How long to wait before listening is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A sender's ear. It looks by itself often enough; this only makes it quicker.
pub(super) struct Wake(Option<PgListener>);

impl Wake {
    pub(super) async fn listen(db: &Db) -> sqlx::Result<Wake> {
        let Db::Postgres(pool) = db else {
            return Ok(Wake(None));
        };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(WAKE_CHANNEL).await?;
        Ok(Wake(Some(listener)))
    }

    /// Returns when there may be something to do. On SQLite never: senders there look twice a second.
    pub(super) async fn woken(&mut self) {
        let Some(listener) = &mut self.0 else {
            return std::future::pending().await;
        };
        // It connects again by itself.
        while listener.recv().await.is_err() {
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}
