//! The bytes of a connection: one buffer for what comes, and replies found in it.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::reply::{Extent, Reply, measure, texts};

/// Whatever a session can run over: TCP, TLS, or a pipe in memory.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why no further reply can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The connection has ended.
    Lost,
    /// What came is no reply.
    Garbled,
}

/// A connection to a server.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// The last reply, and behind it what has come since.
    inbox: Vec<u8>,
    last: Last,
    /// The server has closed its side, or the network has failed.
    ended: bool,
}

/// The reply that stands at the inbox's beginning.
#[derive(Clone, Copy, Default)]
struct Last {
    code: u16,
    bytes: usize,
}

impl Wire {
    pub fn new(stream: Box<dyn Stream>) -> Wire {
        /// Enough for all replies that usually come together.
        const INBOX_BYTES: usize = 2048;
        Wire {
            stream,
            inbox: Vec::with_capacity(INBOX_BYTES),
            last: Last::default(),
            ended: false,
        }
    }

    pub fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    /// Writes all of it, and waits until it has left us.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes what can be written now, of several pieces in a row.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    pub async fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().await
    }

    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Waits until the next reply is whole, and gives its code.
    pub async fn next_reply(&mut self) -> Result<u16, Broken> {
        self.inbox.drain(..self.last.bytes);
        self.last = Last::default();
        loop {
            match measure(&self.inbox) {
                Extent::Whole { code, bytes } => {
                    self.last = Last { code, bytes };
                    return Ok(code);
                }
                Extent::Never => return Err(Broken::Garbled),
                Extent::Partial if self.ended => return Err(Broken::Lost),
                Extent::Partial => {
                    let read = self.stream.read_buf(&mut self.inbox).await;
                    self.ended = read.unwrap_or(0) == 0;
                }
            }
        }
    }

    /// The reply that came last, in full.
    pub fn reply(&self) -> Reply {
        Reply::read(self.last.code, &self.inbox[..self.last.bytes])
    }

    /// The texts of its lines.
    pub fn reply_texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        texts(&self.inbox[..self.last.bytes])
    }

    /// Whether the server has sent more than the last reply.
    pub fn has_unread(&self) -> bool {
        self.inbox.len() > self.last.bytes
    }

    /// Whether the server has neither hung up nor spoken unasked, as far as is known without
    /// waiting. If it is quiet, `context` is woken when that changes.
    pub fn is_quiet(&mut self, context: &mut Context<'_>) -> bool {
        if self.ended || self.has_unread() {
            return false;
        }
        match pin!(self.stream.read_buf(&mut self.inbox)).poll(context) {
            Poll::Pending => true,
            Poll::Ready(read) => {
                self.ended = read.unwrap_or(0) == 0;
                false
            }
        }
    }

    /// The same for who does not wait at all.
    pub fn is_quiet_now(&mut self) -> bool {
        self.is_quiet(&mut Context::from_waker(Waker::noop()))
    }
}
