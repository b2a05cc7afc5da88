//! Bad luck between a page and its server, for as long as a test wants it, and a record of what passed by.

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

/// How long a test waits for a request before it fails.
const HANG: Duration = Duration::from_secs(60);

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
    /// There is no such file.
    Missing,
    /// The connection breaks before the answer is whole.
    Broken,
    /// The first half of a file is all that there is of it.
    Halved,
    /// The right file comes as another type.
    Mislabelled,
    /// The request is on its way until all is well.
    Held,
    /// The answer is another than this server's: what is done to its JSON.
    Changed(fn(&mut Value)),
}

/// What is wrong at the moment, by call.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    line: Mutex<Line>,
    /// Changes after every request that is written down.
    seen: watch::Sender<()>,
    all_is_well: Notify,
}

#[derive(Debug, Default)]
struct Line {
    faults: HashMap<String, Fault>,
    seen: Vec<(Instant, Uri)>,
}

impl Faults {
    /// From now on every request of `call` (`gene`, `check`, `image`, …) meets with this.
    pub fn strike(&self, call: &str, fault: Fault) {
        self.line().faults.insert(call.to_owned(), fault);
    }

    /// From now on all is well.
    pub fn relent(&self) {
        self.line().faults.clear();
        self.0.all_is_well.notify_waiters();
    }

    /// The requests of `call` so far, and when they came.
    pub fn seen(&self, call: &str) -> Vec<(Instant, Uri)> {
        self.line().seen.iter().filter(|(_, uri)| is_of(uri, call)).cloned().collect()
    }

    /// Waits until so many requests of `call` have come.
    pub async fn until_seen(&self, call: &str, count: usize) -> Result<()> {
        let mut changes = self.0.seen.subscribe();
        let has_seen = changes.wait_for(|()| self.seen(call).len() >= count);
        timeout(HANG, has_seen).await.with_context(|| format!("waited in vain for {count} requests of {call}"))??;
        Ok(())
    }

    /// Puts the faults in front of an app.
    pub fn wrap(&self, app: Router) -> Router {
        let faults = self.clone();
        app.layer(from_fn(move |request, next| faults.clone().pass(request, next)))
    }

    async fn pass(self, mut request: Request, next: Next) -> Response {
        // Listens before it looks, so that a relief in between is not missed.
        let all_is_well = self.0.all_is_well.notified();
        match self.meet(request.uri()) {
            None => next.run(request).await,
            Some(Fault::Held) => {
                all_is_well.await;
                next.run(request).await
            }
            Some(Fault::Changed(change)) => changed(next.run(request).await, change).await,
            Some(Fault::Html) => {
                ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><h1>Welcome</h1>").into_response()
            }
            Some(Fault::Truncated) => {
                ([(header::CONTENT_TYPE, "application/json")], r#"{"code":200,"da"#).into_response()
            }
            Some(Fault::Empty) => StatusCode::OK.into_response(),
            Some(Fault::Overloaded(seconds)) => overloaded(seconds),
            Some(Fault::Missing) => StatusCode::NOT_FOUND.into_response(),
            Some(Fault::Broken) => broken(),
            Some(Fault::Halved) => {
                // What the browser has already would not be sent.
                for condition in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
                    request.headers_mut().remove(condition);
                }
                halved(next.run(request).await).await
            }
            Some(Fault::Mislabelled) => {
                ([(header::CONTENT_TYPE, "text/plain")], next.run(request).await).into_response()
            }
        }
    }

    /// Writes a request down, and tells what is to become of it.
    fn meet(&self, uri: &Uri) -> Option<Fault> {
        let fault = {
            let mut line = self.line();
            line.seen.push((Instant::now(), uri.clone()));
            line.faults.iter().find(|(call, _)| is_of(uri, call)).map(|(_, fault)| *fault)
        };
        self.0.seen.send_replace(());
        fault
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of(uri: &Uri, call: &str) -> bool {
    uri.path().split('/').any(|segment| segment == call)
}

async fn changed(response: Response, change: fn(&mut Value)) -> Response {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    let mut answer = serde_json::from_slice(&body).unwrap_or_default();
    change(&mut answer);
    Json(answer).into_response()
}

async fn halved(response: Response) -> Response {
    let file = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/wasm")], file.slice(..file.len() / 2)).into_response()
}

fn overloaded(seconds: u32) -> Response {
    let envelope = r#"{"code":503,"message":"too many people at once","reason":"unavailable"}"#;
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds.to_string())], envelope).into_response()
}

fn broken() -> Response {
    let half = stream::once(async { Ok(Bytes::from_static(br#"{"code":200,"da"#)) });
    let end = stream::once(async {
        // The half has to be on its way: Chromium by itself repeats a request that got no answer at all. hyper flushes what
        // it has before it asks again a body that was not ready.
        yield_now().await;
        Err(io::Error::other("bad luck"))
    });
    Body::from_stream(half.chain(end)).into_response()
}
