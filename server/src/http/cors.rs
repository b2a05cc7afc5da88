//! CORS: which pages of other origins may call the server and read its responses.
//!
//! Every page may read a refusal of `gene` and `check`, so that a page whose origin is not allowed can say so. Without that,
//! it could not tell the refusal from a broken connection. A refusal has no data. Only allowed pages may read data.
//!
//! tower-http responds to preflight requests. [`CorsHeaders`] sets the headers of all other responses: a layer of tower-http
//! around every poll would do more work than the lookup of the code. These headers only instruct browsers. The
//! extractors in [`crate::http::extract`] check the origin of each call.

use core::time::Duration;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use scanlogin_protocol::wire as protocol;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::error::{ApiError, ErrorReason};
use crate::http::extract::{RequestOrigin, app_id};
use crate::http::state::AppState;

/// The value of `access-control-expose-headers`.
const EXPOSED: &str = "retry-after,x-request-id";

/// The `origin` of a request, and the responses that its page may read. `None` when the request has no `origin`.
pub(crate) struct CorsHeaders(Option<(HeaderValue, Readable)>);

/// The responses that a page may read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readable {
    Everything,
    Refusals,
    Nothing,
}

impl CorsHeaders {
    /// Reads the origin of `request` and checks it. Keeps it in the request for the extractors, since parsing it takes as
    /// long as the lookup of a code.
    pub(crate) fn of(request: &mut Request, state: &AppState) -> Self {
        let Some(header) = request.headers().get(header::ORIGIN).cloned() else { return Self(None) };
        let origin = RequestOrigin::read(request.headers(), &state.config);
        let readable = readable(state, &origin, request.headers(), request.uri());
        request.extensions_mut().insert(origin);
        Self(Some((header, readable)))
    }

    /// Adds the CORS headers to a response: <https://fetch.spec.whatwg.org/#http-responses>
    pub(crate) fn insert_into(self, response: &mut Response) {
        let is_refusal = response.extensions().get::<ErrorReason>().is_some();
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        let Some((origin, readable)) = self.0 else { return };
        if readable == Readable::Everything || (readable == Readable::Refusals && is_refusal) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// The layer that responds to preflight requests.
pub(super) fn preflights(state: &Arc<AppState>) -> CorsLayer {
    let state = Arc::clone(state);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, parts| {
            readable_after_preflight(&state, &parts.headers, &parts.uri) != Readable::Nothing
        }))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static(protocol::header::APP_ID),
            HeaderName::from_static(protocol::header::USER_POOL_ID),
            HeaderName::from_static(protocol::header::TENANT_ID),
            HeaderName::from_static(protocol::header::REQUEST_FROM),
            HeaderName::from_static(protocol::header::SDK_VERSION),
            HeaderName::from_static(protocol::header::LANG),
            HeaderName::from_static(protocol::header::POLL_TOKEN),
        ])
        .max_age(Duration::from_secs(600))
}

/// Marks the response to a preflight request that is refused, so that the log and the metrics show the refusal.
pub(super) async fn mark_refused_preflights(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let is_refused = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && readable_after_preflight(&state, request.headers(), request.uri()) == Readable::Nothing;
    let mut response = next.run(request).await;
    if is_refused {
        response.extensions_mut().insert(ErrorReason(ApiError::OriginNotAllowed.reason()));
    }
    response
}

/// The responses that the page which sent a preflight request may read.
fn readable_after_preflight(state: &AppState, headers: &HeaderMap, uri: &Uri) -> Readable {
    readable(state, &RequestOrigin::read(headers, &state.config), headers, uri)
}

/// The responses that the page of `origin` which sent a request may read.
fn readable(state: &AppState, origin: &RequestOrigin, headers: &HeaderMap, uri: &Uri) -> Readable {
    if may_read_data(state, origin, headers) {
        Readable::Everything
    } else if matches!(uri.path().strip_prefix(protocol::API_PATH), Some("/gene" | "/check")) {
        Readable::Refusals
    } else {
        Readable::Nothing
    }
}

/// Whether the page that sent a request may read the data of the response. If the request names an app, this app must
/// allow the origin. Otherwise one app that allows it is enough: a preflight request (`OPTIONS`) never names an app.
fn may_read_data(state: &AppState, origin: &RequestOrigin, headers: &HeaderMap) -> bool {
    let apps = state.apps();
    match (origin, app_id(headers)) {
        (RequestOrigin::Same(_), _) => true,
        (RequestOrigin::Cross(origin), Some(id)) => apps.find(id).is_some_and(|app| app.allows(origin)),
        (RequestOrigin::Cross(origin), None) => apps.any_allows(origin),
        (RequestOrigin::Opaque, _) => false,
    }
}
