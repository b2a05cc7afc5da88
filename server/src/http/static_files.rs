//! Static files: the pages at `/`, and the package of the widget at `/scanlogin/`.
//!
//! `ServeDir` sends the copy of a file that is compressed by Brotli (`.br`) or gzip (`.gz`), if there is one and the client
//! accepts it. `cargo xtask dist` makes these copies of the package, and a folder of the package for each version.
//!
//! The Content-Security-Policy forbids inline code, other hosts and HTML from strings.

use core::time::Duration;
use std::io;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{MethodRouter, any};
use http_body_util::BodyExt as _;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::Config;
use crate::http::error::ApiError;

/// `blob:` lets the phone page read an image of a code that the person selects. The policy `workers` lets it start the worker
/// that decodes and its service worker (`www/lib/worker-url.js`).
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types workers";
/// The phone page scans with the camera. No page uses the other devices.
const PERMISSIONS: &str =
    "camera=(self), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()";
/// Caches keep a file of a version for a year, and ask for other files each time.
const CACHE_VERSION: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The number of hexadecimal digits at the end of a folder's name, after the version.
const HASH_DIGITS: usize = 16;

/// The path and the query of an image that another app shares, see `share_target` in `www/phone/app.webmanifest`.
const SHARED_IMAGE: (&str, &str) = ("/phone.html", "share");
/// The address of the phone page. With this query it shows an error.
const IMAGE_NOT_RECEIVED: &str = "/phone.html?share=image-not-received";
/// The maximum length in bytes of a form with a shared image that is read. The phone page accepts images of 30 MB.
const MAX_FORM_BYTES: usize = 30_100_000;
/// The time in which a form with a shared image is read. The timeout of other bodies is too short for an image.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the folders of `config` as the fallback for paths without a route.
pub(crate) fn routes(config: &Config) -> Router {
    let mut router = Router::new().fallback(unknown);
    if let Some(www) = &config.www {
        let pages = files(ServeDir::new(www));
        router = if www.join("phone.html").is_file() {
            let refusal = ServiceBuilder::new().layer(from_fn(refuse_shared_image));
            router.fallback_service(refusal.service(pages))
        } else {
            router.fallback_service(pages)
        };
    }
    if let Some(package) = &config.package {
        // The package is public, and pages of any origin may load it. Modules and `fetch` need the first header. A script tag
        // on a page with a Cross-Origin-Embedder-Policy needs the second.
        let open = ServiceBuilder::new()
            .layer(set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .layer(set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
            .layer(from_fn(cache_versions));
        let package = ServeDir::new(package).append_index_html_on_directories(false);
        router = router.nest_service("/scanlogin", open.service(files(package)));
    }
    let headers = ServiceBuilder::new()
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(HeaderName::from_static("permissions-policy"), PERMISSIONS))
        .layer(set(header::CACHE_CONTROL, "no-cache"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"));
    router.layer(from_fn(reject_double_slash)).layer(headers)
}

/// Lets caches keep a file in the folder of a version. The name of the folder has a hash of the files, so they never change.
async fn cache_versions(request: Request, next: Next) -> Response {
    let is_versioned = is_versioned(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    if is_versioned && (status.is_success() || status == StatusCode::NOT_MODIFIED) {
        response.headers_mut().insert(header::CACHE_CONTROL, CACHE_VERSION);
    }
    response
}

/// Whether the first folder of a path has a name like those of `cargo xtask dist`: `VERSION-HASH`.
fn is_versioned(path: &str) -> bool {
    let folder = path.strip_prefix('/').and_then(|path| path.split_once('/')).map(|(folder, _)| folder);
    let hash = folder.and_then(|folder| folder.rsplit_once('-')).map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Discards an image that another app shares with the phone page, and redirects to the page, which shows an error. The service
/// worker of the page usually receives the image. The server gets it only if the browser has not installed the worker yet.
async fn refuse_shared_image(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if request.method() != Method::POST || (uri.path(), uri.query().unwrap_or_default()) != SHARED_IMAGE {
        return next.run(request).await;
    }
    // A browser reads the response only after it has sent the image. If the connection is closed before, it shows an error.
    let _ = timeout(FORM_TIMEOUT, discard(request.into_body())).await;
    Redirect::to(IMAGE_NOT_RECEIVED).into_response()
}

/// Reads a body up to `MAX_FORM_BYTES`, and keeps nothing of it.
async fn discard(mut body: Body) {
    let mut length = 0;
    while length <= MAX_FORM_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
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

/// The files of `folder`, compressed if there is a compressed copy. Errors have the envelope.
fn files(folder: ServeDir) -> MethodRouter {
    let files = folder.precompressed_br().precompressed_gzip().fallback(Router::new().fallback(unknown));
    // A method other than GET and HEAD gets 404 as well.
    let files = files.call_fallback_on_method_not_allowed(true);
    any(async move |mut request: Request| {
        // `ServeDir` does not compare `if-range` with the file. Without `range` it sends the whole file, which is always right.
        if request.headers().contains_key(header::IF_RANGE) {
            request.headers_mut().remove(header::RANGE);
        }
        let range = match files.clone().try_call(request).await {
            Ok(response) if response.status() == StatusCode::PRECONDITION_FAILED => {
                return ApiError::PreconditionFailed.into_response();
            }
            Ok(response) if response.status() == StatusCode::RANGE_NOT_SATISFIABLE => {
                response.headers().get(header::CONTENT_RANGE).cloned()
            }
            Ok(mut response) => {
                // `ServeDir` omits it in a 304, and a cache would store that for all encodings.
                if response.status() == StatusCode::NOT_MODIFIED {
                    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
                }
                return response.map(Body::new);
            }
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
