//! The custom data of a code that a phone shows to a person.

use scanlogin_protocol::display::display_text;
use scanlogin_protocol::wire::ShownData;
use serde_json::Value;

use crate::http::error::ApiError;
use crate::http::extract::MAX_SHOWN_CHARACTERS;
use crate::http::state::AppState;
use crate::store::record::Record;

/// The values of the names that the app of the code shows, in its order: texts, numbers and booleans that have something
/// visible. `None` if there are none.
///
/// # Errors
///
/// When the stored custom data can't be read.
pub(super) fn shown_data(state: &AppState, record: &Record) -> Result<Option<ShownData>, ApiError> {
    let apps = state.apps();
    let names = apps.find(&record.app_id).map(|app| app.shown_custom_data.as_slice()).unwrap_or_default();
    let Some(custom_data) = record.custom_data.as_ref().filter(|_| !names.is_empty()) else { return Ok(None) };
    let custom_data = custom_data.read()?;
    let shown = names.iter().filter_map(|name| {
        let text = match custom_data.get(name)? {
            Value::String(text) => display_text(text, MAX_SHOWN_CHARACTERS),
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty()).then(|| (name.clone(), text))
    });
    let shown: Vec<_> = shown.collect();
    Ok((!shown.is_empty()).then_some(ShownData(shown)))
}
