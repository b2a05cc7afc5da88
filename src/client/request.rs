//! From a [`Request`] of the session to an HTTP request.
//!
//! Deliberately absent: sending it.

use scanlogin_protocol::wire::{API_PATH, GeneRequest, header};

use crate::client::reader::JsonValue;
use crate::client::writer::{self, Field};
use crate::number::decimal;
use crate::options::Config;
use crate::session::{Request, WAIT};

/// An HTTP request: a `POST` when it has a body, otherwise a `GET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The address: absolute when the options name a host, otherwise a path on the page's own origin.
    pub url: String,
    /// The headers besides those that the browser adds.
    pub headers: Vec<(String, String)>,
    /// The body, as JSON.
    pub body: Option<String>,
}

/// What all requests of a widget have in common.
#[derive(Debug)]
pub struct Client {
    base: String,
    headers: Vec<(String, String)>,
    language: (String, String),
    gene_body: String,
}

impl Client {
    /// A client for one widget. `gene` is what it sends when it asks for a code; `None` when JSON can't hold that.
    pub fn new<V: JsonValue>(config: &Config, gene: &GeneRequest<V>) -> Option<Self> {
        Some(Self {
            base: [config.host.as_str(), API_PATH].concat(),
            headers: config.headers.clone(),
            language: config.language.clone(),
            gene_body: V::to_text(&writer::gene_request(gene))?,
        })
    }

    /// Writes `request` as HTTP. `language` is that of the shell; `None` for a widget without one.
    pub fn http<V: JsonValue>(&self, request: &Request, language: Option<&str>) -> HttpRequest {
        let (call, body, poll_token) = match request {
            Request::Gene(_) => ("/gene".to_owned(), Some(self.gene_body.clone()), &None),
            Request::Check { random, poll_token, hold } => {
                let random = escape(random);
                let call = match hold.and_then(|status| u32::try_from(status.number()).ok()) {
                    Some(status) => [
                        "/check?random=",
                        &random,
                        "&wait=",
                        &decimal(WAIT.as_secs() as u32),
                        "&status=",
                        &decimal(status),
                    ]
                    .concat(),
                    // A code that has ended has no news to wait for.
                    None => ["/check?random=", &random].concat(),
                };
                (call, None, poll_token)
            }
            Request::Exchange { ticket, poll_token } => {
                ("/userinfo".to_owned(), V::to_text(&[("ticket", Some(Field::Text(ticket)))]), poll_token)
            }
        };
        let poll_token = poll_token.as_deref().map(|token| (header::POLL_TOKEN, token));
        self.call(&call, body, poll_token, language)
    }

    /// Writes a call of the protocol, such as `/confirm`, with one header of its own.
    pub fn call(
        &self,
        call: &str,
        body: Option<String>,
        own: Option<(&str, &str)>,
        language: Option<&str>,
    ) -> HttpRequest {
        let mut headers = self.headers.clone();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        let (name, default) = &self.language;
        // The language of a page can be any text.
        let language = language.filter(|language| header::is_value(language)).unwrap_or(default);
        if !language.is_empty() {
            add(name, language);
        }
        add("accept", "application/json");
        if body.is_some() {
            add("content-type", "application/json");
        }
        if let Some((name, value)) = own {
            add(name, value);
        }
        HttpRequest { url: [self.base.as_str(), call].concat(), headers, body }
    }
}

/// Writes all but the characters of which ids consist (docs/protocol.md, "Text of the code") as `%` and two hexadecimal digits.
fn escape(id: &str) -> String {
    let mut escaped = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for digit in [byte / 16, byte % 16] {
                escaped.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
            }
        }
    }
    escaped
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::options::tests::read;
    use scanlogin_protocol::wire::{Scene, Status};
    use serde_json::{Value as Json, json};

    fn client(host: &str) -> Client {
        let config = read(json!({ "host": host, "appId": "app", "requestFrom": "" })).unwrap();
        let gene = GeneRequest::new(Scene::App, Some(json!({ "hello": "world" })));
        Client::new(&config, &gene).unwrap()
    }

    fn http(request: &Request) -> HttpRequest {
        client("https://login.test").http::<Json>(request, None)
    }

    #[test]
    fn a_code_is_asked_for_with_a_body_and_the_headers_of_the_app() {
        let http = http(&Request::Gene(Scene::App));
        assert_eq!(http.url, "https://login.test/api/v2/qrcode/gene");
        let body = r#"{"scene":"APP_AUTH","autoMergeQrCode":false,"params":{"hello":"world"}}"#;
        assert_eq!(http.body.as_deref(), Some(body));
        let names: Vec<&str> = http.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-authing-app-id", "x-authing-sdk-version", "accept", "content-type"]);
    }

    #[test]
    fn a_poll_is_held_only_when_asked_and_brings_its_token_in_a_header() {
        let check = |hold| Request::Check { random: "r-1&x=/\u{e9}".into(), poll_token: Some("secret".into()), hold };
        let at_once = http(&check(None));
        assert_eq!(at_once.url, "https://login.test/api/v2/qrcode/check?random=r-1%26x%3D%2F%C3%A9");
        assert_eq!(at_once.headers.last().unwrap(), &(header::POLL_TOKEN.to_owned(), "secret".to_owned()));
        assert_eq!(at_once.body, None);
        assert!(http(&check(Some(Status::Scanned))).url.ends_with("&wait=25&status=1"));
        assert_eq!(http(&check(Some(Status::Expired))).url, at_once.url, "what has ended is not waited for");
    }

    #[test]
    fn a_ticket_goes_in_the_body_and_without_a_host_the_address_is_a_path() {
        let exchange = Request::Exchange { ticket: "t\"1".into(), poll_token: None };
        let http = client("").http::<Json>(&exchange, None);
        assert_eq!(
            (http.url.as_str(), http.body.as_deref()),
            ("/api/v2/qrcode/userinfo", Some(r#"{"ticket":"t\"1"}"#))
        );
    }
}
