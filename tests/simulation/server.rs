//! A mail server that fails as planned, and knows best what it has accepted.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};

use super::plan::{Fault, Plan, Point};

/// What really happened.
#[derive(Debug, Default)]
pub struct Truth {
    /// Messages that the server has taken over, by number.
    pub accepted: Vec<usize>,
    /// Messages whose verdict, whatever it was, went out whole, with its code.
    pub told: Vec<(usize, u16)>,
    /// Messages that came with other bytes than were sent.
    pub damaged: Vec<usize>,
    /// Command lines that were none.
    pub misunderstood: usize,
}

/// What passed the client's end of the connection, and when.
#[derive(Debug)]
pub struct Record {
    pub said: Vec<u8>,
    /// When the client last said something, or was last told a whole reply: its wait began then.
    pub waits_since: Instant,
}

/// The client's end of the pipe, which keeps a record.
pub struct Recorded {
    pub pipe: DuplexStream,
    pub record: Arc<Mutex<Record>>,
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.pipe).poll_write(context, bytes);
        if let Poll::Ready(Ok(length)) = written {
            let mut record = self.record.lock().unwrap();
            record.said.extend_from_slice(&bytes[..length]);
            record.waits_since = Instant::now();
        }
        written
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

/// The connection has ended, by whichever side.
struct Gone;

/// What was replied.
struct Said {
    code: u16,
}

pub struct Server<'p> {
    plan: &'p Plan,
    truth: Rc<RefCell<Truth>>,
    record: Arc<Mutex<Record>>,
    pipe: DuplexStream,
    unread: Vec<u8>,
    heard_bytes: usize,
    said_bytes: usize,
    /// What is said arrives: the client has not hung up yet.
    is_heard: bool,
    /// The message that MAIL, RCPT or the opening is about.
    message: usize,
}

impl<'p> Server<'p> {
    pub fn new(
        plan: &'p Plan,
        pipe: DuplexStream,
        truth: Rc<RefCell<Truth>>,
        record: Arc<Mutex<Record>>,
    ) -> Server<'p> {
        Server {
            plan,
            truth,
            record,
            pipe,
            unread: Vec::new(),
            heard_bytes: 0,
            said_bytes: 0,
            is_heard: true,
            message: 0,
        }
    }

    pub async fn run(mut self) {
        // All that matters is in `truth`.
        let _gone = self.serve().await;
    }

    async fn serve(&mut self) -> Result<(), Gone> {
        let (mut mail, mut rcpt) = (false, false);
        self.answer(Point::Greeting, "220 sim ready").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_at(line.len().min(4));
            match verb {
                "EHLO" => {
                    let mut offers = vec!["250-sim"];
                    offers.extend(self.plan.pipelining.then_some("250-PIPELINING"));
                    offers.push("250-SIZE 1000000");
                    offers.push("250 AUTH PLAIN");
                    self.answer(Point::Hello, &offers.join("\r\n")).await?;
                }
                "AUTH" => {
                    self.answer(Point::Auth, "235 2.7.0 welcome").await?;
                }
                "MAIL" => {
                    self.message = number(rest);
                    let usual = if mail {
                        "503 nested MAIL"
                    } else {
                        "250 2.1.0 ok"
                    };
                    mail |= self.answer(Point::Mail, usual).await?.code / 100 == 2;
                    rcpt = false;
                }
                "RCPT" => {
                    let takes = mail || self.plan.careless;
                    let usual = if takes {
                        "250 2.1.5 ok"
                    } else {
                        "503 MAIL first"
                    };
                    rcpt = self.answer(Point::Rcpt, usual).await?.code / 100 == 2 && takes;
                }
                "DATA" => {
                    let usual = match rcpt || self.plan.lenient {
                        true => "354 go on",
                        false => "503 RCPT first",
                    };
                    let opened = self.answer(Point::Data, usual).await?.code == 354;
                    if opened && (rcpt || self.plan.lenient) {
                        self.receive(rcpt).await?;
                        (mail, rcpt) = (false, false);
                    }
                }
                "RSET" => {
                    (mail, rcpt) = (false, false);
                    self.answer(Point::Reset, "250 2.0.0 forgotten").await?;
                }
                "QUIT" => {
                    self.say(b"221 2.0.0 bye\r\n").await?;
                    return Err(Gone);
                }
                _ => {
                    self.truth.borrow_mut().misunderstood += 1;
                    self.say(b"500 5.5.1 what?\r\n").await?;
                }
            }
        }
    }

    /// Reads a message to its dot, and judges it.
    async fn receive(&mut self, has_recipient: bool) -> Result<(), Gone> {
        match self.plan.fault(self.message, Point::Body) {
            Some(Fault::Pause(pause)) => sleep(pause).await,
            Some(Fault::Close) => {
                self.hear().await?;
                return Err(Gone);
            }
            Some(Fault::Early(refusal)) => {
                sleep(Duration::from_secs(3)).await;
                self.say(format!("{refusal}\r\n").as_bytes()).await?;
                self.body().await?;
                return Ok(());
            }
            _ => {}
        }
        let body = self.body().await?;
        if !has_recipient {
            self.answer(Point::LoneDot, "554 5.5.1 nobody to send it to")
                .await?;
            return Ok(());
        }
        let fault = self.plan.fault(self.message, Point::Dot);
        let accepts = match fault {
            Some(Fault::Say(reply) | Fault::SayAndClose(reply) | Fault::Lines(reply)) => {
                reply.is_empty() || reply.starts_with('2')
            }
            Some(Fault::Raw(_) | Fault::Close) => self.plan.keeps_silently,
            _ => true,
        };
        if accepts {
            let mut truth = self.truth.borrow_mut();
            truth.accepted.push(self.message);
            let mut sent = self.plan.bodies[self.message].clone();
            if !sent.ends_with(b"\r\n") {
                sent.extend_from_slice(b"\r\n");
            }
            if body != sent {
                truth.damaged.push(self.message);
            }
        }
        self.answer(Point::Dot, "250 2.0.0 taken").await?;
        Ok(())
    }

    /// The message's lines, with single dots.
    async fn body(&mut self) -> Result<Vec<u8>, Gone> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(body);
            }
            body.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
            body.extend_from_slice(b"\r\n");
        }
    }

    /// Replies as planned, or as usual.
    async fn answer(&mut self, point: Point, usual: &str) -> Result<Said, Gone> {
        match self.plan.fault(self.message, point) {
            None | Some(Fault::Early(_)) => self.reply(point, usual, "").await,
            Some(Fault::Say(reply)) => {
                let said = self.reply(point, reply, "").await?;
                if said.code == 421 {
                    Err(Gone)
                } else {
                    Ok(said)
                }
            }
            Some(Fault::SayAndClose(reply)) => {
                self.reply(point, reply, "").await?;
                Err(Gone)
            }
            Some(Fault::Raw(bytes)) => {
                self.say(bytes).await?;
                Ok(Said { code: 0 })
            }
            Some(Fault::Extra(extra)) => self.reply(point, usual, &format!("{extra}\r\n")).await,
            Some(Fault::LateExtra(extra)) => {
                let said = self.reply(point, usual, "").await?;
                sleep(Duration::from_secs(3)).await;
                self.say(format!("{extra}\r\n").as_bytes()).await?;
                Ok(said)
            }
            Some(Fault::Lines(refusal)) => {
                let last = if refusal.is_empty() { usual } else { refusal };
                let code = &last[..3];
                let lines = format!("{code}-one\n{code}-\r\n{last}");
                self.reply(point, &lines, "").await
            }
            Some(Fault::Pieces) => {
                let (one, rest) = usual.split_at(2);
                let (two, _) = rest.split_at(4);
                self.say(one.as_bytes()).await?;
                sleep(Duration::from_secs(1)).await;
                self.say(two.as_bytes()).await?;
                sleep(Duration::from_secs(2)).await;
                self.reply_from(point, usual, 6, "").await
            }
            Some(Fault::Pause(pause)) => {
                sleep(pause).await;
                self.reply(point, usual, "").await
            }
            Some(Fault::Close) => Err(Gone),
        }
    }

    async fn reply(&mut self, point: Point, reply: &str, extra: &str) -> Result<Said, Gone> {
        self.reply_from(point, reply, 0, extra).await
    }

    /// Says a reply of which so many bytes have been said, and more behind it. A verdict counts as told once it has
    /// gone out whole, whatever becomes of the rest.
    async fn reply_from(
        &mut self,
        point: Point,
        reply: &str,
        said: usize,
        extra: &str,
    ) -> Result<Said, Gone> {
        let code = reply[..3].parse().unwrap();
        let bytes = format!("{reply}\r\n{extra}").split_off(said);
        let length = self.write(bytes.as_bytes()).await;
        if point == Point::Dot && self.is_heard && length >= bytes.len() - extra.len() {
            self.truth.borrow_mut().told.push((self.message, code));
        }
        if length < bytes.len() {
            Err(Gone)
        } else {
            Ok(Said { code })
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let length = self.write(bytes).await;
        if length < bytes.len() {
            Err(Gone)
        } else {
            Ok(())
        }
    }

    /// Writes as much as the connection takes before it is to be cut. When the client has gone, what it said before
    /// is still read and obeyed, as real servers do.
    async fn write(&mut self, bytes: &[u8]) -> usize {
        let left = self
            .plan
            .cut_said
            .map_or(usize::MAX, |cut| cut - self.said_bytes);
        let length = left.min(bytes.len());
        self.is_heard &= self.pipe.write_all(&bytes[..length]).await.is_ok();
        self.said_bytes += length;
        if self.is_heard && bytes[..length].ends_with(b"\n") {
            self.record.lock().unwrap().waits_since = Instant::now();
        }
        length
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<String, Gone> {
        loop {
            let end = self.unread.windows(2).position(|pair| pair == b"\r\n");
            if let Some(at) = end {
                let line = String::from_utf8_lossy(&self.unread[..at]).into_owned();
                self.unread.drain(..at + 2);
                return Ok(line);
            }
            self.hear().await?;
        }
    }

    async fn hear(&mut self) -> Result<(), Gone> {
        let left = self
            .plan
            .cut_heard
            .map_or(usize::MAX, |cut| cut - self.heard_bytes);
        let mut chunk = [0; 4096];
        let read = self.pipe.read(&mut chunk).await.unwrap_or(0).min(left);
        self.heard_bytes += read;
        self.unread.extend_from_slice(&chunk[..read]);
        if read == 0 { Err(Gone) } else { Ok(()) }
    }
}

/// The message's number, which stands in the return path.
fn number(mail: &str) -> usize {
    let (_, rest) = mail.split_once('+').unwrap();
    let (number, _) = rest.split_once('@').unwrap();
    number.parse().unwrap()
}
