//! The demo: two users, a sign-in for their phones, the address of the links in codes, and the backend of a site.
//!
//! The site exchanges tickets as any site does, by `POST userinfo` with the app's secret. The rest is no model for
//! production: the password of a user is the username.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use scanlogin_protocol::wire::{API_PATH, Envelope, UserInfoRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::auth::TOKEN_LIFETIME;
use crate::auth::error::TokenProblem;
use crate::config::Demo;
use crate::http::api::{Success, method_not_allowed};
use crate::http::demo_step_up;
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, BodyTimeout, RequestOrigin, required};
use crate::http::state::AppState;
use crate::secrets::Secret;
use crate::store::user::User;

const COOKIE: &str = "scanlogin_demo_session";
/// How long a session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The maximum number of sessions. A new session above it removes the oldest one.
const MAX_SESSIONS: usize = 1_000;

/// The calls of the demo. Its site exchanges tickets through `api`, without a connection.
pub(crate) fn routes(state: &Arc<AppState>, demo: &Demo, api: Router) -> Router {
    let site = Arc::new(Site { state: Arc::clone(state), demo: demo.clone(), api, sessions: Mutex::default() });
    Router::new()
        .route("/demo/login", post(login))
        .route("/demo/session", post(sign_in))
        .route("/demo/me", get(me))
        .route("/demo/logout", post(sign_out))
        .route(Demo::LINK_PATH, get(open_phone))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(site)
        .merge(demo_step_up::routes(state))
}

impl FromRef<Arc<Site>> for BodyTimeout {
    fn from_ref(site: &Arc<Site>) -> Self {
        Self::from_ref(&site.state)
    }
}

struct Site {
    state: Arc<AppState>,
    demo: Demo,
    api: Router,
    /// Oldest first. The process keeps them in memory.
    sessions: Mutex<VecDeque<Session>>,
}

struct Session {
    /// The value of the cookie.
    id: Secret,
    /// The `data` of `GET /demo/me`.
    data: Value,
    /// When the session ends by itself.
    ends_at: Instant,
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// The sign-in of a page of the site.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    ticket: String,
    /// The app of the page. `None`: that of the examples.
    app_id: Option<String>,
}

/// Signs a user in on the phone and returns the user's token.
async fn login(State(site): State<Arc<Site>>, ApiJson(login): ApiJson<Login>) -> Result<Success<Value>, ApiError> {
    let username = required("username", Some(login.username))?;
    let password = required("password", Some(login.password))?;
    let user = user(&username, &site.demo.user_pool_id, &site.state.config.base_url())
        .filter(|user| user.id == password)
        .ok_or(ApiError::WrongPassword)?;
    let token = site.state.identity.sign_authenticated(&user, TOKEN_LIFETIME, &["pwd"])?;
    Ok(Success { message: "signed in", data: json!({ "token": token.expose(), "user": user.profile() }) })
}

/// The address of the links in codes. The browser keeps the fragment, which has the id of the code, and opens the phone page
/// with it. The server does not get the id, so nothing can change before the person acts on the page.
async fn open_phone() -> Redirect {
    Redirect::temporary("/phone.html")
}

/// Exchanges the ticket of the site's page and starts a session.
async fn sign_in(
    State(site): State<Arc<Site>>,
    ApiJson(SignIn { ticket, app_id }): ApiJson<SignIn>,
) -> Result<impl IntoResponse, Response> {
    let app_id = app_id.as_deref().unwrap_or(&site.demo.app_id);
    if !site.demo.has_app(app_id) {
        let problem = "must be an app of the demo site".to_owned();
        return Err(ApiError::InvalidParameter { name: "appId".into(), problem }.into_response());
    }
    let mut user = exchange(&site, app_id, &UserInfoRequest { ticket }).await?;
    // The token is for the site's backend, not for the page.
    user.shift_remove("token");
    user.shift_remove("tokenExpiredAt");
    let data = json!({ "user": user });

    let id = Secret::random().map_err(|error| ApiError::from(error).into_response())?;
    let cookie = site.cookie(id.expose(), SESSION_LIFETIME);
    site.with_sessions(|sessions| {
        sessions.push_back(Session { id, data: data.clone(), ends_at: Instant::now() + SESSION_LIFETIME });
        if sessions.len() > MAX_SESSIONS {
            sessions.pop_front();
        }
    });
    Ok(([(header::SET_COOKIE, cookie)], Success { message: "signed in", data }))
}

async fn me(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Success<Value>, ApiError> {
    let id = session_id(&headers).ok_or(ApiError::NotSignedIn(TokenProblem::Missing))?;
    let data = site.with_sessions(|sessions| {
        sessions.iter().find(|session| session.id.is(id)).map(|session| session.data.clone())
    });
    Ok(Success { message: "signed in", data: data.ok_or(ApiError::NotSignedIn(TokenProblem::Missing))? })
}

async fn sign_out(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<impl IntoResponse, ApiError> {
    // A form of another site can send this request. It needs no cookie to delete the one of the browser.
    if !matches!(RequestOrigin::read(&headers, &site.state.config), RequestOrigin::Same(_)) {
        return Err(ApiError::OriginNotAllowed);
    }
    if let Some(id) = session_id(&headers) {
        site.with_sessions(|sessions| sessions.retain(|session| !session.id.is(id)));
    }
    let cookie = site.cookie("", Duration::ZERO);
    Ok(([(header::SET_COOKIE, cookie)], Success { message: "signed out", data: json!({}) }))
}

/// Exchanges a ticket as the backend of the app `app_id`. A refusal of `userinfo` is returned unchanged for the page.
async fn exchange(site: &Site, app_id: &str, request: &UserInfoRequest) -> Result<Map<String, Value>, Response> {
    let internal = |error: &dyn core::fmt::Display| {
        tracing::error!(%error, "ticket exchange of the demo failed");
        ApiError::Internal.into_response()
    };
    let basic = STANDARD.encode(format!("{app_id}:{}", site.demo.app_secret.expose()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{API_PATH}/userinfo"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .body(Body::from(json!(request).to_string()))
        .map_err(|error| internal(&error))?;
    let Ok(response) = site.api.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| internal(&error))?.to_bytes();
    match serde_json::from_slice::<Envelope<Map<String, Value>>>(&body) {
        Ok(Envelope { data: Some(user), .. }) => Ok(user),
        Ok(Envelope { data: None, .. }) => Err(Response::from_parts(parts, Body::from(body))),
        Err(error) => Err(internal(&error)),
    }
}

impl Site {
    fn cookie(&self, id: &str, lifetime: Duration) -> HeaderValue {
        let max_age = lifetime.as_secs();
        let is_https = self.state.config.public_url.as_ref().is_some_and(|url| url.is_https());
        let secure = if is_https { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={id}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""))
    }

    /// Removes the sessions that have ended, and calls `work` with the others.
    fn with_sessions<T>(&self, work: impl FnOnce(&mut VecDeque<Session>) -> T) -> T {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| Instant::now() < session.ends_at);
        work(&mut sessions)
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn user(username: &str, user_pool_id: &str, base_url: &str) -> Option<User> {
    let nickname = match username {
        "alice" => "Alice",
        "bob" => "Bob",
        _ => return None,
    };
    Some(User {
        id: username.to_owned(),
        user_pool_id: user_pool_id.to_owned(),
        email: Some(format!("{username}@example.com")),
        email_verified: true,
        username: Some(username.to_owned()),
        nickname: Some(nickname.to_owned()),
        photo: Some(format!("{base_url}/photos/{username}.svg")),
        ..User::default()
    })
}
