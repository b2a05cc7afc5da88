//! The files that a person's browser opens: the pages at `/`, the widget at `/scanlogin/`.
//!
//! They are served with a policy that leaves a script no way to do harm: no inline code, no other host, no HTML from
//! strings. Deliberately absent: templates. What is in the folders is what is served.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::Config;
use crate::http::error::ApiError;

/// `blob:` is for the picture of a code that a person uploads to the phone page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The folders of `config`, as what is tried when no route fits.
pub fn routes(config: &Config) -> Router {
    let mut router = Router::new().fallback(unknown);
    if let Some(www) = &config.www {
        router = router.fallback_service(files(www));
    }
    if let Some(package) = &config.package {
        // Nothing in it is secret, and the pages that load it may be of any origin.
        let open = ServiceBuilder::new().layer(set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        router = router.nest_service("/scanlogin", open.service(files(package)));
    }
    let headers = ServiceBuilder::new()
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::CACHE_CONTROL, "no-cache"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"));
    router.layer(from_fn(one_slash)).layer(headers)
}

/// A folder's address gets a slash at its end by a redirect, and one that begins with two slashes names a host.
async fn one_slash(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("//") {
        ApiError::UnknownRoute.into_response()
    } else {
        next.run(request).await
    }
}

async fn unknown() -> ApiError {
    ApiError::UnknownRoute
}

fn files(folder: &std::path::Path) -> ServeDir<Router> {
    // A method that no file takes finds nothing either.
    ServeDir::new(folder).fallback(Router::new().fallback(unknown)).call_fallback_on_method_not_allowed(true)
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
