//! A TCP stream with timeouts for request heads and for writes.
//!
//! hyper also has a timeout for request heads, but it starts at the end of the previous response. So it must be as long as
//! the idle timeout of a connection. [`crate::http::extract`] has the timeout for bodies, because it can still send a
//! response.

use core::pin::Pin;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::config::limits::Limits;

/// The state of a connection, which its stream and its request handler share.
#[derive(Clone, Default)]
pub(crate) struct ConnectionPhase(Arc<AtomicU8>);

impl ConnectionPhase {
    /// The connection waits for the head of a request.
    const IDLE: u8 = 0;
    /// A part of a request head has arrived.
    const READING_HEAD: u8 = 1;
    const RESPONDING: u8 = 2;

    /// The head of a request is complete, and the handler starts.
    pub(crate) fn begin_response(&self) {
        self.set(Self::RESPONDING);
    }

    /// The handler has returned its response.
    pub(crate) fn end_response(&self) {
        self.set(Self::IDLE);
    }

    // One task polls both the stream and the handler, so `Relaxed` is sufficient.
    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

/// A TCP stream whose reads and writes fail with `TimedOut` when a timeout has passed.
pub(crate) struct TimeoutStream {
    socket: TcpStream,
    phase: ConnectionPhase,
    reading: Timeout,
    writing: Timeout,
}

impl TimeoutStream {
    pub(crate) fn new(socket: TcpStream, phase: ConnectionPhase, limits: &Limits) -> Self {
        Self {
            socket,
            phase,
            reading: Timeout { length: limits.head_timeout, end: None },
            writing: Timeout { length: limits.write_timeout, end: None },
        }
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        let has_come = buffer.filled().len() > before;
        match (self.phase.get(), has_come) {
            (ConnectionPhase::IDLE, true) => {
                self.phase.set(ConnectionPhase::READING_HEAD);
                read
            }
            // More bytes of the head do not restart the timeout.
            (ConnectionPhase::READING_HEAD, true) => read,
            (ConnectionPhase::READING_HEAD, false) => self.reading.with(read, context),
            _ => {
                self.reading.end = None;
                read
            }
        }
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.writing.with(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.writing.with(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// A timeout that runs while an operation is pending.
struct Timeout {
    length: Duration,
    /// `None` while nothing is pending. It is boxed and created on demand, because most connections never need a timer.
    end: Option<Pin<Box<Sleep>>>,
}

impl Timeout {
    /// Returns `polled`, or the error `TimedOut` if the operation has been pending for `length`.
    fn with<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(self.length)));
        end.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
