//! The threads that draw images of codes.

use core::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::http::error::ApiError;

/// The threads that draw images. To draw one takes milliseconds, too long for a thread that serves requests.
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
        // The permit moves to the thread, which draws to the end even if the client disconnects.
        let drawing = spawn_blocking(move || (draw(), permit));
        drawing.await.map(|(drawn, _)| drawn).map_err(ApiError::from)
    }
}
