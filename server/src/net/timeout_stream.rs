//! A socket that loses patience with a client who is slow: with the head of a request, or in reading what is written.
//!
//! hyper has a timer for heads too, but it runs from the end of the answer before, and would have to be as long as a
//! connection may rest. Deliberately absent: patience with a body, which `extract` has, since it can still answer.

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

/// What a connection is doing, as far as its socket and its state tell each other.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<AtomicU8>);

impl Stage {
    /// What comes next is the head of a request.
    const RESTING: u8 = 0;
    /// The head of a request has begun to come.
    const HEAD: u8 = 1;
    const ANSWERING: u8 = 2;

    /// A request has come.
    pub(crate) fn answer(&self) {
        self.set(Self::ANSWERING);
    }

    /// It is answered.
    pub(crate) fn rest(&self) {
        self.set(Self::RESTING);
    }

    // Both sides are polled by the same task, so that no order has to be kept between this and anything else.
    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }
}

/// A socket that fails when it has lost patience.
pub(crate) struct PatientSocket {
    socket: TcpStream,
    stage: Stage,
    reading: Patience,
    writing: Patience,
}

impl PatientSocket {
    pub(crate) fn new(socket: TcpStream, stage: Stage, limits: &Limits) -> Self {
        Self {
            socket,
            stage,
            reading: Patience { length: limits.head_timeout, end: None },
            writing: Patience { length: limits.write_timeout, end: None },
        }
    }
}

impl AsyncRead for PatientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        let has_come = buffer.filled().len() > before;
        match (self.stage.get(), has_come) {
            (Stage::RESTING, true) => {
                self.stage.set(Stage::HEAD);
                read
            }
            // What has come of the head does not start the clock again.
            (Stage::HEAD, true) => read,
            (Stage::HEAD, false) => self.reading.with(read, context),
            _ => {
                self.reading.end = None;
                read
            }
        }
    }
}

impl AsyncWrite for PatientSocket {
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

struct Patience {
    length: Duration,
    /// Boxed, and made only when there is something to wait for: most connections never have one.
    end: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// What was `polled`, unless it has been pending for too long.
    fn with<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(self.length)));
        end.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
