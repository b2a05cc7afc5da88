//! CORS: which pages of other origins may call the server and read its responses.
//!
//! tower-http responds to preflight requests. [`CorsHeaders`] sets the headers of all other responses: a layer of tower-http
//! around every poll would do more work than the lookup of the code. These headers only instruct browsers. The
//! extractors in [`crate::http::extract`] check the origin of each call.

use core::time::Duration;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use scanlogin_protocol::wire as protocol;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::extract::{RequestOrigin, app_id};
use crate::http::state::AppState;

/// The value of `access-control-expose-headers`.
const EXPOSED: &str = "retry-after,x-request-id";

/// The origin that may read the response. `None` when the request has no `origin`, or one that may not read it.
pub(crate) struct CorsHeaders(Option<HeaderValue>);

impl CorsHeaders {
    /// Reads the origin of `request` and checks it.
    pub(crate) fn of(request: &HeaderMap, state: &AppState) -> Self {
        Self(request.get(header::ORIGIN).filter(|_| may_read(state, request)).cloned())
    }

    /// Adds the CORS headers to a response: <https://fetch.spec.whatwg.org/#http-responses>
    pub(crate) fn insert_into(self, response: &mut HeaderMap) {
        response.insert(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = self.0 {
            response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// The layer that responds to preflight requests.
pub(super) fn preflights(state: &Arc<AppState>) -> CorsLayer {
    let state = Arc::clone(state);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, parts| may_read(&state, &parts.headers)))
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

/// Whether the page that sent a request may read the response. If the request names an app, this app must list the
/// origin. Otherwise one app that lists it is enough: a preflight request (`OPTIONS`) never names an app.
fn may_read(state: &AppState, request: &HeaderMap) -> bool {
    let apps = state.apps();
    match (RequestOrigin::read(request, &state.config), app_id(request)) {
        (RequestOrigin::Same, _) => true,
        (RequestOrigin::Cross(origin), Some(id)) => {
            apps.find(id).is_some_and(|app| app.allowed_origins.contains(&origin))
        }
        (RequestOrigin::Cross(origin), None) => apps.any_allows(&origin),
        (RequestOrigin::Opaque, _) => false,
    }
}
