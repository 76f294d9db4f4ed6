//! The instrumented relay: fast, as rude as asked, and truthful. A message is taken if and only if its line is in the
//! log, which is written before the reply leaves, so that the log can be held against what the sender believes.

mod session;

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

#[derive(Args)]
pub struct Command {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// One line for each message taken: microseconds since the start, connection, envelope sender, recipients,
    /// Message-ID, bytes on the wire without the final dot, hash or '-'; separated by tabs
    #[arg(long)]
    log: PathBuf,
    #[command(flatten)]
    manners: Manners,
    /// How many threads serve the connections
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// End when standard input does, as it does when whoever started this is gone
    #[arg(long)]
    until_input_ends: bool,
}

/// How the relay behaves.
#[derive(Args, Clone, Debug, Default)]
pub struct Manners {
    /// Milliseconds to wait before each batch of replies
    #[arg(long, default_value_t = 0)]
    pub delay: u64,
    /// Percent of recipients that are refused for good (550 5.1.1), always the same ones
    #[arg(long, default_value_t = 0)]
    pub reject: u64,
    /// Percent of recipients that are refused for now (451) when they come first, always the same ones
    #[arg(long, default_value_t = 0)]
    pub defer: u64,
    /// Percent of messages that are taken without a reply: the connection is cut after the final dot
    #[arg(long, default_value_t = 0)]
    pub cut: u64,
    /// Throw the body away as it comes, instead of holding the message until it is whole
    #[arg(long, conflicts_with = "hash_body")]
    pub discard_body: bool,
    /// Log a hash of the whole message
    #[arg(long)]
    pub hash_body: bool,
    /// Log the link of List-Unsubscribe, in a field of its own at the end
    #[arg(long, conflicts_with = "discard_body")]
    pub log_links: bool,
    /// Do not offer PIPELINING (RFC 2920)
    #[arg(long)]
    pub no_pipelining: bool,
}

/// A message that the relay took: a line of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Since the relay's start, on the monotonic clock.
    pub micros: u64,
    pub connection: u64,
    pub return_path: String,
    pub recipient: String,
    pub message_id: String,
    pub bytes: u64,
    /// Of the whole message; `None` where the relay was not told to make one.
    pub hash: Option<u64>,
    /// Where its reader leaves; `None` where the relay was not told to look.
    pub leave: Option<String>,
}

/// A relay within this process; hangs up and ends when dropped.
pub struct Relay {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<AbortOnDropHandle<()>>,
}

/// What the connections have in common.
struct Shared {
    manners: Manners,
    log: File,
    path: PathBuf,
    began: Instant,
    connections: AtomicU64,
    taken: AtomicU64,
    bytes: AtomicU64,
    /// Hashes of recipients that were deferred once and are taken when they come again.
    deferred: Mutex<HashSet<u64>>,
}

impl Relay {
    /// Listens at `address` and appends to the log at `path`.
    pub async fn start(address: SocketAddr, path: &Path, manners: Manners) -> io::Result<Relay> {
        let log = File::options().create(true).append(true).open(path)?;
        let shared = Arc::new(Shared {
            manners,
            log,
            path: path.to_owned(),
            began: Instant::now(),
            connections: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            deferred: Mutex::default(),
        });
        let mut relay = Relay {
            address,
            shared,
            serving: None,
        };
        relay.come_back().await?;
        Ok(relay)
    }

    /// Hangs up on everyone and listens no more: who calls is refused.
    pub async fn go_away(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Listens again, at the same address.
    pub async fn come_back(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, self.shared.clone()));
        self.serving = Some(AbortOnDropHandle::new(serving));
        Ok(())
    }

    /// How many messages it has taken.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// How many of the messages taken from the `first` on, counted from zero, were taken without a reply.
    pub fn cuts_since(&self, first: u64) -> usize {
        let taken = first..self.taken();
        taken.filter(|number| self.shared.is_cut(*number)).count()
    }

    pub fn manners(&self) -> &Manners {
        &self.shared.manners
    }

    /// How many connections it has had.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How long the log is, in bytes: from here it goes on.
    pub fn log_end(&self) -> anyhow::Result<u64> {
        Ok(self.shared.log.metadata()?.len())
    }

    /// What was taken since the log had this length.
    pub fn log_since(&self, start: u64) -> anyhow::Result<Vec<Taken>> {
        read_log_since(&self.shared.path, start)
    }

    /// The moment on the log's clock.
    pub fn micros(&self) -> u64 {
        self.shared.micros()
    }
}

/// Reads a relay's log; a last line without an end belongs to a relay that was killed while writing, before its reply.
pub fn read_log(path: &Path) -> anyhow::Result<Vec<Taken>> {
    read_log_since(path, 0)
}

fn read_log_since(path: &Path, start: u64) -> anyhow::Result<Vec<Taken>> {
    let mut text = String::new();
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    let text =
        read().with_context(|| format!("the relay's log {} cannot be read", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| Taken::parse(line).with_context(|| format!("no line of a relay's log: {line}")))
        .collect()
}

/// The relay by itself, until SIGTERM or Ctrl-C; then it prints what it took.
pub fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(command.threads)
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let relay = Relay::start(command.listen, &command.log, command.manners)
            .await
            .with_context(|| format!("the relay cannot listen at {}", command.listen))?;
        println!("listening at {}", relay.address);
        io::stdout().flush()?;
        wait_for_the_end(command.until_input_ends).await?;
        let (taken, bytes) = (relay.taken(), relay.shared.bytes.load(Ordering::Relaxed));
        println!(
            "took {taken} messages of {bytes} bytes over {} connections",
            relay.connections()
        );
        anyhow::Ok(())
    })?;
    // A thread that still reads standard input is not waited for.
    runtime.shutdown_background();
    Ok(())
}

async fn wait_for_the_end(until_input_ends: bool) -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let end_of_input = tokio::task::spawn_blocking(move || {
        until_input_ends.then(|| io::copy(&mut io::stdin().lock(), &mut io::sink()))
    });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = end_of_input, if until_input_ends => {}
    }
    Ok(())
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, it aborts every session at its next wait.
    let mut sessions = JoinSet::new();
    let over = CancellationToken::new();
    let _guard = over.clone().drop_guard();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                sessions.spawn(session::serve(stream, number, shared.clone()));
            },
            Some(_) = sessions.join_next() => {}
        }
    }
}

impl Shared {
    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Writes the line that makes the message taken. One write to a file opened for appending: lines never mix.
    fn take(&self, taken: &Taken) -> io::Result<u64> {
        (&self.log).write_all(taken.line().as_bytes())?;
        self.bytes.fetch_add(taken.bytes, Ordering::Relaxed);
        Ok(self.taken.fetch_add(1, Ordering::Relaxed))
    }

    /// What RCPT is answered.
    fn judge(&self, recipient: &[u8]) -> &'static str {
        let Manners { reject, defer, .. } = self.manners;
        if reject + defer == 0 {
            return "250 2.1.5 OK\r\n";
        }
        let key = hash(recipient);
        if key % 100 < reject {
            "550 5.1.1 No such mailbox\r\n"
        } else if key % 100 < reject + defer && self.is_first(key) {
            "451 4.7.1 Come again\r\n"
        } else {
            "250 2.1.5 OK\r\n"
        }
    }

    /// Whether the message of this number is taken without a reply.
    fn is_cut(&self, number: u64) -> bool {
        hash(&number.to_le_bytes()) % 100 < self.manners.cut
    }

    fn is_first(&self, key: u64) -> bool {
        self.deferred
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key)
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.manners.delay)
    }
}

impl Taken {
    fn line(&self) -> String {
        let hash = self
            .hash
            .map_or_else(|| "-".to_owned(), |hash| format!("{hash:016x}"));
        let leave = self
            .leave
            .as_ref()
            .map_or_else(String::new, |link| format!("\t{link}"));
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{hash}{leave}\n",
            self.micros,
            self.connection,
            self.return_path,
            self.recipient,
            self.message_id,
            self.bytes
        )
    }

    fn parse(line: &str) -> Option<Taken> {
        let mut fields = line.split('\t');
        let taken = Taken {
            micros: fields.next()?.parse().ok()?,
            connection: fields.next()?.parse().ok()?,
            return_path: fields.next()?.to_owned(),
            recipient: fields.next()?.to_owned(),
            message_id: fields.next()?.to_owned(),
            bytes: fields.next()?.parse().ok()?,
            hash: match fields.next()? {
                "-" => None,
                digits => Some(u64::from_str_radix(digits, 16).ok()?),
            },
            leave: fields.next().map(str::to_owned),
        };
        fields.next().is_none().then_some(taken)
    }
}

/// The same for the same bytes in every run.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_reads_back_as_it_was() {
        let link = Some("https://news.test/u/1".to_owned());
        for (hash, leave) in [(None, None), (Some(0), link), (Some(u64::MAX), None)] {
            let taken = Taken {
                micros: 12,
                connection: 3,
                return_path: "b-1@news.test".to_owned(),
                recipient: "r@peer.test".to_owned(),
                message_id: "<1@news.test>".to_owned(),
                bytes: 4711,
                hash,
                leave,
            };
            assert_eq!(Taken::parse(taken.line().trim_end()), Some(taken));
        }
        assert_eq!(Taken::parse("12\t3\thalf a line"), None);
    }
}
