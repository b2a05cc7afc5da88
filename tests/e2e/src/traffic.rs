//! What reaches the server: how many codes are asked for, and which are polled.
//!
//! Deliberately absent: changing any of it, which is the work of [`faults`](crate::faults).

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use reqwest::Url;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a test waits for a request before it fails.
const LONGEST_WAIT: Duration = Duration::from_secs(40);

/// A view of the requests of all pages.
#[derive(Debug, Clone, Default)]
pub struct Traffic(watch::Sender<Seen>);

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How many codes were asked for.
    pub codes: usize,
    /// The code of every poll, in order.
    pub polled: Vec<String>,
    /// The codes whose polls the server holds now.
    pub held: Vec<String>,
    /// The most polls that it ever held at once.
    pub most_held: usize,
}

impl Traffic {
    /// Watches what reaches an app.
    pub fn wrap(&self, app: Router) -> Router {
        let traffic = self.clone();
        app.layer(from_fn(move |request: Request, next: Next| {
            let held = traffic.see(&request);
            async move {
                let response = next.run(request).await;
                drop(held);
                response
            }
        }))
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.0.borrow().clone()
    }

    /// Counts from now on; polls that are held stay held.
    pub fn forget(&self) {
        self.0.send_modify(|seen| {
            *seen = Seen { most_held: seen.held.len(), held: seen.held.clone(), ..Seen::default() };
        });
    }

    /// Waits until what was seen is as wanted, and answers with it.
    pub async fn until(&self, is_wanted: impl FnMut(&Seen) -> bool) -> Result<Seen> {
        let mut changes = self.0.subscribe();
        let seen = timeout(LONGEST_WAIT, changes.wait_for(is_wanted)).await;
        Ok(seen.with_context(|| format!("waited in vain for traffic, and saw {:?}", self.seen()))??.clone())
    }

    fn see(&self, request: &Request) -> Option<Held> {
        // Before it asks another origin, a browser asks whether it may.
        if request.method() == Method::OPTIONS {
            return None;
        }
        let url = Url::parse("http://site").and_then(|site| site.join(&request.uri().to_string())).ok()?;
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let call = url.path().rsplit('/').next()?;
        if call == "gene" {
            self.0.send_modify(|seen| seen.codes += 1);
        }
        let random = value("random").filter(|_| call == "check")?;
        let is_held = value("wait").is_some();
        self.0.send_modify(|seen| {
            seen.polled.push(random.clone());
            if is_held {
                seen.held.push(random.clone());
                seen.most_held = seen.most_held.max(seen.held.len());
            }
        });
        is_held.then(|| Held { traffic: self.clone(), random })
    }
}

/// A poll that the server holds, until it answers or the page goes away.
struct Held {
    traffic: Traffic,
    random: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.traffic.0.send_modify(|seen| {
            if let Some(place) = seen.held.iter().position(|random| *random == self.random) {
                seen.held.remove(place);
            }
        });
    }
}
