//! `GET image/{random}.png` and `.svg`: the code as an image, for clients that do not draw it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use scanlogin_protocol::wire::API_PATH;
use scanlogin_qr::{Level, Modules};

use crate::client::ClientAddress;
use crate::codes::CodeService;
use crate::codes::find::Found;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The width of a module in the PNG, in pixels.
const PIXELS_PER_MODULE: usize = 8;

/// Returns the code as an image.
#[utoipa::path(
    get, path = "/image/{file}", context_path = API_PATH, tag = "page",
    params(("file" = String, Path, description = "The id of the code, followed by `.png` or `.svg`")),
    responses(
        (status = 200, description = "The image", content(("image/png"), ("image/svg+xml"))),
        (status = 404, description = "The code does not exist, or is no longer remembered"),
    )
)]
pub(super) async fn image(
    State(state): State<Arc<AppState>>,
    client: ClientAddress,
    file: Result<Path<String>, PathRejection>,
) -> Response {
    let drawn = match file {
        Ok(Path(file)) => respond(&state, client, &file).await,
        // The name is not UTF-8.
        Err(_) => Err(ApiError::UnknownRoute),
    };
    match drawn {
        Ok(response) => response,
        // An <img> reads the HTTP status only.
        Err(refusal @ (ApiError::UnknownCode | ApiError::UnknownRoute)) => {
            (StatusCode::NOT_FOUND, refusal).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn respond(state: &AppState, client: ClientAddress, file: &str) -> Result<Response, ApiError> {
    let (random, extension) = file.rsplit_once('.').ok_or(ApiError::UnknownRoute)?;
    let paint = match extension {
        "png" => png,
        "svg" => svg,
        _ => return Err(ApiError::UnknownRoute),
    };
    state.rate_limiters.image(client)?;
    let Found { record, app, .. } = state.codes.find(random).await?;
    let text = CodeService::text(&app, &record)?;
    let (content_type, picture) = state.image_threads.run(move || paint(&text)).await?.map_err(|cause| {
        tracing::error!(cause, "can't draw the image of a code");
        ApiError::Internal
    })?;
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        // Existing clients request the image with CORS. It contains only what the screen shows.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, [("cross-origin-resource-policy", "cross-origin")], picture).into_response())
}

type Picture = (&'static str, Vec<u8>);

fn svg(text: &str) -> Result<Picture, String> {
    let modules = Modules::new(text, Level::M).map_err(|error| error.to_string())?;
    let (side, path) = (scanlogin_qr::svg::side(&modules), scanlogin_qr::svg::path(&modules));
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>"##
    );
    Ok(("image/svg+xml", svg.into_bytes()))
}

fn png(text: &str) -> Result<Picture, String> {
    let modules = Modules::new(text, Level::M).map_err(|error| error.to_string())?;
    let picture = scanlogin_qr::png::encode(&modules, PIXELS_PER_MODULE).map_err(|error| error.to_string())?;
    Ok(("image/png", picture))
}
