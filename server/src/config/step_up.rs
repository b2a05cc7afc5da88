//! The table `step_up` of an app: how recently and by which method a user must have signed in before `confirm`.
//!
//! The terms are those of OpenID Connect (`max_age`, `acr_values`), RFC 8176 (`amr`) and RFC 9470 (step-up authentication).

use core::time::Duration;

use scanlogin_protocol::wire;
use serde::Deserialize;

/// The upper limit of `max_age`.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// What `confirm` requires of the user's sign-in. At least one field is set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct StepUp {
    /// The maximum time since the user proved their identity: 1 s to 24 h. `None`: any time.
    pub max_age: Option<Duration>,
    /// The accepted methods. Empty: any method.
    pub amr: Vec<String>,
    /// The accepted contexts. Empty: any context.
    pub acr_values: Vec<String>,
}

impl StepUp {
    /// The requirement as approvers get it.
    pub fn to_wire(&self) -> wire::StepUp {
        let max_age = self.max_age.map(|age| age.as_secs());
        wire::StepUp { max_age, amr: self.amr.clone(), acr_values: self.acr_values.clone() }
    }
}

/// The table as it is written, before its values are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    max_age: Option<u64>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(default)]
    acr_values: Vec<String>,
}

impl TryFrom<Fields> for StepUp {
    type Error = String;

    fn try_from(Fields { max_age, amr, acr_values }: Fields) -> Result<Self, String> {
        let max_age = max_age.map(Duration::from_secs);
        if max_age.is_some_and(|age| age.is_zero() || age > MAX_AGE) {
            return Err(format!("step_up.max_age: must be from 1 to {} seconds", MAX_AGE.as_secs()));
        }
        for (name, values) in [("amr", &amr), ("acr_values", &acr_values)] {
            if values.iter().any(String::is_empty) {
                return Err(format!("step_up.{name}: a value is empty"));
            }
        }
        if max_age.is_none() && amr.is_empty() && acr_values.is_empty() {
            return Err("step_up: needs max_age, amr or acr_values".to_owned());
        }
        Ok(Self { max_age, amr, acr_values })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(table: Value) -> Result<StepUp, String> {
        serde_json::from_value(table).map_err(|error| error.to_string())
    }

    #[test]
    fn step_up_is_read_with_every_setting() {
        let step_up = read(json!({ "max_age": 60, "amr": ["mfa", "fpt"], "acr_values": ["gold"] })).unwrap();
        assert_eq!(step_up.max_age, Some(Duration::from_secs(60)));
        assert_eq!(
            (step_up.amr, step_up.acr_values),
            (vec!["mfa".to_owned(), "fpt".to_owned()], vec!["gold".to_owned()])
        );
        assert_eq!(read(json!({ "amr": ["mfa"] })).unwrap().max_age, None);
    }

    #[test]
    fn invalid_step_up_is_rejected_with_its_field() {
        for (table, name) in [
            (json!({}), "step_up"),
            (json!({ "amr": [] }), "step_up"),
            (json!({ "max_age": 0 }), "max_age"),
            (json!({ "max_age": 86_401 }), "max_age"),
            (json!({ "max_age": -1 }), "-1"),
            (json!({ "amr": [""] }), "amr"),
            (json!({ "acr_values": ["gold", ""] }), "acr_values"),
            (json!({ "max_age": 60, "acr": "gold" }), "`acr`"),
        ] {
            let error = read(table.clone()).expect_err(&table.to_string());
            assert!(error.contains(name), "{table}: {error}");
        }
    }
}
