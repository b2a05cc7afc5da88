//! The setting `code_url` of an app: the address of the approver in the links of its codes.

use core::fmt;
use core::str::FromStr;

use serde::Deserialize;

use crate::config::origin::Origin;

/// The maximum length in bytes. A longer address makes the modules of the code smaller than those of a JSON text.
const MAX_LENGTH: usize = 200;

/// The address of an approver, exactly as a browser writes it: a link has to be equal to the address that the approver expects.
/// It has no user name, query or fragment; a link adds the fragment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CodeUrl {
    text: String,
    origin: Origin,
}

impl CodeUrl {
    /// The address with the path `path` of the demo at `base_url`. Like the pages of the demo, it may be `http` in a local
    /// network. `None` if `base_url` is no origin.
    pub(crate) fn of_demo(base_url: &str, path: &str) -> Option<Self> {
        let origin: Origin = base_url.parse().ok()?;
        Some(Self { text: format!("{origin}{path}"), origin })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path of the address. It begins with a slash.
    pub fn path(&self) -> &str {
        self.text.strip_prefix(self.origin.as_str()).unwrap_or_default()
    }
}

impl fmt::Display for CodeUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for CodeUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} bytes, so that its codes are easy to scan"));
        }
        if text.contains('#') {
            return Err(format!("{text:?} has a fragment: the server appends `#` and the id of the code"));
        }
        if text.contains('?') {
            return Err(format!("{text:?} has a query: the address is compared exactly, so use a path instead"));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Err(no_address(text)) };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(format!("{text:?} has a user name before the host"));
        }
        let origin: Origin = format!("{scheme}://{authority}").parse().map_err(|_| no_address(text))?;
        if !origin.is_https() && !origin.is_local() {
            return Err(format!(
                "{text:?} must begin with `https://`; only an address of this machine may have `http://`"
            ));
        }
        if !is_path(path) {
            return Err(format!(
                "{text:?} must have a path of letters, digits, codes such as %20 and `/-._~!$&'(),;=:@+`, without `$(` and \
                 without the segments `.` and `..`"
            ));
        }
        let path = if path.is_empty() { "/" } else { path };
        let canonical = format!("{origin}{path}");
        if canonical != text {
            return Err(format!("{text:?} must be written as browsers write it: {canonical:?}"));
        }
        Ok(Self { text: canonical, origin })
    }
}

impl TryFrom<String> for CodeUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn no_address(text: &str) -> String {
    format!("{text:?} is not an absolute address, such as https://pass.example.com/s")
}

/// Whether browsers leave `path` as it is: only characters of RFC 3986, 3.3, and no segment `.` or `..`. In the file for
/// iOS apps, an asterisk would be a wildcard, and `$(` would begin a variable such as `$(lang)`, which matches several paths.
fn is_path(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,;=:@%".contains(&byte);
    let is_hex = |digits: Option<&[u8]>| digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let is_encoded = || path.as_bytes().split(|byte| *byte == b'%').skip(1).all(|rest| is_hex(rest.get(..2)));
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.bytes().all(is_allowed) && !path.contains("$(") && is_encoded() && !path.split('/').any(is_dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CodeUrl, String> {
        text.parse()
    }

    #[test]
    fn https_address_and_local_http_address_are_accepted_unchanged() {
        for (text, path) in [
            ("https://pass.example.com/s", "/s"),
            ("https://pass.example.com/", "/"),
            ("https://pass.example.com:8443/a/b%20c/~d.html", "/a/b%20c/~d.html"),
            ("https://pass.example.com/$a(b)", "/$a(b)"),
            ("https://[2001:db8::1]/s", "/s"),
            ("http://127.0.0.1:8787/s", "/s"),
            ("http://[::1]:8787/s", "/s"),
            ("http://localhost/s/", "/s/"),
        ] {
            let url = read(text).unwrap();
            assert_eq!((url.as_str(), url.path()), (text, path));
        }
    }

    #[test]
    fn other_text_is_rejected_with_the_problem() {
        let long = format!("https://pass.example.com/{}", "x".repeat(200));
        for (text, problem) in [
            ("", "absolute address"),
            ("/s", "absolute address"),
            ("pass.example.com/s", "absolute address"),
            ("//pass.example.com/s", "absolute address"),
            ("https:///s", "absolute address"),
            ("https://pass.example.com:x/s", "absolute address"),
            ("https://pass.exämple.com/s", "absolute address"),
            ("https://*.example.com/s", "absolute address"),
            ("javascript://pass.example.com/s", "absolute address"),
            ("app://pass.example.com/s", "https://"),
            ("http://pass.example.com/s", "https://"),
            ("http://127.0.0.1.example.com/s", "https://"),
            ("https://user@pass.example.com/s", "user name"),
            ("https://user:password@pass.example.com/s", "user name"),
            ("https://pass.example.com/s?a=b", "query"),
            ("https://pass.example.com/s?", "query"),
            ("https://pass.example.com/s#", "fragment"),
            ("https://pass.example.com/s#a", "fragment"),
            ("https://pass.example.com", "\"https://pass.example.com/\""),
            ("HTTPS://Pass.example.com/S", "\"https://pass.example.com/S\""),
            ("https://pass.example.com:443/s", "\"https://pass.example.com/s\""),
            ("https://pass.example.com/a b", "path"),
            ("https://pass.example.com/a\\b", "path"),
            ("https://pass.example.com/\u{e9}", "path"),
            ("https://pass.example.com/*", "path"),
            ("https://pass.example.com/$(lang)/s", "path"),
            ("https://pass.example.com/%4", "path"),
            ("https://pass.example.com/%zz", "path"),
            ("https://pass.example.com/a/../s", "path"),
            ("https://pass.example.com/%2E%2e/s", "path"),
            ("https://pass.example.com/.", "path"),
            (long.as_str(), "200 bytes"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
