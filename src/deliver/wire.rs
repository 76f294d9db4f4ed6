//! The connection as lettre is given it: TCP or TLS with `TCP_NODELAY`, and a look at what passes.
//!
//! lettre 0.11.23 takes any stream, but reads the greeting and says EHLO by itself as soon as it
//! gets one, keeps the reply to itself, and cannot tell how much of a message has left. So the
//! wire shows it an opening of ours first, hands it one line of a reply at a time, and stays in
//! our hands beside it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A handle on one connection; its clones are the same connection.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<Line>>);

/// What the bytes travel through.
pub enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub fn new(socket: Socket) -> Wire {
        Wire(Arc::new(Mutex::new(Line {
            socket: Some(socket),
            unread: OPENING.to_vec(),
            line_start: OPENING.len(),
            in_opening: true,
            ended: false,
        })))
    }

    /// Takes the socket out to encrypt it; until [`Wire::put`] nothing can be read or written.
    pub fn take(&self) -> Option<Socket> {
        self.line().socket.take()
    }

    pub fn put(&self, socket: Socket) {
        self.line().socket = Some(socket);
    }

    /// Whether the server has sent more than lettre has been given.
    pub fn has_unread(&self) -> bool {
        !self.line().unread.is_empty()
    }

    /// Whether the server has closed its side.
    pub fn has_ended(&self) -> bool {
        self.line().ended
    }

    /// Whether the server has sent a line that no reply can have.
    pub fn is_garbled(&self) -> bool {
        let line = self.line();
        line.unread.len() - line.line_start > LINE_BYTES
    }

    /// Whether an idle server has neither hung up nor spoken unasked, as far as is known without
    /// waiting.
    pub fn is_quiet(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let mut line = self.line();
        line.unread.is_empty() && !line.ended && line.poll_fill(&mut context).is_pending()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // A panic elsewhere leaves at worst a connection that is closed soon.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.line().socket {
            Some(Socket::Plain(tcp)) => tcp.peer_addr(),
            Some(Socket::Tls(tls)) => tls.get_ref().0.peer_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut line = self.line();
        while line.complete() == 0 && !line.ended {
            ready!(line.poll_fill(context))?;
        }
        let length = line.complete().min(buffer.remaining());
        buffer.put_slice(&line.unread[..length]);
        line.unread.drain(..length);
        line.line_start = line.line_start.saturating_sub(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        if line.in_opening {
            line.in_opening = !bytes.ends_with(b"\n");
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(line.stream()?).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.line().stream()?).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.line().stream()?).poll_shutdown(context)
    }
}

/// The greeting and the reply to EHLO that lettre insists on when it gets a stream. The real ones
/// are read afterwards, each under its deadline, and with the extensions lettre would not show.
const OPENING: &[u8] = b"220 opening\r\n250 opening\r\n";

/// A reply line may have 512 bytes (RFC 5321 section 4.5.3.1.5); servers are chattier than that,
/// but not beyond the 1000 at which lettre gives up.
const LINE_BYTES: usize = 1000;

struct Line {
    /// Absent only while it is being encrypted.
    socket: Option<Socket>,
    /// What has come from the server, mended, and not yet been handed on.
    unread: Vec<u8>,
    /// Where in `unread` the line begins that has not come to its end.
    line_start: usize,
    /// lettre's own EHLO is still to come, and goes nowhere.
    in_opening: bool,
    ended: bool,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

impl Line {
    fn stream(&mut self) -> io::Result<&mut dyn Duplex> {
        match &mut self.socket {
            Some(Socket::Plain(tcp)) => Ok(tcp),
            Some(Socket::Tls(tls)) => Ok(tls),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The length of the first line, once it is whole. One at a time, lettre has never buffered
    /// what we still want to see: above all what came in plain behind the reply to STARTTLS.
    fn complete(&self) -> usize {
        let end = self.unread[..self.line_start]
            .iter()
            .position(|byte| *byte == b'\n');
        end.map_or(0, |at| at + 1)
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut chunk = [0; LINE_BYTES];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(self.stream()?).poll_read(context, &mut buffer))?;
        self.ended = buffer.filled().is_empty();
        for byte in buffer.filled() {
            self.mend(*byte);
        }
        if self.unread.len() - self.line_start > LINE_BYTES {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }

    /// Makes of a lawful or nearly lawful reply one that lettre understands: it wants UTF-8, CRLF,
    /// a text after the code (optional by RFC 5321 section 4.2) and a second digit below 6, though
    /// `571` is a common refusal, which becomes 551 here. None of these can be relied on, and a
    /// message must not become unknown for a Latin-1 letter in its 250.
    fn mend(&mut self, byte: u8) {
        let column = self.unread.len() - self.line_start;
        match byte {
            b'\r' if column == 3 => self.unread.extend_from_slice(b" \r"),
            b'\n' => {
                if column == 3 {
                    self.unread.push(b' ');
                }
                if self.unread.last() != Some(&b'\r') {
                    self.unread.push(b'\r');
                }
                self.unread.push(b'\n');
                self.line_start = self.unread.len();
            }
            b'6'..=b'9' if column == 1 => self.unread.push(b'5'),
            b'\r' | b'\t' | b' '..=b'~' => self.unread.push(byte),
            _ => self.unread.push(b'?'),
        }
    }
}
