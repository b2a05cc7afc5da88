//! A table `[[issuer]]` as it is written, and the checks that make it an [`Issuer`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::key_source::{KeySource, read_secret};
use super::{Audience, ClaimNames, ClaimValue, Issuer, Pool};
use crate::config::algorithm::Algorithm;

/// One table `[[issuer]]`, before its values are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    issuer: String,
    audience: AudienceField,
    #[serde(default)]
    required_claims: BTreeMap<String, OneOrMore>,
    jwks: Option<String>,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    insecure_http: bool,
    algorithms: Option<Vec<String>>,
    user_pool_id: Option<String>,
    user_pool_claim: Option<String>,
    #[serde(default)]
    claims: ClaimNames,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "audience: must be a string, a list of strings, or false")]
enum AudienceField {
    One(String),
    Several(Vec<String>),
    Absent(bool),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "required_claims: a value must be a string, a boolean, an integer or a list of them")]
enum OneOrMore {
    One(ClaimValue),
    Several(Vec<ClaimValue>),
}

impl TryFrom<Fields> for Issuer {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let required_claims: BTreeMap<_, _> = fields
            .required_claims
            .into_iter()
            .map(|(name, value)| match value {
                OneOrMore::One(one) => (name, vec![one]),
                OneOrMore::Several(several) => (name, several),
            })
            .collect();
        if required_claims.iter().any(|(name, values)| name.is_empty() || values.is_empty()) {
            return Err("required_claims: a name or a list of values is empty".to_owned());
        }
        let pool = match (fields.user_pool_id, fields.user_pool_claim) {
            (Some(id), None) if !id.is_empty() => Pool::Fixed(id),
            (None, Some(name)) if !name.is_empty() => Pool::Claim(name),
            _ => return Err("user_pool_id, user_pool_claim: exactly one must be set, and not be empty".to_owned()),
        };
        let jwks = match (fields.jwks, fields.secret_file) {
            (Some(_), Some(_)) => return Err("jwks, secret_file: only one can be set".to_owned()),
            (Some(jwks), None) => KeySource::parse(&jwks, fields.insecure_http)?,
            (None, Some(path)) => {
                read_secret(&path)?;
                KeySource::SecretFile(path)
            }
            (None, None) => KeySource::discovery(&fields.issuer, fields.insecure_http)?,
        };
        if fields.claims.each().iter().any(|(_, name)| name.is_empty()) {
            return Err("claims: a name is empty".to_owned());
        }
        let issuer = Self {
            audience: parse_audience(fields.audience, !required_claims.is_empty())?,
            algorithms: fields.algorithms.map(|names| parse_algorithms(&names, &jwks)).transpose()?,
            name: fields.issuer,
            required_claims,
            jwks,
            pool,
            claims: fields.claims,
        };
        issuer.check_name()?;
        Ok(issuer)
    }
}

impl Issuer {
    fn check_name(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("issuer: is empty".to_owned());
        }
        let is_brace = |c: char| matches!(c, '{' | '}');
        let Some((before, claim, after)) = self.placeholder() else {
            return if self.name.contains(is_brace) {
                Err(format!("issuer: {:?} has an incomplete placeholder; write it as {{tid}}", self.name))
            } else {
                Ok(())
            };
        };
        if claim.is_empty() || [before, claim, after].iter().any(|part| part.contains(is_brace)) {
            return Err(format!("issuer: {:?} must have one placeholder, such as {{tid}}", self.name));
        }
        if matches!(self.jwks, KeySource::Discovery { .. }) {
            return Err(format!(
                "jwks: the keys of the issuer {:?} can't be discovered, because its name has a placeholder; set jwks",
                self.name
            ));
        }
        let selects_pool = matches!(&self.pool, Pool::Claim(name) if name == claim);
        if !selects_pool && !self.required_claims.contains_key(claim) {
            return Err(format!(
                "issuer: {:?} accepts every {claim}; list the allowed ones in required_claims, or set user_pool_claim = \
                 {claim:?}",
                self.name
            ));
        }
        Ok(())
    }
}

fn parse_audience(audience: AudienceField, has_required_claims: bool) -> Result<Audience, String> {
    let names = match audience {
        AudienceField::One(one) => vec![one],
        AudienceField::Several(several) => several,
        AudienceField::Absent(false) if has_required_claims => return Ok(Audience::Absent),
        AudienceField::Absent(false) => {
            return Err(
                "audience: false needs required_claims, such as { client_id = \"…\" }; otherwise, every token of \
                        the issuer would be valid"
                    .to_owned(),
            );
        }
        AudienceField::Absent(true) => {
            return Err("audience: must be a string, a list of strings, or false".to_owned());
        }
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err("audience: is empty; without an audience, every token of the issuer would be valid".to_owned());
    }
    Ok(Audience::AnyOf(names))
}

fn parse_algorithms(names: &[String], jwks: &KeySource) -> Result<Vec<Algorithm>, String> {
    let algorithms: Vec<Algorithm> = names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("algorithms: {error}"))?;
    let is_symmetric = matches!(jwks, KeySource::SecretFile(_));
    match algorithms.iter().find(|algorithm| algorithm.is_symmetric() != is_symmetric) {
        _ if algorithms.is_empty() => Err("algorithms: is empty".to_owned()),
        Some(algorithm) if is_symmetric => Err(format!("algorithms: {algorithm} does not sign with a secret")),
        Some(algorithm) => Err(format!("algorithms: {algorithm} needs secret_file; published keys can't verify it")),
        None => Ok(algorithms),
    }
}
