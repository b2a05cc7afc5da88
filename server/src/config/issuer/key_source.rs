//! Where the keys of an issuer come from: a URL, a file, or a secret.

use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use axum::http::Uri;

use crate::secrets::Secret;

/// The shortest secret that HS256 allows, in bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The path of the configuration of an issuer (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// The beginnings of keys in JSON and in the format of OpenSSH.
const KEY_PREFIXES: [&str; 4] = ["{", "[", "ssh-", "ecdsa-"];

/// The source of the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The URL of a JSON Web Key Set: HTTPS, or HTTP if it is on this machine or `insecure_http` is set.
    Url(String),
    /// A local file with a JSON Web Key Set.
    File(PathBuf),
    /// The configuration document of the issuer, which names the URL of the key set.
    Discovery {
        /// The URL of the document.
        url: String,
        /// Whether the document may name an HTTP URL on another machine.
        insecure_http: bool,
    },
    /// A local file with a secret that the issuer signs with (HS256).
    SecretFile(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) | Self::Discovery { url, .. } => formatter.write_str(url),
            Self::File(path) | Self::SecretFile(path) => path.display().fmt(formatter),
        }
    }
}

impl FromStr for KeySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, false)
    }
}

impl KeySource {
    pub(super) fn parse(text: &str, insecure_http: bool) -> Result<Self, String> {
        if !text.contains("://") {
            let path = PathBuf::from(text);
            return if path.is_file() { Ok(Self::File(path)) } else { Err(format!("jwks: there is no file {text:?}")) };
        }
        check_url(text, insecure_http).map_err(|problem| format!("jwks: {problem}"))?;
        Ok(Self::Url(text.to_owned()))
    }

    pub(super) fn discovery(issuer: &str, insecure_http: bool) -> Result<Self, String> {
        let url = format!("{}{DISCOVERY_PATH}", issuer.trim_end_matches('/'));
        check_url(&url, insecure_http).map_err(|problem| {
            format!(
                "jwks: is not set, and the issuer does not have a URL at which the keys can be discovered: {problem}"
            )
        })?;
        Ok(Self::Discovery { url, insecure_http })
    }
}

/// Reads the secret of an issuer. Removes the line break that editors write at the end.
///
/// # Errors
///
/// If the file can't be read, or if its content is too short or is a key: everybody knows a public key.
pub(crate) fn read_secret(path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("secret_file: {}: {error}", path.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    // `trim` does not remove a byte order mark.
    let content = secret.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_key = content.contains("-----BEGIN") || KEY_PREFIXES.iter().any(|prefix| content.starts_with(prefix));
    if is_key {
        return Err(format!("secret_file: {} has a key, not a secret; use jwks for published keys", path.display()));
    }
    if content.len() < MIN_SECRET_BYTES {
        return Err(format!("secret_file: {} must have at least {MIN_SECRET_BYTES} bytes", path.display()));
    }
    Ok(Secret::new(secret))
}

/// Checks that nobody in the network can replace what `url` returns, unless `insecure_http` accepts that.
///
/// # Errors
///
/// A description of the problem.
pub(crate) fn check_url(url: &str, insecure_http: bool) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url:?} is not a URL: {error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(()),
        (Some("http"), Some(host)) if insecure_http || is_this_machine(host) => Ok(()),
        _ => Err(format!(
            "{url:?} is not https; an attacker in the network could replace the keys. In a trusted network, \
             insecure_http = true allows http"
        )),
    }
}

/// Whether `host` names this machine: `localhost` or a loopback address.
pub(in crate::config) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
