//! The company's native apps, which open the links of codes: the table `[native_apps]` of `scanlogin.toml`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The number of bytes of a SHA-256 hash.
const HASH_BYTES: usize = 32;
/// The length of the id of a team at Apple.
const TEAM_ID_LENGTH: usize = 10;

/// The apps that the systems of phones may open instead of the browser.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeApps {
    /// The Android apps.
    #[serde(default)]
    pub android: Vec<AndroidApp>,
    /// The ids of the iOS apps: the id of the team, a dot and the id of the bundle.
    #[serde(default, deserialize_with = "ios_ids")]
    pub ios: Vec<String>,
}

/// An Android app.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AndroidApp {
    /// The id of the app, such as `com.example.pass`.
    #[serde(deserialize_with = "package")]
    pub package: String,
    /// The SHA-256 hashes of the certificates that sign the app, in upper-case hexadecimal pairs with colons.
    #[serde(deserialize_with = "fingerprints")]
    pub sha256_cert_fingerprints: Vec<String>,
}

impl NativeApps {
    /// Whether no app is listed.
    pub fn is_empty(&self) -> bool {
        self.android.is_empty() && self.ios.is_empty()
    }
}

fn ios_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids: Vec<String> = Vec::deserialize(deserializer)?;
    match ids.iter().find(|id| !is_ios_id(id)) {
        Some(id) => Err(D::Error::custom(format_args!(
            "{id:?} is not the id of an iOS app: the id of the team, a dot and the id of the bundle, such as \
             ABCDE12345.com.example.pass"
        ))),
        None => Ok(ids),
    }
}

fn package<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let package = String::deserialize(deserializer)?;
    if is_package(&package) {
        Ok(package)
    } else {
        Err(D::Error::custom(format_args!("{package:?} is not the id of an Android app, such as com.example.pass")))
    }
}

fn fingerprints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let fingerprints: Vec<String> = Vec::deserialize(deserializer)?;
    if fingerprints.is_empty() {
        return Err(D::Error::custom("must have at least one fingerprint; `keytool -printcert` prints it"));
    }
    match fingerprints.iter().find(|fingerprint| !is_fingerprint(fingerprint)) {
        Some(fingerprint) => Err(D::Error::custom(format_args!(
            "{fingerprint:?} is not a SHA-256 fingerprint: {HASH_BYTES} pairs of hexadecimal digits with colons between \
             them, as `keytool -printcert` prints it"
        ))),
        // Android compares them as text, in upper case.
        None => Ok(fingerprints.iter().map(|fingerprint| fingerprint.to_ascii_uppercase()).collect()),
    }
}

/// Whether `text` is the id of a team, a dot and the id of a bundle.
fn is_ios_id(text: &str) -> bool {
    let is_team = |team: &str| {
        team.len() == TEAM_ID_LENGTH && team.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let is_segment =
        |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split_once('.').is_some_and(|(team, bundle)| is_team(team) && bundle.split('.').all(is_segment))
}

/// Whether `text` is an application id of Android: at least two segments, each of which begins with a letter.
fn is_package(text: &str) -> bool {
    let is_segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_alphabetic())
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.contains('.') && text.split('.').all(is_segment)
}

fn is_fingerprint(text: &str) -> bool {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(':').count() == HASH_BYTES && text.split(':').all(is_pair)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn fingerprint() -> String {
        ["0a"; HASH_BYTES].join(":")
    }

    #[test]
    fn apps_are_read_and_fingerprints_become_upper_case() {
        let apps: NativeApps = from_value(json!({
            "android": [{ "package": "com.example.pass_2", "sha256_cert_fingerprints": [fingerprint()] }],
            "ios": ["ABCDE12345.com.example.pass-2"],
        }))
        .unwrap();
        let expected = AndroidApp {
            package: "com.example.pass_2".to_owned(),
            sha256_cert_fingerprints: vec![fingerprint().to_uppercase()],
        };
        assert_eq!(
            (apps.android.as_slice(), apps.ios),
            (&[expected][..], vec!["ABCDE12345.com.example.pass-2".to_owned()])
        );
        assert!(from_value::<NativeApps>(json!({})).unwrap().is_empty());
    }

    #[test]
    fn invalid_values_are_rejected() {
        let package = |package: &str| json!({ "package": package, "sha256_cert_fingerprints": [fingerprint()] });
        let fingerprints =
            |fingerprints: &[&str]| json!({ "package": "com.example", "sha256_cert_fingerprints": fingerprints });
        let (long, other) = (fingerprint() + ":0A", fingerprint().replace("0a", "0g"));
        let android =
            ["", "example", "com.", ".com", "com..example", "com.1example", "com.exa-mple", "com.ex\u{e4}mple"]
                .map(package)
                .into_iter()
                .chain(
                    [&[][..], &[""], &["0A"], &[&long], &[&other], &[&fingerprint().replace(':', "")]]
                        .map(fingerprints),
                )
                .chain([json!({ "package": "com.example" })]);
        for android in android {
            assert!(from_value::<NativeApps>(json!({ "android": [android] })).is_err(), "{android}");
        }
        for ios in [
            "",
            "com.example.pass",
            "ABCDE12345",
            "ABCDE12345.",
            "abcde12345.com",
            "ABCDE1234.com",
            "ABCDE12345.a..b",
            "ABCDE12345.a_b",
            "ABCDE12345.*",
        ] {
            assert!(from_value::<NativeApps>(json!({ "ios": [ios] })).is_err(), "{ios}");
        }
        assert!(from_value::<NativeApps>(json!({ "windows": [] })).is_err());
    }
}
