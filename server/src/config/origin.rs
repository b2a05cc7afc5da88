//! The origin of a web page: scheme, host and port.

use core::fmt;
use core::str::FromStr;
use std::net::Ipv6Addr;

use axum::http::Uri;
use axum::http::uri::Authority;
use serde::Deserialize;

use crate::config::issuer::key_source::is_this_machine;

/// The schemes of pages in browser extensions (Chrome, Firefox) and in programs that contain a browser (Tauri, Capacitor,
/// Ionic, Electron).
const APP_SCHEMES: [&str; 6] = ["chrome-extension", "moz-extension", "tauri", "capacitor", "ionic", "app"];

/// An origin as browsers write it: scheme, host in lower case, and the port unless it is the default of the scheme. An
/// origin of an extension or a program is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether the scheme is `http` or `https`.
    pub fn is_web(&self) -> bool {
        self.is_https() || self.0.starts_with("http://")
    }

    /// Whether the page is one of this machine: its host is `localhost` or a loopback address.
    pub fn is_local(&self) -> bool {
        self.host().is_some_and(|host| is_this_machine(&host))
    }

    /// Whether this is the origin of pages that `http://` and `host` lead to, a `host` header: a host, and perhaps a port.
    pub(crate) fn is_http_of(&self, host: &str) -> bool {
        let host = host.strip_suffix(":80").unwrap_or(host);
        self.0.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host))
    }

    /// The name or the address of the host. `None` for an origin of an extension or a program.
    pub(crate) fn host(&self) -> Option<String> {
        let uri = self.0.parse::<Uri>().ok().filter(|_| self.is_web())?;
        uri.host().map(str::to_owned)
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
        if text.contains('*') {
            return Err(format!(
                "{text:?} has a wildcard, and origins are compared exactly: list each one with its scheme, host and \
                 port, such as https://www.example.com or http://localhost:5173"
            ));
        }
        if !text.is_ascii() {
            return Err(format!(
                "{text:?} has letters outside ASCII: write the host as browsers send it, such as \
                 https://xn--bcher-kva.example"
            ));
        }
        let origin = text.split_once("://").and_then(|(scheme, host)| match scheme.to_ascii_lowercase().as_str() {
            scheme @ ("http" | "https") => web_origin(scheme, text),
            _ if APP_SCHEMES.contains(&scheme) && is_app_host(host) => Some(text.to_owned()),
            _ => None,
        });
        origin.map(Self).ok_or_else(|| {
            format!("{text:?} is not an origin of scheme, host and port, such as https://www.example.com")
        })
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The origin `text` as browsers write it. `None` if it is not one.
fn web_origin(scheme: &str, text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return None;
    }
    let authority = uri.authority()?;
    let (host, port) = (web_host(authority.host())?, web_port(scheme, authority)?);
    Some(format!("{scheme}://{host}{port}"))
}

/// The host as browsers write it. `None` if it is not one.
fn web_host(host: &str) -> Option<String> {
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse().ok().map(|address: Ipv6Addr| format!("[{address}]")),
        None => (!host.is_empty() && host.bytes().all(is_host_byte)).then(|| host.to_ascii_lowercase()),
    }
}

/// The colon and the port as browsers write them: empty for the default port of the scheme. `None` if something else is
/// behind the host of `authority`, or a user name before it.
fn web_port(scheme: &str, authority: &Authority) -> Option<String> {
    let rest = authority.as_str().strip_prefix(authority.host())?;
    if rest.is_empty() {
        return Some(String::new());
    }
    let default_port = if scheme == "https" { 443 } else { 80 };
    let port: u16 = rest.strip_prefix(':')?.parse().ok()?;
    let text = format!(":{port}");
    // `:081` and `:+81` are not what browsers write.
    (text == rest).then_some(if port == default_port { String::new() } else { text })
}

/// Whether `text` is what browsers write behind the scheme of an extension or a program: a host, and perhaps a port.
fn is_app_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is_host_byte(byte) || byte == b':')
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}
