//! The id of a request: in the log span `request`, and in the response header `x-request-id`.
//!
//! The server ignores request ids that a client sends.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Span;

use crate::secrets;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn new() -> Self {
        Self(secrets::request_id())
    }

    /// The span of everything that is logged during the request.
    pub(super) fn span(&self) -> Span {
        tracing::info_span!("request", request_id = %self.0)
    }

    pub(super) fn insert_into(self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::try_from(self.0) {
            headers.insert(HEADER, id);
        }
    }
}
