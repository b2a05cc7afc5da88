//! Writes a [`Request`] of the session as an HTTP request.

use scanlogin_protocol::wire::{API_PATH, GeneRequest, header};

use crate::client::reader::JsonValue;
use crate::client::writer::{self, Field};
use crate::number::decimal;
use crate::options::Config;
use crate::session::Request;

/// An HTTP request. Its method is `POST` if it has a body, otherwise `GET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The address: absolute if the options name a host, otherwise a path on the origin of the page.
    pub url: String,
    /// The headers, without those that the browser adds.
    pub headers: Vec<(String, String)>,
    /// The body, as JSON.
    pub body: Option<String>,
}

/// Writes the requests of one widget.
#[derive(Debug)]
pub struct Client {
    /// The address of the calls, without a slash at the end.
    base: String,
    /// The headers that all requests have.
    headers: Vec<(String, String)>,
    /// The name of the header with the language, and its default value.
    language: (String, String),
    /// The body of `gene`, as JSON.
    gene_body: String,
}

impl Client {
    /// Makes a client for one widget. `gene` is the body of its requests for a code. `None` when JSON can't represent
    /// `gene`.
    pub fn new<V: JsonValue>(config: &Config, gene: &GeneRequest<V>) -> Option<Self> {
        Some(Self {
            base: [config.host.as_str(), API_PATH].concat(),
            headers: config.headers.clone(),
            language: config.language.clone(),
            gene_body: V::to_text(&writer::gene_request(gene))?,
        })
    }

    /// Writes `request` as HTTP. `language` is that of the shell, or `None` for a widget without one. `nonce` is another
    /// number for each request: it makes the address of a poll unique, so that no cache knows a response to it.
    pub fn http<V: JsonValue>(&self, request: &Request, language: Option<&str>, nonce: u32) -> HttpRequest {
        let text = Field::Text;
        let (path, body, poll_token) = match request {
            Request::Gene(_) => ("/gene".to_owned(), Some(self.gene_body.clone()), &None),
            Request::Check { random, poll_token, hold } => {
                let random = percent_encode(random);
                let mut path = ["/check?random=", &random, "&_=", &decimal(nonce)].concat();
                // The negative status of an expired code does not change.
                if let Some(hold) = hold
                    && let Ok(status) = u32::try_from(hold.status.number())
                {
                    path += &["&wait=", &decimal(hold.wait.as_secs() as u32), "&status=", &decimal(status)].concat();
                }
                (path, None, poll_token)
            }
            Request::Complete { random, response_code, poll_token } => {
                let body = V::to_text(&[("random", Some(text(random))), ("responseCode", Some(text(response_code)))]);
                ("/complete".to_owned(), body, poll_token)
            }
            Request::Exchange { ticket, poll_token } => {
                ("/userinfo".to_owned(), V::to_text(&[("ticket", Some(text(ticket)))]), poll_token)
            }
        };
        let poll_token = poll_token.as_deref().map(|token| (header::POLL_TOKEN, token));
        self.call(&path, body, poll_token, language)
    }

    /// Writes a call of the protocol. `path` is its path below the base, such as `/confirm`. `extra_header` is a header
    /// that only this call has.
    pub fn call(
        &self,
        path: &str,
        body: Option<String>,
        extra_header: Option<(&str, &str)>,
        language: Option<&str>,
    ) -> HttpRequest {
        let mut headers = self.headers.clone();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        let (name, default) = &self.language;
        // `<html lang>` can be any text, and an invalid header value would fail the request.
        let language = language.filter(|language| header::is_value(language)).unwrap_or(default);
        if !language.is_empty() {
            add(name, language);
        }
        add("accept", "application/json");
        if body.is_some() {
            add("content-type", "application/json");
        }
        if let Some((name, value)) = extra_header {
            add(name, value);
        }
        HttpRequest { url: [self.base.as_str(), path].concat(), headers, body }
    }
}

/// Percent-encodes all bytes of `id` except `[A-Za-z0-9_-]`, the characters of ids (docs/protocol.md, "Text of the
/// code").
fn percent_encode(id: &str) -> String {
    let mut encoded = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte / 16, byte % 16] {
                encoded.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
            }
        }
    }
    encoded
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::options::tests::read;
    use crate::session::Hold;
    use core::time::Duration;
    use scanlogin_protocol::wire::{Scene, Status};
    use serde_json::{Value as Json, json};

    fn client(host: &str) -> Client {
        let config = read(json!({ "host": host, "appId": "app", "requestFrom": "" })).unwrap();
        let gene = GeneRequest::new(Scene::App, Some(json!({ "hello": "world" })));
        Client::new(&config, &gene).unwrap()
    }

    fn http(request: &Request) -> HttpRequest {
        client("https://login.test").http::<Json>(request, None, 7)
    }

    #[test]
    fn gene_has_a_body_and_the_headers_of_the_options() {
        let http = http(&Request::Gene(Scene::App));
        assert_eq!(http.url, "https://login.test/api/v2/qrcode/gene");
        let body = r#"{"scene":"APP_AUTH","autoMergeQrCode":false,"params":{"hello":"world"}}"#;
        assert_eq!(http.body.as_deref(), Some(body));
        let names: Vec<&str> = http.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-authing-app-id", "x-authing-sdk-version", "accept", "content-type"]);
    }

    #[test]
    fn check_has_the_poll_token_and_waits_only_for_a_status_that_can_change() {
        let check = |hold| Request::Check { random: "r-1&x=/\u{e9}".into(), poll_token: Some("secret".into()), hold };
        let short_poll = http(&check(None));
        assert_eq!(short_poll.url, "https://login.test/api/v2/qrcode/check?random=r-1%26x%3D%2F%C3%A9&_=7");
        assert_eq!(short_poll.headers.last().unwrap(), &(header::POLL_TOKEN.to_owned(), "secret".to_owned()));
        assert_eq!(short_poll.body, None);
        let hold = |status| Some(Hold { status, wait: Duration::from_millis(4_900) });
        assert!(http(&check(hold(Status::Scanned))).url.ends_with("&_=7&wait=4&status=1"));
        assert_eq!(http(&check(hold(Status::Expired))).url, short_poll.url, "an expired code does not change");
    }

    #[test]
    fn complete_has_the_response_code_in_its_body_and_the_poll_token_in_a_header() {
        let http = http(&Request::Complete {
            random: "r".into(),
            response_code: "code".into(),
            poll_token: Some("secret".into()),
        });
        assert_eq!(http.url, "https://login.test/api/v2/qrcode/complete");
        assert_eq!(http.body.as_deref(), Some(r#"{"random":"r","responseCode":"code"}"#));
        assert_eq!(http.headers.last().unwrap(), &(header::POLL_TOKEN.to_owned(), "secret".to_owned()));
        assert_eq!(http.headers[0], ("x-authing-app-id".to_owned(), "app".to_owned()));
    }

    #[test]
    fn exchange_has_the_ticket_in_its_body_and_without_a_host_a_path_as_its_address() {
        let exchange = Request::Exchange { ticket: "t\"1".into(), poll_token: None };
        let http = client("").http::<Json>(&exchange, None, 7);
        assert_eq!(
            (http.url.as_str(), http.body.as_deref()),
            ("/api/v2/qrcode/userinfo", Some(r#"{"ticket":"t\"1"}"#))
        );
    }
}
