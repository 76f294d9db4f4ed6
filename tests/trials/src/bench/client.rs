//! Our own SMTP client by itself: the same bytes again and again, with no database and nothing rendered (P5).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::ensure;
use bulletin::deliver::relay::Relay;
use bulletin::deliver::smtp::{Envelope, Outcome};
use clap::Args;
use tokio::task::JoinSet;

#[derive(Args)]
pub struct Command {
    relay: SocketAddr,
    connections: usize,
    messages: usize,
    /// The message, with CRLF line ends
    file: PathBuf,
}

/// Sends, and fails unless everything was taken.
pub fn run(command: Command) -> anyhow::Result<()> {
    let message: Arc<[u8]> = std::fs::read(&command.file)?.into();
    let relay = Arc::new(Relay::parse(&format!("smtp://{}", command.relay))?);
    let begun = Arc::new(AtomicUsize::new(0));
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut connections = JoinSet::new();
        for _ in 0..command.connections {
            let (relay, message, begun) = (relay.clone(), message.clone(), begun.clone());
            connections.spawn(send(relay, message, begun, command.messages));
        }
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })
}

async fn send(
    relay: Arc<Relay>,
    message: Arc<[u8]>,
    begun: Arc<AtomicUsize>,
    messages: usize,
) -> anyhow::Result<()> {
    let mut session = relay.connect().await?;
    loop {
        let number = begun.fetch_add(1, Ordering::Relaxed);
        if number >= messages {
            session.quit().await;
            return Ok(());
        }
        let envelope = Envelope {
            return_path: "news@example.org",
            recipient: &format!("r{number}@d{}.test", number % 50),
        };
        let outcome = session.send(&envelope, &message, || true).await;
        ensure!(
            matches!(outcome, Outcome::Accepted { .. }),
            "not taken: {outcome:?}"
        );
    }
}
