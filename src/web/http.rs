//! The request slot: one request to the server, aborted when the slot is dropped.

use core::time::Duration;

use gloo_net::http::{RequestBuilder, Response};
use js_sys::{JSON, encode_uri_component};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, RequestCredentials};

use super::options::Options;
use super::value::Js;
use crate::error::{Error, ErrorCode};
use crate::options::{Config, Fields, wrong_option};
use crate::protocol::{API_PATH, GeneRequest, Scene, UserInfoRequest, header};
use crate::reply::{Answer, Value};
use crate::session::{Reply, Request, WAIT};

/// What all requests of a widget have in common.
#[derive(Debug)]
pub(super) struct Client {
    base: String,
    headers: Vec<(String, String)>,
    gene_body: String,
}

impl Client {
    pub(super) fn new(config: &Config, options: &Options) -> Result<Self, Error> {
        let gene = GeneRequest {
            scene: Scene::App,
            auto_merge_qr_code: false,
            context: options.value("context"),
            // The name that today's servers know.
            params: options.value("customData"),
            custom_data: None,
            custome_data: None,
            ext_idp_conn_id: options.string("extIdpConnId")?,
            with_custom_data: options.boolean("withCustomData")?,
        };
        Ok(Self {
            base: [config.host.as_str(), API_PATH].concat(),
            headers: config.headers.clone(),
            gene_body: Js::to_text(&gene).ok_or_else(|| wrong_option("customData", "something that JSON can hold"))?,
        })
    }

    fn build(&self, request: &Request, abort: &AbortController) -> Result<gloo_net::http::Request, gloo_net::Error> {
        let (path, body, poll_token) = match request {
            Request::Gene => ("/gene".to_owned(), Some(self.gene_body.clone()), &None),
            Request::Check { random, poll_token, hold } => {
                let mut path = format!("/check?random={}", String::from(encode_uri_component(random)));
                if let Some(status) = hold {
                    path += &format!("&wait={}&status={}", WAIT.as_secs(), status.number());
                }
                (path, None, poll_token)
            }
            Request::Exchange { ticket, poll_token } => {
                let body = UserInfoRequest { ticket: ticket.to_string() };
                ("/userinfo".to_owned(), Js::to_text(&body), poll_token)
            }
        };
        let url = [self.base.as_str(), &path].concat();
        let mut builder = match body {
            Some(_) => RequestBuilder::new(&url).method(gloo_net::http::Method::POST),
            None => RequestBuilder::new(&url),
        }
        .abort_signal(Some(&abort.signal()))
        .credentials(RequestCredentials::Include)
        .header("accept", "application/json");
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        if let Some(token) = poll_token {
            builder = builder.header(header::POLL_TOKEN, token);
        }
        match body {
            Some(body) => builder.header("content-type", "application/json").body(body),
            None => builder.build(),
        }
    }
}

/// A request in flight. Dropping it aborts it.
#[derive(Debug)]
#[must_use = "a request is aborted when its slot is dropped"]
pub(super) struct HttpSlot {
    abort: AbortController,
}

impl HttpSlot {
    /// Sends `request`; `done` is called with what came of it, later.
    pub(super) fn send(
        client: &Client,
        request: Request,
        done: impl FnOnce(Result<Reply<Js>, Error>) + 'static,
    ) -> Option<Self> {
        // Only a browser from before 2018 has no `AbortController`, and it has no WebAssembly of today either.
        let abort = AbortController::new().ok()?;
        let built = client.build(&request, &abort);
        spawn_local(async move {
            done(match built {
                Ok(built) => receive(built, &request).await,
                Err(error) => Err(network(&error)),
            });
        });
        Some(Self { abort })
    }
}

impl Drop for HttpSlot {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

async fn receive(built: gloo_net::http::Request, request: &Request) -> Result<Reply<Js>, Error> {
    let response = built.send().await.map_err(|error| network(&error))?;
    let status = response.status();
    let retry_after = retry_after(&response);
    let text = response.text().await.map_err(|error| network(&error))?;
    let body = JSON::parse(&text).ok().map(Js);
    Answer { status, retry_after, body }.read(request)
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get("retry-after")?.parse().ok().map(Duration::from_secs)
}

fn network(error: &gloo_net::Error) -> Error {
    Error::temporary(ErrorCode::Network, format!("the server can't be reached: {error}"))
}
