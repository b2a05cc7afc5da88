//! The threads that draw codes.

use core::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::http::error::ApiError;

/// The threads that draw images and modules of codes. To draw one takes milliseconds, too long for a thread that serves
/// requests.
pub(crate) struct ImageThreads(Arc<Semaphore>);

impl ImageThreads {
    /// Draws one image at a time for every two processors, so that requests have the other half.
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(processors.div_ceil(2))))
    }

    /// Runs `draw` on a thread that may block. Waits while the maximum number of images is being drawn.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`] if `draw` panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        draw: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        // This never fails: the semaphore is never closed.
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_| ApiError::Unavailable)?;
        Self::run_with(permit, draw).await
    }

    /// As [`run`](Self::run), but returns `None` at once while the maximum number of images is being drawn.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`] if `draw` panics.
    pub(crate) async fn run_if_idle<T: Send + 'static>(
        &self,
        draw: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, ApiError> {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else { return Ok(None) };
        Self::run_with(permit, draw).await.map(Some)
    }

    async fn run_with<T: Send + 'static>(
        permit: OwnedSemaphorePermit,
        draw: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        // The permit moves to the thread, which draws to the end even if the client disconnects.
        let drawing = spawn_blocking(move || (draw(), permit));
        drawing.await.map(|(drawn, _)| drawn).map_err(ApiError::from)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn run_if_idle_returns_none_while_all_threads_draw_and_draws_afterwards() {
        let threads = ImageThreads(Arc::new(Semaphore::new(1)));
        let (release, released) = mpsc::channel::<()>();
        let busy = threads.run(move || released.recv().is_ok());
        let other = async {
            assert_eq!(threads.run_if_idle(|| 1).await.unwrap(), None);
            release.send(()).unwrap();
        };
        // `join!` polls in this order, so the thread is taken first.
        assert!(tokio::join!(busy, other).0.unwrap());
        assert_eq!(threads.run_if_idle(|| 1).await.unwrap(), Some(1));
    }
}
