//! `POST gene`: creates a code for a page.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_protocol::display::display_text;
use scanlogin_protocol::wire::{API_PATH, ErrorCorrectionLevel, GeneData, GeneRequest, Scene};
use scanlogin_qr::{Level, Modules};
use serde_json::{Map, Value};

use crate::client::{Browser, ClientAddress};
use crate::clock::rfc3339;
use crate::codes::CodeService;
use crate::config::app::App;
use crate::http::api::Success;
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Caller, MAX_SHOWN_CHARACTERS};
use crate::http::state::AppState;
use crate::store::raw_json::RawJson;

/// Creates a code.
#[utoipa::path(
    post, path = "/gene", context_path = API_PATH, tag = "page",
    params(Caller),
    request_body = GeneRequest<Value>,
    responses((status = 200, body = GeneData<Value>, description = "The new code, or a business refusal"))
)]
pub(super) async fn gene(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    client: ClientAddress,
    browser: Browser,
    ApiJson(request): ApiJson<GeneRequest<Value>>,
) -> Result<Success<GeneData<Value>>, ApiError> {
    if request.scene != Scene::App {
        return Err(ApiError::UnsupportedScene);
    }
    let app = caller.app()?;
    let lowest = request.modules;
    let return_url = request.return_url.as_deref().and_then(|address| return_url(&app, &caller, address));
    let custom_data = custom_data(request)?;
    // The requests rejected above do not count against the limit.
    state.rate_limiters.code(client)?;
    let (record, poll_token) = state.codes.create(&app, custom_data, browser, return_url).await?;
    let text = CodeService::text(&app, &record)?;
    let modules = match lowest {
        Some(lowest) => modules(&state, &app, text.clone(), lowest).await,
        None => None,
    };
    Ok(Success {
        message: "scan the code with the app",
        data: GeneData {
            expires_in: Some(u32::try_from(app.code_lifetime.as_secs()).unwrap_or(u32::MAX)),
            url: Some(format!("{}{API_PATH}/image/{}.png", state.config.base_url(), record.random)),
            custom_logo: app.logo.clone(),
            scene: Some(Scene::App),
            user_pool_id: Some(app.user_pool_id.clone()),
            created_at: Some(rfc3339(record.created_at)),
            expire_at: Some(rfc3339(record.expires_at)),
            text: app.code_url.is_some().then_some(text),
            link: CodeService::same_device_link(&app, &record),
            custom_data: record.custom_data.as_ref().map(RawJson::read).transpose()?.map(Value::Object),
            poll_token: Some(poll_token.expose().to_owned()),
            modules,
            random: record.random.clone(),
        },
    })
}

/// `address`, if a code may have a link that returns to it: `app` lists exactly this address, and the page that sent the
/// request has the same origin. Another page could otherwise have the response code handed to a page that does not expect it.
fn return_url(app: &App, caller: &Caller, address: &str) -> Option<String> {
    let listed = app.return_url(address);
    let problem = match listed {
        None => "return_urls of the app does not have the address of the page",
        Some(url) if !caller.is_of_origin(url.origin()) => "the page has another origin than its return address",
        Some(_) if app.code_url.is_none() => "the app has no code_url",
        Some(url) => return Some(url.as_str().to_owned()),
    };
    let address = display_text(address.split(['?', '#']).next().unwrap_or_default(), MAX_SHOWN_CHARACTERS);
    tracing::info!(app_id = app.id, address, problem, "code without a link for the same device");
    None
}

/// Draws the code with the given text for a page that shows it before it can draw. `None` if all threads for images are busy:
/// the page then draws it later.
async fn modules(state: &AppState, app: &App, text: String, lowest: ErrorCorrectionLevel) -> Option<String> {
    let lowest = match lowest {
        ErrorCorrectionLevel::L => Level::L,
        ErrorCorrectionLevel::M => Level::M,
        ErrorCorrectionLevel::Q => Level::Q,
        ErrorCorrectionLevel::H => Level::H,
    };
    // A logo covers modules. The page asks for its own logo, and does not know that of the app yet.
    let lowest = if app.logo.is_some() { lowest.max(Level::Q) } else { lowest };
    let drawn = state.image_threads.run_if_idle(move || Modules::new(&text, lowest)).await;
    // A code whose text is too long for the level has none: the page gets the error when it draws the code. If the drawing
    // panics, which is logged, the page draws the code too.
    drawn.ok().flatten().and_then(Result::ok).map(|modules| BASE64_STANDARD.encode(modules.to_bits()))
}

fn custom_data(request: GeneRequest<Value>) -> Result<Option<Map<String, Value>>, ApiError> {
    if request.with_custom_data == Some(false) {
        return Ok(None);
    }
    match request.into_custom_data() {
        None => Ok(None),
        Some(Value::Object(data)) => Ok(Some(data)),
        Some(_) => {
            Err(ApiError::InvalidParameter { name: "customData".into(), problem: "must be a JSON object".to_owned() })
        }
    }
}
