//! A layer in front of the server that records requests and injects faults.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The maximum time that a test waits for requests.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The response is an HTML page.
    Html,
    /// The response is an incomplete JSON document.
    TruncatedJson,
    /// The response is a success without a body.
    Empty,
    /// The response has the status 503 and this `Retry-After` in seconds.
    Overloaded(u32),
    /// The response has the status 404.
    NotFound,
    /// The connection is closed before the response is complete. The server does not get the request.
    Aborted,
    /// The server handles the request. Then the connection is closed before the response is complete.
    ResponseLost,
    /// The response is the first half of the file.
    TruncatedFile,
    /// The response is a valid wasm that imports a function that no script of this version has.
    OtherVersion,
    /// The response is the file with the content type `text/plain`.
    WrongContentType,
    /// The request is held until [`Faults::clear`].
    Held,
    /// The function changes the JSON of the response.
    Modified(fn(&mut Value)),
}

/// The current faults by call, and the requests so far.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Changes after each recorded request.
    recorded: watch::Sender<()>,
    cleared: Notify,
}

#[derive(Debug, Default)]
struct State {
    faults: HashMap<String, Fault>,
    requests: Vec<(Instant, Uri)>,
}

impl Faults {
    /// Applies `fault` to all requests of `call` (`gene`, `check`, `image`, …) until [`clear`](Self::clear).
    pub fn inject(&self, call: &str, fault: Fault) {
        self.state().faults.insert(call.to_owned(), fault);
    }

    /// Removes all faults, and releases held requests.
    pub fn clear(&self) {
        self.state().faults.clear();
        self.0.cleared.notify_waiters();
    }

    /// The requests of `call` so far, with the time of their arrival.
    pub fn requests(&self, call: &str) -> Vec<(Instant, Uri)> {
        self.state().requests.iter().filter(|(_, uri)| is_of(uri, call)).cloned().collect()
    }

    /// Waits until `count` requests of `call` have arrived.
    pub async fn wait_for_requests(&self, call: &str, count: usize) -> Result<()> {
        let mut changes = self.0.recorded.subscribe();
        let arrived = changes.wait_for(|()| self.requests(call).len() >= count);
        timeout(WAIT_TIMEOUT, arrived)
            .await
            .with_context(|| format!("timeout while waiting for {count} requests of {call}"))??;
        Ok(())
    }

    /// Adds a layer to `app` that applies the faults.
    pub fn wrap(&self, app: Router) -> Router {
        let faults = self.clone();
        app.layer(from_fn(move |request, next| faults.clone().handle(request, next)))
    }

    async fn handle(self, mut request: Request, next: Next) -> Response {
        // Subscribes before it reads the fault, so that a `clear` in between is not missed.
        let cleared = self.0.cleared.notified();
        match self.record(request.uri()) {
            None => next.run(request).await,
            Some(Fault::Held) => {
                cleared.await;
                next.run(request).await
            }
            Some(Fault::Modified(modify)) => modified(next.run(request).await, modify).await,
            Some(Fault::Html) => {
                ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><h1>Welcome</h1>").into_response()
            }
            Some(Fault::TruncatedJson) => {
                ([(header::CONTENT_TYPE, "application/json")], r#"{"code":200,"da"#).into_response()
            }
            Some(Fault::Empty) => StatusCode::OK.into_response(),
            Some(Fault::Overloaded(seconds)) => overloaded(seconds),
            Some(Fault::NotFound) => StatusCode::NOT_FOUND.into_response(),
            Some(Fault::Aborted) => aborted(),
            Some(Fault::ResponseLost) => {
                next.run(request).await;
                aborted()
            }
            Some(Fault::TruncatedFile) => {
                // Otherwise the response to a browser with a cached file is a 304 without a body, and the half is one of a
                // compressed file.
                for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::ACCEPT_ENCODING] {
                    request.headers_mut().remove(name);
                }
                truncated(next.run(request).await).await
            }
            Some(Fault::OtherVersion) => {
                let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x07\x01\x01x\x01y\0\0";
                ([(header::CONTENT_TYPE, "application/wasm")], wasm.as_slice()).into_response()
            }
            Some(Fault::WrongContentType) => {
                ([(header::CONTENT_TYPE, "text/plain")], next.run(request).await).into_response()
            }
        }
    }

    /// Records a request, and returns the fault for it.
    fn record(&self, uri: &Uri) -> Option<Fault> {
        let fault = {
            let mut state = self.state();
            state.requests.push((Instant::now(), uri.clone()));
            state.faults.iter().find(|(call, _)| is_of(uri, call)).map(|(_, fault)| *fault)
        };
        self.0.recorded.send_replace(());
        fault
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of(uri: &Uri, call: &str) -> bool {
    uri.path().split('/').any(|segment| segment == call)
}

async fn modified(response: Response, modify: fn(&mut Value)) -> Response {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    let mut json = serde_json::from_slice(&body).unwrap_or_default();
    modify(&mut json);
    Json(json).into_response()
}

async fn truncated(response: Response) -> Response {
    let file = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/wasm")], file.slice(..file.len() / 2)).into_response()
}

fn overloaded(seconds: u32) -> Response {
    let envelope = r#"{"code":503,"message":"too many people at once","reason":"unavailable"}"#;
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds.to_string())], envelope).into_response()
}

fn aborted() -> Response {
    let half = stream::once(async { Ok(Bytes::from_static(br#"{"code":200,"da"#)) });
    let end = stream::once(async {
        // The first half has to be sent, since Chromium repeats a request without any response. hyper flushes its
        // buffer when the body is not ready.
        yield_now().await;
        Err(io::Error::other("injected fault"))
    });
    Body::from_stream(half.chain(end)).into_response()
}
