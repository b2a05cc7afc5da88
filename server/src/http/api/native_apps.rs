//! `GET /.well-known/assetlinks.json` and `apple-app-site-association`: the native apps that open the links of codes.
//!
//! The systems of phones define both formats, so the responses have no envelope:
//! <https://developers.google.com/digital-asset-links> and
//! <https://developer.apple.com/documentation/xcode/supporting-associated-domains>.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::config::native_apps::NativeApps;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// How long caches may keep the files, so that a change is soon everywhere.
const CACHE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=300")];

/// Returns the Android apps that open links, as Digital Asset Links.
#[utoipa::path(
    get, path = "/.well-known/assetlinks.json", tag = "phone",
    responses(
        (status = 200, body = Vec<Object>, description = "One statement for each app"),
        (status = 404, description = "The server has no native apps"),
    )
)]
pub(super) async fn assetlinks(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, ApiError> {
    let statements: Vec<Value> = native_apps(&state)?
        .android
        .iter()
        .map(|app| {
            json!({
                "relation": ["delegate_permission/common.handle_all_urls"],
                "target": {
                    "namespace": "android_app",
                    "package_name": app.package,
                    "sha256_cert_fingerprints": app.sha256_cert_fingerprints,
                },
            })
        })
        .collect();
    Ok((CACHE, Json(statements)))
}

/// Returns the iOS apps that open links, and the paths of the links.
#[utoipa::path(
    get, path = "/.well-known/apple-app-site-association", tag = "phone",
    responses(
        (status = 200, body = Object, description = "The apps, with the path of each `code_url`"),
        (status = 404, description = "The server has no native apps"),
    )
)]
pub(super) async fn apple_app_site_association(
    State(state): State<Arc<AppState>>,
) -> Result<impl IntoResponse, ApiError> {
    let native_apps = native_apps(&state)?;
    let details = if native_apps.ios.is_empty() {
        json!([])
    } else {
        let components: Vec<Value> = state.apps().link_paths().into_iter().map(|path| json!({ "/": path })).collect();
        json!([{ "appIDs": native_apps.ios, "components": components }])
    };
    Ok((CACHE, Json(json!({ "applinks": { "details": details } }))))
}

fn native_apps(state: &AppState) -> Result<NativeApps, ApiError> {
    state.native_apps().as_ref().clone().ok_or(ApiError::UnknownRoute)
}
