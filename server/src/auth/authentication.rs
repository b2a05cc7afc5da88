//! How and when a user signed in at the issuer of their token, and whether that is enough for an app with `step_up`.

use crate::auth::claims::{LEEWAY_SECONDS, shown};
use crate::config::step_up::StepUp;
use crate::store::user::User;

/// The user of a verified token, and what the token says about their sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUser {
    /// The user.
    pub user: User,
    /// Their sign-in.
    pub authentication: Authentication,
}

/// The sign-in of a user, by the claims of their token. A claim that is absent or malformed says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication {
    /// How many seconds ago the user proved their identity (`auth_time`). Negative if the clock of the issuer is ahead.
    /// `None` if the token does not say it. `iat` does not count: an issuer renews a token without the user.
    pub age_seconds: Option<i64>,
    /// The methods (`amr`).
    pub amr: Vec<String>,
    /// The contexts (`acr`).
    pub acr: Vec<String>,
}

impl Authentication {
    /// Checks that the sign-in is recent and strong enough.
    ///
    /// # Errors
    ///
    /// A text that compares the claims with the requirement. Only for the log of the operator: it contains values of claims.
    pub fn meets(&self, required: &StepUp) -> Result<(), String> {
        if let Some(max_age) = required.max_age {
            let max_age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
            match self.age_seconds {
                None => return Err(format!("auth_time is absent; max_age is {max_age} seconds")),
                Some(age) if age > max_age.saturating_add(LEEWAY_SECONDS) => {
                    return Err(format!("auth_time is {age} seconds ago; max_age is {max_age} seconds"));
                }
                Some(age) if age < -LEEWAY_SECONDS => {
                    return Err(format!(
                        "auth_time is {} seconds ahead of the clock of this server",
                        age.unsigned_abs()
                    ));
                }
                Some(_) => {}
            }
        }
        let has_one_of = |name: &str, values: &[String], accepted: &[String]| {
            if accepted.is_empty() || values.iter().any(|value| accepted.contains(value)) {
                return Ok(());
            }
            Err(format!("{name} is {}; one of {accepted:?} is required", shown(&format!("{values:?}"))))
        };
        has_one_of("amr", &self.amr, &required.amr)?;
        has_one_of("acr", &self.acr, &required.acr_values)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn signed_in(age_seconds: Option<i64>, amr: &[&str], acr: &[&str]) -> Authentication {
        Authentication { age_seconds, amr: texts(amr), acr: texts(acr) }
    }

    fn required(max_age: Option<u64>, amr: &[&str], acr_values: &[&str]) -> StepUp {
        StepUp { max_age: max_age.map(Duration::from_secs), amr: texts(amr), acr_values: texts(acr_values) }
    }

    #[test]
    fn meets_tolerates_clock_differences_up_to_60_s() {
        let step_up = required(Some(30), &[], &[]);
        for (age, is_met) in [(0, true), (90, true), (91, false), (-60, true), (-61, false), (i64::MIN, false)] {
            assert_eq!(signed_in(Some(age), &[], &[]).meets(&step_up).is_ok(), is_met, "{age}");
        }
    }

    #[test]
    fn meets_names_the_claim_that_is_not_enough() {
        let step_up = required(Some(30), &["mfa", "fpt"], &["gold"]);
        let all = signed_in(Some(1), &["pwd", "fpt"], &["gold"]);
        assert_eq!(all.meets(&step_up), Ok(()));
        for (authentication, claim) in [
            (Authentication::default(), "auth_time is absent"),
            (Authentication { age_seconds: None, ..all.clone() }, "auth_time is absent"),
            (Authentication { amr: texts(&["pwd"]), ..all.clone() }, "amr is [\"pwd\"]"),
            (Authentication { amr: Vec::new(), ..all.clone() }, "amr is []"),
            (Authentication { amr: texts(&["MFA"]), ..all.clone() }, "amr"),
            (Authentication { acr: texts(&["silver"]), ..all.clone() }, "acr is [\"silver\"]"),
        ] {
            let problem = authentication.meets(&step_up).unwrap_err();
            assert!(problem.starts_with(claim), "{problem}");
        }
    }

    #[test]
    fn absent_requirement_accepts_any_sign_in() {
        assert_eq!(signed_in(Some(1_000_000), &[], &[]).meets(&required(None, &[], &[])), Ok(()));
    }
}
