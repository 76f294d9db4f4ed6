//! A relay that does as the recipient's local part asks, and remembers everything that it took.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bulletin::listen::{self, Answer, Mailbox, Received, Step};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A relay on a socket of this machine; ends when dropped.
///
/// `550.x@…` there is no such mailbox. `557.x@…` refused for the sender's fault. `452.x@…` deferred, always;
/// `quoted.x@…` the same as `550.`, in words that quote the address.
/// `once.x@…` deferred the first time. `lost.x@…` the connection dies after the message's end, the first time, and the
/// message counts as taken.
pub struct Peer {
    pub address: SocketAddr,
    log: Arc<Log>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Log {
    taken: Mutex<Vec<Received>>,
    seen: Mutex<HashMap<String, u32>>,
    wants_a_password: bool,
}

impl Peer {
    pub async fn start() -> Peer {
        Peer::with(Log::default()).await
    }

    /// One that takes mail from nobody without a password.
    pub async fn that_wants_a_password() -> Peer {
        Peer::with(Log {
            wants_a_password: true,
            ..Log::default()
        })
        .await
    }

    async fn with(log: Log) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (log, stop) = (Arc::new(log), CancellationToken::new());
        tokio::spawn(listen::serve(
            listener,
            log.clone(),
            listen::Settings::default(),
            stop.clone(),
        ));
        Peer { address, log, stop }
    }

    /// Everything taken so far, in order.
    pub fn taken(&self) -> Vec<Received> {
        self.log
            .taken
            .lock()
            .expect("no test panics while it holds this")
            .clone()
    }

    /// How often each recipient's message was taken.
    pub fn times_taken(&self) -> HashMap<String, usize> {
        let mut times = HashMap::new();
        for received in self.taken() {
            *times.entry(received.recipients.join(",")).or_insert(0) += 1;
        }
        times
    }

    /// The messages that this recipient got, as text.
    pub fn mails_to(&self, recipient: &str) -> Vec<String> {
        let to = |received: &Received| received.recipients.iter().any(|known| known == recipient);
        let mails = self.taken().into_iter().filter(to);
        mails
            .map(|received| String::from_utf8(received.message).expect("our messages are ASCII"))
            .collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Log {
    fn is_first(&self, recipient: &str) -> bool {
        let mut seen = self
            .seen
            .lock()
            .expect("no test panics while it holds this");
        let times = seen.entry(recipient.to_owned()).or_insert(0);
        *times += 1;
        *times == 1
    }
}

impl Mailbox for Log {
    async fn answer(&self, step: Step<'_>) -> Answer {
        match step {
            Step::Mail(from) if self.wants_a_password => {
                Answer::reply(&format!("530 5.7.0 <{from}>: Authentication required"))
            }
            Step::Rcpt(to) if to.starts_with("550.") => {
                Answer::reply("550 5.1.1 There is no such mailbox")
            }
            Step::Rcpt(to) if to.starts_with("quoted.") => {
                Answer::reply(&format!("550 5.1.1 <{to}>: who is {to}?"))
            }
            Step::Rcpt(to) if to.starts_with("557.") => {
                Answer::reply("550 5.7.1 Your policy is not to our taste")
            }
            Step::Rcpt(to) if to.starts_with("452.") => {
                Answer::reply("452 4.2.2 The mailbox is full")
            }
            Step::Rcpt(to) if to.starts_with("once.") && self.is_first(to) => {
                Answer::reply("451 4.7.1 Greylisted, come again")
            }
            Step::Message(received) => {
                self.taken
                    .lock()
                    .expect("no test panics while it holds this")
                    .push(received.clone());
                let to = received
                    .recipients
                    .first()
                    .map(String::as_str)
                    .unwrap_or_default();
                if to.starts_with("lost.") && self.is_first(to) {
                    Answer::close()
                } else {
                    Answer::usual()
                }
            }
            _ => Answer::usual(),
        }
    }
}
