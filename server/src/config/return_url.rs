//! The setting `return_urls` of an app: the addresses of pages to which an approver on the same device may return.

use serde::Deserialize;
use url::Url;

use crate::config::origin::Origin;

/// The maximum length in bytes.
const MAX_LENGTH: usize = 1_000;

/// The address of a page, exactly as a browser writes it in `location.href`. It has no fragment: that is for the response code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ReturnUrl {
    text: String,
    origin: Origin,
}

impl ReturnUrl {
    /// The addresses of the login page of the demo at `base_url`: that at its address, and on this machine also that at
    /// `localhost`. Like the pages of the demo, they may be `http` in a local network.
    pub(crate) fn of_demo(base_url: &str) -> Vec<Self> {
        let mut addresses = vec![base_url.to_owned(), base_url.replacen("://127.0.0.1", "://localhost", 1)];
        addresses.dedup();
        let origins = addresses.into_iter().filter_map(|address| address.parse::<Origin>().ok());
        origins.map(|origin| Self { text: format!("{origin}/"), origin }).collect()
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The origin of the page.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl TryFrom<String> for ReturnUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} bytes"));
        }
        let no_address = || format!("{text:?} is not an absolute address, such as https://www.example.com/login");
        let url = Url::parse(&text).map_err(|_| no_address())?;
        let Ok(origin) = url.origin().ascii_serialization().parse::<Origin>() else { return Err(no_address()) };
        if !origin.is_https() && !origin.is_local() {
            return Err(format!(
                "{text:?} must begin with `https://`; only an address of this machine may have `http://`"
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{text:?} has a user name before the host"));
        }
        if url.fragment().is_some() {
            return Err(format!("{text:?} has a fragment: the response code takes its place"));
        }
        if url.as_str() != text {
            return Err(format!("{text:?} must be written as browsers write it: {:?}", url.as_str()));
        }
        Ok(Self { text, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_address_and_local_http_address_are_accepted_unchanged() {
        for (text, origin) in [
            ("https://www.example.com/", "https://www.example.com"),
            ("https://www.example.com:8443/login?app=7&next=%2Fa", "https://www.example.com:8443"),
            ("https://xn--bcher-kva.example/login.html", "https://xn--bcher-kva.example"),
            ("http://localhost:5173/login", "http://localhost:5173"),
            ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
            ("http://[::1]:8787/", "http://[::1]:8787"),
        ] {
            let url = ReturnUrl::try_from(text.to_owned()).expect(text);
            assert_eq!((url.as_str(), url.origin().as_str()), (text, origin));
        }
    }

    #[test]
    fn other_text_is_rejected_with_the_problem() {
        let long = format!("https://www.example.com/{}", "x".repeat(1_000));
        for (text, problem) in [
            ("", "absolute address"),
            ("/login", "absolute address"),
            ("www.example.com/login", "absolute address"),
            ("https://", "absolute address"),
            ("https://*.example.com/login", "absolute address"),
            ("javascript:alert(1)", "absolute address"),
            ("data:text/html,a", "absolute address"),
            ("capacitor://localhost/login", "absolute address"),
            ("http://www.example.com/login", "https://"),
            ("http://127.0.0.1.example.com/login", "https://"),
            ("https://user@www.example.com/login", "user name"),
            ("https://user:password@www.example.com/login", "user name"),
            ("https://www.example.com/login#", "fragment"),
            ("https://www.example.com/login#a", "fragment"),
            ("https://www.example.com", "\"https://www.example.com/\""),
            ("HTTPS://WWW.example.com/Login", "\"https://www.example.com/Login\""),
            ("https://www.example.com:443/login", "\"https://www.example.com/login\""),
            ("https://www.example.com/a/../login", "\"https://www.example.com/login\""),
            ("https://www.example.com\\@evil.example/", "\"https://www.example.com/@evil.example/\""),
            ("https://b\u{fc}cher.example/", "\"https://xn--bcher-kva.example/\""),
            ("https://www.example.com/log in", "%20"),
            (" https://www.example.com/login", "browsers write"),
            ("https://www.example.com/log\nin", "browsers write"),
            (long.as_str(), "1000 bytes"),
        ] {
            let error = ReturnUrl::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
