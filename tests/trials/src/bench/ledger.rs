//! Claims and results by themselves, as the ledger makes them, with nobody to send to: what results cost (P7).

use bulletin::clock;
use bulletin::db::Db;
use bulletin::deliver::queue;
use bulletin::deliver::round::{Claimed, Round};
use bulletin::deliver::settled::Settled;
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
        let mut settled = Vec::new();
        while let Some(campaign) = campaigns.first() {
            let mut tx = db.begin().await?;
            let round = Round {
                sender: SENDER,
                settled: match command.results {
                    true => &settled,
                    false => &[],
                },
                campaign: *campaign,
                wanted: command.batch,
                now,
            };
            let done = round.within(&mut tx).await?;
            tx.commit().await?;
            if done.claimed.is_empty() {
                break;
            }
            let accepted = |claimed: &Claimed| {
                let reply = Reply::new(250, "2.0.0 Taken");
                let (life, outcome) = (chrono::Duration::days(1), Outcome::Accepted { reply });
                Settled::by(&claimed.delivery, &outcome, life, now)
            };
            settled = done.claimed.iter().map(accepted).collect();
        }
        db.close().await;
        Ok(())
    })
}
