//! The origin of a web page: scheme, host and port.

use core::fmt;
use core::str::FromStr;

use axum::http::Uri;
use serde::Deserialize;

/// An origin as browsers write it: scheme, host in lower case, and the port unless it is the default of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The text that browsers send in the header `origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an origin of scheme, host and port, such as https://example.com");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.authority(), uri.path(), uri.query()) {
            (Some(scheme @ ("http" | "https")), Some(authority), "" | "/", None)
                if !authority.as_str().contains('@') =>
            {
                // Browsers omit the default port of the scheme, and write the host in lower case.
                let default_port = if scheme == "https" { ":443" } else { ":80" };
                let authority = authority.as_str().to_ascii_lowercase();
                let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
                Ok(Self(format!("{scheme}://{authority}")))
            }
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
