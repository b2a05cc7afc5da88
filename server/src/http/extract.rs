//! Extractors: each reads one part of a request, and rejects an invalid one with an [`ApiError`].

use core::convert::Infallible;
use core::error::Error as _;
use core::time::Duration;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use scanlogin_protocol::display::display_text;
use scanlogin_protocol::wire as protocol;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use crate::auth::authentication::VerifiedUser;
use crate::auth::error::TokenProblem;
use crate::client::{Browser, ClientAddress};
use crate::config::Config;
use crate::config::app::App;
use crate::config::origin::Origin;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::secrets::Secret;

const APP_ID: HeaderName = HeaderName::from_static(protocol::header::APP_ID);
const POLL_TOKEN: HeaderName = HeaderName::from_static(protocol::header::POLL_TOKEN);

/// The maximum length of a body in bytes. The server rejects a longer one. No call needs more than 7 KB: the custom data of a
/// code with 1,000 bytes of text, each written as `\u00XX`.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024;
/// The server reads and discards the rest of a body that is too long, up to this length in bytes. The client can then
/// finish sending and read the error.
const MAX_DRAINED_BYTES: usize = 4 * 1024 * 1024;
/// The maximum length of text of a client that a phone or the log shows, such as `origin`, `userAgent` and a value of
/// `customData`, in characters.
pub(crate) const MAX_SHOWN_CHARACTERS: usize = 300;

/// The maximum time for the arrival of a body.
pub(crate) struct BodyTimeout(pub Duration);

impl FromRef<Arc<AppState>> for BodyTimeout {
    fn from_ref(state: &Arc<AppState>) -> Self {
        Self(state.config.settings.limits.body_timeout)
    }
}

/// The body of a request: a JSON object.
pub(crate) struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T>
where
    BodyTimeout: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let BodyTimeout(limit) = BodyTimeout::from_ref(state);
        let body = timeout(limit, read(request.into_body())).await.map_err(|_| ApiError::SlowBody)??;
        let value: Value = serde_json::from_slice(&body).map_err(|error| ApiError::MalformedJson(error.to_string()))?;
        // serde also deserializes a struct from an array, one element for each field.
        if !value.is_object() {
            return Err(ApiError::InvalidParameter {
                name: "body".into(),
                problem: "must be a JSON object".to_owned(),
            });
        }
        serde_path_to_error::deserialize(value).map(Self).map_err(|error| field_refusal(&error))
    }
}

/// The query of a request.
pub(crate) struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri).map(|Query(query)| Self(query)).map_err(|rejection| {
            // The source names the field, without axum's words around it.
            let problem = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
            ApiError::InvalidParameter { name: "query".into(), problem }
        })
    }
}

/// The user whose token an approver sends in `authorization`.
pub(crate) struct Approver(pub VerifiedUser);

impl FromRequestParts<Arc<AppState>> for Approver {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let authorization =
            text(&parts.headers, header::AUTHORIZATION).ok_or(ApiError::NotSignedIn(TokenProblem::Missing))?;
        // Some existing clients send the bare token, without a scheme.
        let token = credentials(authorization, "bearer").unwrap_or(authorization);
        Ok(Self(state.identity.verify(token).await?))
    }
}

/// The app that a request names, and the origin of the page that sent it.
pub(crate) struct Caller {
    app: Option<Arc<App>>,
    origin: RequestOrigin,
}

impl Caller {
    /// A request without an app id, of a program that is no browser.
    #[cfg(test)]
    pub(crate) fn of_server() -> Self {
        Self { app: None, origin: RequestOrigin::Same(None) }
    }

    /// The app that the request names. If it names none, the only app of the server.
    ///
    /// # Errors
    ///
    /// [`ApiError::UnknownApp`] when the request names no app and the server does not have exactly one.
    /// [`ApiError::OriginNotAllowed`] when the app does not list the origin.
    pub(crate) fn app(&self) -> Result<Arc<App>, ApiError> {
        let app = self.app.clone().ok_or(ApiError::UnknownApp)?;
        self.origin.may_call(&app)?;
        Ok(app)
    }

    /// Whether the page that sent the request has the origin `origin`. `true` for a request without the header `origin`, which
    /// is of no page, or of one that [`app`](Self::app) accepts as the server's own.
    pub(crate) fn is_of_origin(&self, origin: &Origin) -> bool {
        self.origin.page().is_none_or(|page| page == origin)
    }

    /// Checks that the request may use a code of `app`.
    ///
    /// # Errors
    ///
    /// [`ApiError::UnknownCode`] when the request names another app. [`ApiError::OriginNotAllowed`] when `app` does not
    /// list the origin.
    pub(crate) fn is_for(&self, app: &App) -> Result<(), ApiError> {
        if self.app.as_ref().is_some_and(|named| named.id != app.id) {
            return Err(ApiError::UnknownCode);
        }
        self.origin.may_call(app)
    }
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let apps = state.apps();
        let app = match app_id(&parts.headers) {
            Some(id) => Some(apps.find(id).ok_or(ApiError::UnknownApp)?),
            None => apps.only(),
        };
        // If there is a header `origin`, the middleware has read it for the CORS headers.
        let known = parts.extensions.remove::<RequestOrigin>();
        let origin = known.unwrap_or_else(|| RequestOrigin::read(&parts.headers, &state.config));
        Ok(Self { app: app.cloned(), origin })
    }
}

/// The app id that a request names. `None` when the header is absent, empty or not ASCII.
pub(crate) fn app_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, APP_ID)
}

/// Where a request comes from, by two headers that a page can't set: `Origin` and `Sec-Fetch-Site`.
#[derive(Debug, Clone)]
pub(crate) enum RequestOrigin {
    /// A page of the server itself, or no page. The origin is that of the header, if there is one.
    Same(Option<Origin>),
    /// A page of another origin.
    Cross(Origin),
    /// A page of unknown origin: `origin: null`, as in a sandboxed frame, or a request without `origin` from another
    /// origin.
    Opaque,
}

impl RequestOrigin {
    /// Classifies a request by its headers.
    pub(crate) fn read(headers: &HeaderMap, config: &Config) -> Self {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        match headers.get(header::ORIGIN) {
            Some(origin) => match origin.to_str().ok().and_then(|origin| origin.parse().ok()) {
                Some(origin) if is_own(&origin, headers, config) => Self::Same(Some(origin)),
                Some(origin) => Self::Cross(origin),
                None => Self::Opaque,
            },
            // `none`: the person entered the address or opened a bookmark.
            None if matches!(site, None | Some(b"same-origin" | b"none")) => Self::Same(None),
            // An image, a form or a frame in a page of another origin.
            None => Self::Opaque,
        }
    }

    /// The origin of the page. `None` without a page, and if it is unknown.
    fn page(&self) -> Option<&Origin> {
        match self {
            Self::Same(page) => page.as_ref(),
            Self::Cross(page) => Some(page),
            Self::Opaque => None,
        }
    }

    fn may_call(&self, app: &App) -> Result<(), ApiError> {
        match self {
            Self::Same(_) => Ok(()),
            Self::Cross(origin) if app.allows(origin) => Ok(()),
            Self::Cross(_) | Self::Opaque => Err(ApiError::OriginNotAllowed),
        }
    }
}

/// Whether `origin` is that of the server: its public address. Without a configured one, `http://` and the `host`
/// header.
fn is_own(origin: &Origin, headers: &HeaderMap, config: &Config) -> bool {
    match &config.public_url {
        Some(own) => origin == own,
        None => text(headers, header::HOST).is_some_and(|host| origin.is_http_of(host)),
    }
}

/// The result of HTTP Basic authentication, by which the backend of an app proves itself.
pub(crate) enum BackendAuth {
    /// The credentials are the id and a secret of this app.
    Authenticated(Arc<App>),
    /// The credentials are those of no app.
    Invalid,
    /// The request has no Basic credentials, as in a call of a browser.
    Missing,
}

impl FromRequestParts<Arc<AppState>> for BackendAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let Some(basic) = text(&parts.headers, header::AUTHORIZATION).and_then(|text| credentials(text, "basic"))
        else {
            return Ok(Self::Missing);
        };
        let pair = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let (id, secret) = pair.split_once(':').unwrap_or_default();
        let app = state.apps().find(id).filter(|app| app.has_secret(secret)).cloned();
        Ok(app.map_or(Self::Invalid, Self::Authenticated))
    }
}

/// The poll token of a request. `None` when the header is absent, empty or not ASCII.
pub(crate) struct PollToken(pub Option<Secret>);

impl<S: Send + Sync> FromRequestParts<S> for PollToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(text(&parts.headers, POLL_TOKEN).map(Secret::new)))
    }
}

impl FromRequestParts<Arc<AppState>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers, &state.config.trusted_proxies))
    }
}

impl FromRequestParts<Arc<AppState>> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Infallible> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, state).await?;
        Ok(Self {
            origin: parts.headers.get(header::ORIGIN).and_then(shown),
            ip: address.map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
            user_agent: parts.headers.get(header::USER_AGENT).and_then(shown),
        })
    }
}

/// The headers of a call that ends a sign-in: `complete`, and `userinfo` of a page or a backend. A caller that is invalid is
/// an error in its field, because the audit log records such attempts too.
pub(crate) struct PageCall {
    pub(crate) caller: Result<Caller, ApiError>,
    /// `None` if the request has no poll token, as that of a backend.
    pub(crate) poll_token: Option<Secret>,
    /// The address for the rate limit.
    pub(crate) client: ClientAddress,
    /// The sender, for the audit log.
    pub(crate) browser: Browser,
}

impl FromRequestParts<Arc<AppState>> for PageCall {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Infallible> {
        let caller = Caller::from_request_parts(parts, state).await;
        let poll_token = text(&parts.headers, POLL_TOKEN).map(Secret::new);
        let client = ClientAddress::from_request_parts(parts, state).await?;
        let browser = Browser::from_request_parts(parts, state).await?;
        Ok(Self { caller, poll_token, client, browser })
    }
}

/// Returns a required parameter, or [`ApiError::MissingParameter`] when it is absent or empty.
pub(crate) fn required(name: &'static str, value: Option<String>) -> Result<String, ApiError> {
    value.filter(|value| !value.is_empty()).ok_or(ApiError::MissingParameter(name.into()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = text(headers, header::CONTENT_TYPE) else { return false };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::BrokenBody)?.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        } else if length <= MAX_DRAINED_BYTES {
            // The rest is discarded. Its memory must not wait for it.
            bytes = Vec::new();
        } else {
            break;
        }
    }
    if length > MAX_BODY_BYTES { Err(ApiError::TooLarge { limit: MAX_BODY_BYTES }) } else { Ok(bytes) }
}

fn field_refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let problem = error.inner().to_string();
    match problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        Some(name) => ApiError::MissingParameter(name.to_owned().into()),
        None => ApiError::InvalidParameter { name: error.path().to_string().into(), problem },
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// The credentials of an `authorization` header. `None` when its scheme is not `scheme`, in any case.
fn credentials<'a>(authorization: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, credentials) = authorization.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
}

/// The value of a header for display to a person: shortened, and without control and invisible formatting characters.
/// `None` when nothing is left.
pub(crate) fn shown(header: &HeaderValue) -> Option<String> {
    let shown = display_text(&String::from_utf8_lossy(header.as_bytes()), MAX_SHOWN_CHARACTERS);
    Some(shown).filter(|shown| !shown.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_header_has_300_characters_at_most_and_no_control_or_format_characters() {
        let tricky = format!("Moz\u{202e}illa\u{1}{}", "x".repeat(1_000));
        // A header value can't contain 0x01, but it can contain a tab.
        let value = HeaderValue::from_bytes(tricky.replace('\u{1}', "\t").as_bytes()).unwrap();
        let shown = shown(&value).unwrap();
        assert!(shown.starts_with("Mozilla xxx"), "{shown}");
        assert_eq!(shown.chars().count(), MAX_SHOWN_CHARACTERS);
    }

    #[test]
    fn is_json_accepts_json_media_types_only() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_json(&headers), expected, "{content_type:?}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn scheme_of_credentials_is_case_insensitive() {
        assert_eq!(credentials("Bearer abc", "bearer"), Some("abc"));
        assert_eq!(credentials("bearer  abc", "bearer"), Some("abc"));
        assert_eq!(credentials("Basic abc", "bearer"), None);
        assert_eq!(credentials("abc", "bearer"), None);
    }
}
