//! Bad luck between a page and its server, for as long as a test wants it.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Another server's page comes back.
    Html,
    /// Half of a document comes back.
    Truncated,
    /// A success without a body comes back.
    Empty,
    /// The server is overloaded, and says for how many seconds.
    Overloaded(u32),
    /// The connection breaks before the answer is whole.
    Broken,
}

/// What is wrong at the moment, by call.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<HashMap<String, Fault>>>);

impl Faults {
    /// From now on every request of `call` (`gene`, `check`, …) meets with this.
    pub fn strike(&self, call: &str, fault: Fault) {
        self.lock().insert(call.to_owned(), fault);
    }

    /// From now on all is well.
    pub fn relent(&self) {
        self.lock().clear();
    }

    /// Puts the faults in front of an app.
    pub fn wrap(&self, app: Router) -> Router {
        let faults = self.clone();
        app.layer(from_fn(move |request: Request, next: Next| {
            let fault = faults.of(request.uri().path());
            async move {
                match fault {
                    Some(fault) => fault.response(),
                    None => next.run(request).await,
                }
            }
        }))
    }

    fn of(&self, path: &str) -> Option<Fault> {
        let (_, call) = path.rsplit_once('/')?;
        self.lock().get(call).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn response(self) -> Response {
        match self {
            Self::Html => ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><h1>Welcome</h1>").into_response(),
            Self::Truncated => ([(header::CONTENT_TYPE, "application/json")], r#"{"code":200,"da"#).into_response(),
            Self::Empty => StatusCode::OK.into_response(),
            Self::Overloaded(seconds) => {
                let envelope = r#"{"code":503,"message":"too many people at once","reason":"unavailable"}"#;
                let retry_after = [(header::RETRY_AFTER, seconds.to_string())];
                (StatusCode::SERVICE_UNAVAILABLE, retry_after, envelope).into_response()
            }
            Self::Broken => {
                let half = stream::once(async { Ok(Bytes::from_static(br#"{"code":200,"da"#)) });
                let end = stream::once(async {
                    // The half has to be on its way: a request without any answer Chromium repeats by itself.
                    sleep(Duration::from_millis(100)).await;
                    Err(io::Error::other("bad luck"))
                });
                Body::from_stream(half.chain(end)).into_response()
            }
        }
    }
}
