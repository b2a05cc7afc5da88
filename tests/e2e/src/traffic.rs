//! Counts the requests that reach the server: new codes, polls, and held polls.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use reqwest::Url;
use tokio::sync::watch;
use tokio::time::timeout;

/// The maximum time that a test waits for requests.
const WAIT_TIMEOUT: Duration = Duration::from_secs(40);

/// Counts the requests of all pages.
#[derive(Debug, Clone, Default)]
pub struct Traffic(watch::Sender<TrafficSnapshot>);

/// The requests so far.
#[derive(Debug, Clone, Default)]
pub struct TrafficSnapshot {
    /// The number of `gene` requests.
    pub codes: usize,
    /// The code of each poll, in the order of arrival.
    pub polled: Vec<String>,
    /// The codes of the polls that the server holds now.
    pub held: Vec<String>,
    /// The maximum number of polls that were held at the same time.
    pub max_held: usize,
}

impl Traffic {
    /// Adds a layer to `app` that counts its requests.
    pub fn wrap(&self, app: Router) -> Router {
        let traffic = self.clone();
        app.layer(from_fn(move |request: Request, next: Next| {
            let held_poll = traffic.record(&request);
            async move {
                let response = next.run(request).await;
                drop(held_poll);
                response
            }
        }))
    }

    /// The requests so far.
    pub fn snapshot(&self) -> TrafficSnapshot {
        self.0.borrow().clone()
    }

    /// Resets the counts. Held polls are kept.
    pub fn reset(&self) {
        self.0.send_modify(|snapshot| {
            let held = std::mem::take(&mut snapshot.held);
            *snapshot = TrafficSnapshot { max_held: held.len(), held, ..TrafficSnapshot::default() };
        });
    }

    /// Waits until `condition` is true, and returns the requests so far.
    pub async fn wait_until(&self, condition: impl FnMut(&TrafficSnapshot) -> bool) -> Result<TrafficSnapshot> {
        let mut changes = self.0.subscribe();
        let snapshot = timeout(WAIT_TIMEOUT, changes.wait_for(condition)).await;
        Ok(snapshot.with_context(|| format!("timeout while waiting for requests: {:?}", self.snapshot()))??.clone())
    }

    /// Counts a request. Returns a guard if it is a poll that the server holds.
    fn record(&self, request: &Request) -> Option<HeldPoll> {
        // Preflight requests are not counted.
        if request.method() == Method::OPTIONS {
            return None;
        }
        let url = Url::parse("http://site").and_then(|site| site.join(&request.uri().to_string())).ok()?;
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let call = url.path().rsplit('/').next()?;
        if call == "gene" {
            self.0.send_modify(|snapshot| snapshot.codes += 1);
        }
        let random = value("random").filter(|_| call == "check")?;
        let is_held = value("wait").is_some();
        self.0.send_modify(|snapshot| {
            snapshot.polled.push(random.clone());
            if is_held {
                snapshot.held.push(random.clone());
                snapshot.max_held = snapshot.max_held.max(snapshot.held.len());
            }
        });
        is_held.then(|| HeldPoll { traffic: self.clone(), random })
    }
}

/// A held poll. It is dropped with the response, or when the page closes the connection.
struct HeldPoll {
    traffic: Traffic,
    random: String,
}

impl Drop for HeldPoll {
    fn drop(&mut self) {
        self.traffic.0.send_modify(|snapshot| {
            if let Some(index) = snapshot.held.iter().position(|random| *random == self.random) {
                snapshot.held.remove(index);
            }
        });
    }
}
