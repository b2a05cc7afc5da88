//! Reads an HTTP response as a [`Reply`] of the session or an [`Error`].
//!
//! A server can send anything: HTML, an incomplete document, or nothing. [`HttpResponse::read`] returns an error for
//! all that is not the protocol, by the table at the end of docs/protocol.md, "Error codes".

mod check;
mod gene;

use core::time::Duration;
use scanlogin_protocol::wire::code;

use self::check::read_check;
use self::gene::{link, read_gene};
use crate::client::reader::{FieldError, JsonValue, Reader};
use crate::error::{Error, ErrorEnvelope};
use crate::format::Format;
use crate::session::{Code, Reply, Request};

/// `code` of the envelope of a success.
const OK: u32 = code::OK.cast_unsigned();

/// An HTTP response.
#[derive(Debug)]
pub struct HttpResponse<V> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`. `None` when it is absent or no number of seconds.
    pub retry_after: Option<Duration>,
    /// The body, parsed as JSON. `None` when it is not JSON.
    pub body: Option<V>,
}

impl<V: JsonValue> HttpResponse<V> {
    /// Reads the response to `request`. `format` describes how a code is shown. `None` means that the page
    /// shows it itself.
    ///
    /// # Errors
    ///
    /// The refusal of the server, the difference from the protocol, or the reason why the code can't be drawn.
    pub fn read(&self, request: &Request, format: Option<&Format>) -> Result<Reply<V>, Error> {
        let data = self.data()?;
        let fields = Reader::of(Some(data.clone()));
        Ok(match request {
            Request::Gene(scene) => {
                let gene = read_gene(&fields).map_err(|error| self.invalid_field(&error))?;
                let link = format.and_then(|_| link(&gene, &data));
                Reply::Code(Code { link, ..self.code(*scene, gene, format)? })
            }
            Request::Check { .. } | Request::Complete { .. } => {
                Reply::Checked(read_check(&fields, data).map_err(|error| self.invalid_field(&error))?)
            }
            Request::Exchange { .. } => Reply::User(data),
        })
    }

    /// Returns the `data` of a success, unread.
    ///
    /// # Errors
    ///
    /// The refusal of the server, or an error for a response that is no envelope.
    pub fn data(&self) -> Result<V, Error> {
        let envelope = Reader::of(self.body.clone());
        let code = envelope.i32("code");
        if let (Some(code::OK), Some(data), 200..300) = (code, envelope.value("data"), self.status) {
            return Ok(data);
        }
        let (message, reason) = (envelope.text("message"), envelope.text("reason"));
        let envelope = code.map(|code| ErrorEnvelope { code, message, reason });
        Err(Error::from_response(self.status, self.retry_after, envelope))
    }

    /// The error for a success with an invalid field. The message names the field.
    fn invalid_field(&self, FieldError { field, must_be }: &FieldError) -> Error {
        let message = ["the response of the server is invalid: `data.", field, "` must be ", must_be].concat();
        self.protocol_error().with_message(message)
    }

    /// The error for a success that does not follow the protocol.
    fn protocol_error(&self) -> Error {
        Error::from_response(self.status, self.retry_after, None)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::session::CheckResponse;
    use scanlogin_protocol::wire::Scene;
    use serde_json::json;

    pub(super) type Json = serde_json::Value;

    pub(super) const FORMAT: Format = Format { width: 240, logo: None, is_image: false };

    pub(super) fn read(request: &Request, data: Json) -> Result<Reply<Json>, Error> {
        let body = Some(json!({ "code": 200, "message": "ok", "data": data }));
        HttpResponse { status: 200, retry_after: None, body }.read(request, Some(&FORMAT))
    }

    pub(super) fn code(data: Json) -> Code {
        match read(&Request::Gene(Scene::App), data) {
            Ok(Reply::Code(code)) => code,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn check(data: Json) -> Result<CheckResponse<Json>, Error> {
        let request = Request::Check { random: "r".into(), poll_token: None, hold: None };
        match read(&request, data)? {
            Reply::Checked(checked) => Ok(checked),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn malformed_response_with_status_200_is_a_temporary_bad_answer() {
        let request = Request::Gene(Scene::App);
        for body in [
            None,
            Some(json!(null)),
            Some(json!([])),
            Some(json!("<html>")),
            Some(json!({})),
            Some(json!({ "code": "200" })),
            Some(json!({ "code": 200 })),
            Some(json!({ "code": 200, "data": null })),
            Some(json!({ "code": 200, "data": {} })),
            Some(json!({ "code": 200, "data": { "random": "" } })),
            Some(json!({ "code": 200, "data": { "random": 5 } })),
            Some(json!({ "code": 200, "data": { "random": "r", "expiresIn": "long" } })),
        ] {
            let error = HttpResponse { status: 200, retry_after: None, body: body.clone() }
                .read(&request, Some(&FORMAT))
                .unwrap_err();
            assert_eq!((error.code(), error.is_temporary()), (ErrorCode::BadAnswer, true), "{body:?}");
        }
    }

    #[test]
    fn error_of_an_invalid_field_names_the_field() {
        let gene = |data| read(&Request::Gene(Scene::App), data).unwrap_err();
        for (error, field) in [
            (gene(json!({})), "`data.random` must be a string that is not empty"),
            (gene(json!({ "random": "r", "expiresIn": "long" })), "`data.expiresIn` must be a whole number"),
            (check(json!({ "status": "2" })).unwrap_err(), "`data.status` must be a whole number"),
            (check(json!({ "status": 2 })).unwrap_err(), "`data.ticket` must be a string that is not empty"),
        ] {
            assert!(error.message().ends_with(field), "{}", error.message());
        }
    }

    #[test]
    fn refusal_keeps_message_reason_and_retry_after() {
        let body = Some(json!({ "code": 429, "message": "slow down", "reason": "rate-limited" }));
        let response = HttpResponse { status: 429, retry_after: Some(Duration::from_secs(7)), body };
        let error = response.read(&Request::Gene(Scene::App), Some(&FORMAT)).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (ErrorCode::RateLimited, Some(Duration::from_secs(7))));
        assert_eq!((error.message(), error.reason()), ("slow down", Some("rate-limited")));
    }
}
