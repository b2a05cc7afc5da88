//! Static files: the pages at `/`, and the package of the widget at `/scanlogin/`.
//!
//! Their Content-Security-Policy forbids inline code, other hosts and HTML from strings.

use std::io;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::Config;
use crate::http::error::ApiError;

/// `blob:` lets the phone page read an image of a code that the person selects.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Serves the folders of `config` as the fallback for paths without a route.
pub(crate) fn routes(config: &Config) -> Router {
    let mut router = Router::new().fallback(unknown);
    if let Some(www) = &config.www {
        router = router.fallback_service(files(www));
    }
    if let Some(package) = &config.package {
        // The package is public, and pages of any origin may load it.
        let open = ServiceBuilder::new().layer(set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        router = router.nest_service("/scanlogin", open.service(files(package)));
    }
    let headers = ServiceBuilder::new()
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::CACHE_CONTROL, "no-cache"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"));
    router.layer(from_fn(reject_double_slash)).layer(headers)
}

/// Rejects a path that begins with two slashes. `ServeDir` redirects the path of a folder to the same path with a slash
/// at its end, and a `location` that begins with two slashes names another host.
async fn reject_double_slash(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("//") {
        ApiError::UnknownRoute.into_response()
    } else {
        next.run(request).await
    }
}

async fn unknown() -> ApiError {
    ApiError::UnknownRoute
}

/// The files of `folder`. Errors have the envelope.
fn files(folder: &Path) -> MethodRouter {
    // A method other than GET and HEAD gets 404 as well.
    let files = ServeDir::new(folder).fallback(Router::new().fallback(unknown));
    let files = files.call_fallback_on_method_not_allowed(true);
    any(async move |request: Request| {
        let range = match files.clone().try_call(request).await {
            Ok(response) if response.status() == StatusCode::PRECONDITION_FAILED => {
                return ApiError::PreconditionFailed.into_response();
            }
            Ok(response) if response.status() == StatusCode::RANGE_NOT_SATISFIABLE => {
                response.headers().get(header::CONTENT_RANGE).cloned()
            }
            Ok(response) => return response.map(Body::new),
            Err(error) => return file_error(&error).into_response(),
        };
        let length = range.map(|range| [(header::CONTENT_RANGE, range)]);
        (length, ApiError::RangeNotSatisfiable).into_response()
    })
}

/// The error for a file that can't be opened or read. A name that the system rejects is the name of no file.
fn file_error(error: &io::Error) -> ApiError {
    use io::ErrorKind as K;
    if matches!(error.kind(), K::InvalidFilename | K::InvalidInput | K::NotADirectory | K::NotFound) {
        ApiError::UnknownRoute
    } else {
        tracing::error!(%error, "a file can't be read");
        ApiError::Internal
    }
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
