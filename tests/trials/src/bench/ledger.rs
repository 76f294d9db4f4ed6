//! Claims and results by themselves, as the ledger makes them, with nobody to send to: what results cost (P7).

use bulletin::clock;
use bulletin::db::Db;
use bulletin::deliver::pace::Pace;
use bulletin::deliver::queue;
use bulletin::deliver::smtp::{Outcome, Reply};
use clap::Args;

/// Any number does: nobody else sends.
const SENDER: i64 = 7;

#[derive(Args)]
pub struct Command {
    /// As in `database.url`
    database: String,
    /// How many mails one commit has
    batch: usize,
    /// Write results down too, and not only claims
    #[arg(long)]
    results: bool,
}

/// Goes through all that is due.
pub fn run(command: &Command) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let db = Db::open(&command.database).await?;
        let now = clock::now();
        let campaigns = queue::campaigns_with_due(&mut db.read().await?, now).await?;
        let mut pace = Pace::new(command.batch, None);
        let mut settled = Vec::new();
        loop {
            let mut tx = db.begin().await?;
            if command.results {
                let life = chrono::Duration::days(1);
                queue::settle(&mut tx, SENDER, &settled, life, now).await?;
            }
            let batch = command.batch;
            let claims = queue::claim(&mut tx, SENDER, &campaigns, now, batch, &mut pace).await?;
            tx.commit().await?;
            if claims.claimed.is_empty() {
                break;
            }
            let accepted = |claimed: queue::Claimed| {
                let reply = Reply::new(250, "2.0.0 Taken");
                (claimed.delivery, Outcome::Accepted { reply })
            };
            settled = claims.claimed.into_iter().map(accepted).collect();
        }
        db.close().await;
        Ok(())
    })
}
