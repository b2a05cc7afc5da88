//! `POST gene`: creates a code for a page.

use std::sync::Arc;

use axum::extract::State;
use scanlogin_protocol::wire::{API_PATH, GeneData, GeneRequest, Scene};
use serde_json::{Map, Value};

use crate::client::{Browser, ClientAddress};
use crate::clock::rfc3339;
use crate::http::api::Success;
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Caller};
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
    let custom_data = custom_data(request)?;
    // The requests rejected above do not count against the limit.
    state.rate_limiters.code(client)?;
    let (record, poll_token) = state.codes.create(&app, custom_data, browser).await?;
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
            custom_data: record.custom_data.as_ref().map(RawJson::read).transpose()?.map(Value::Object),
            poll_token: Some(poll_token.expose().to_owned()),
            random: record.random.clone(),
        },
    })
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
