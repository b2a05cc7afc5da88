//! Which pages of other origins may call, and read what is answered (CORS).
//!
//! What browsers ask beforehand is answered by tower-http. The headers of all other answers are set here: its layer would
//! stand around every poll, and do more work there than it takes to find the code. Deliberately absent: what a call is
//! refused for. That does not depend on what browsers make of these headers, and is `extract`'s.

use core::time::Duration;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use scanlogin_protocol::wire as protocol;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::extract::{Page, app_id};
use crate::http::state::AppState;

/// What pages may read of an answer's head, besides what any may.
const EXPOSED: &str = "retry-after,x-request-id";

/// The page that is to read an answer, if it may.
pub(crate) struct Reader(Option<HeaderValue>);

impl Reader {
    /// The page that sent `request`.
    pub(crate) fn of(request: &HeaderMap, state: &AppState) -> Self {
        Self(request.get(header::ORIGIN).filter(|_| may_read(state, request)).cloned())
    }

    /// Lets it read the answer that has these headers: <https://fetch.spec.whatwg.org/#http-responses>
    pub(crate) fn allow(self, answer: &mut HeaderMap) {
        answer.insert(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = self.0 {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// Answers browsers that ask whether a page may call.
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

/// Whether the page that sent a request is one of the app that it names. A browser that asks beforehand (`OPTIONS`)
/// does not tell what the request will name: then it is enough that some app allows the page.
fn may_read(state: &AppState, request: &HeaderMap) -> bool {
    let apps = state.apps();
    match (Page::read(request, &state.config), app_id(request)) {
        (Page::Own, _) => true,
        (Page::Of(origin), Some(id)) => apps.find(id).is_some_and(|app| app.allowed_origins.contains(&origin)),
        (Page::Of(origin), None) => apps.any_allows(&origin),
        (Page::Nameless, _) => false,
    }
}
