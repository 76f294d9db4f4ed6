//! Watching a campaign go out.

use std::time::Duration;

use bulletin::campaign::{self, Account, State};
use bulletin::db::Db;
use bulletin::tally;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

/// A bar of what has come to its end, on a terminal alone. It reads the tally, which is short however long the list is.
pub async fn show(db: Db, campaign: i64, until: CancellationToken, quiet: bool) {
    let bar = ProgressBar::new(0);
    if quiet || bar.is_hidden() {
        return;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {per_sec}, {eta} left  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    if let Ok(account) = read_account(&db, campaign).await {
        bar.set_length(account.planned.unsigned_abs());
    }
    while !until.is_cancelled() {
        if let Ok(ended) = read_totals(&db, campaign).await {
            bar.set_position((ended.accepted + ended.bounced).unsigned_abs());
            bar.set_message(format!("{} bounced", ended.bounced));
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
            () = until.cancelled() => {}
        }
    }
    bar.finish_and_clear();
}

/// Until nothing of the campaign is left to be tried for now, or it is held up.
pub async fn wait_until_tried(
    db: &Db,
    campaign: i64,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let mut tx = db.read().await?;
        let account = campaign::account(&mut tx, Some(campaign)).await?;
        let running = campaign::state(&mut tx, campaign).await? == State::Running;
        drop(tx);
        let tried = account.in_flight == 0 && (account.waiting == 0 || !running);
        if tried || stop.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn read_account(db: &Db, campaign: i64) -> sqlx::Result<Account> {
    campaign::account(&mut db.read().await?, Some(campaign)).await
}

async fn read_totals(db: &Db, campaign: i64) -> sqlx::Result<tally::Totals> {
    tally::totals(&mut db.read().await?, campaign).await
}
