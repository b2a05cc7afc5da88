//! `step_up` of an app: `confirm` needs a token from a recent and strong enough sign-in.

use jiff::Timestamp;
use scanlogin_server::config::LogFormat;
use scanlogin_server::config::app::{App, Confirmation};
use serde_json::{Value, json};

use crate::support::captured_log::CapturedLog;
use crate::support::oidc_provider::{Key, Provider, claims, from_now, issuers};
use crate::support::test_server::{API, Code, Server, TestRequest, TestResponse, advance_clock};

/// A server whose app has `step_up`, and an issuer that signs tokens for it.
struct Fixture {
    server: Server,
    key: Key,
    _provider: Provider,
}

impl Fixture {
    async fn new(step_up: Value) -> Self {
        Self::with(step_up, json!({}), |_| {}).await
    }

    /// With settings of the issuer, and with an app changed by `set`.
    async fn with(step_up: Value, issuer: Value, set: impl FnOnce(&mut App)) -> Self {
        let key = Key::es256("a");
        let provider = Provider::start(&[&key]).await;
        let server = Server::with_config(|config| {
            config.settings.issuers = issuers(&provider.url, issuer);
            let app = &mut config.settings.apps[0];
            app.step_up = Some(serde_json::from_value(step_up).unwrap());
            set(app);
        });
        Self { server, key, _provider: provider }
    }

    /// A token of alice with more claims.
    fn token(&self, more: &Value) -> String {
        let mut claims = claims(&self.server);
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.key.sign(&claims)
    }

    /// A token of alice, who signed in by `amr` some seconds ago.
    fn signed_in(&self, seconds_ago: i64, amr: &[&str]) -> String {
        self.token(&json!({ "auth_time": from_now(&self.server, -seconds_ago), "amr": amr }))
    }

    fn act(&self, action: &str, code: &Code, token: &str) -> TestRequest {
        self.server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random })).bearer(token)
    }

    async fn scanned_code(&self) -> Code {
        let code = self.server.gene().await;
        self.act("scanned", &code, &self.token(&json!({}))).await.success();
        code
    }
}

#[track_caller]
fn assert_step_up_required(response: &TestResponse, step_up: &Value) {
    response.assert_error(2206, "step-up-required");
    assert_eq!(&response.json()["stepUp"], step_up);
}

#[tokio::test(start_paused = true)]
async fn confirm_needs_a_recent_sign_in_by_an_accepted_method() {
    let step_up = json!({ "maxAge": 60, "amr": ["mfa"] });
    let fixture = Fixture::new(json!({ "max_age": 60, "amr": ["mfa"] })).await;
    let code = fixture.server.gene().await;
    let scan = fixture.act("scanned", &code, &fixture.token(&json!({}))).await.success();
    assert_eq!(scan["stepUp"], step_up, "the phone can ask before");

    let now = from_now(&fixture.server, 0);
    for (what, token) in [
        ("no claims about the sign-in", fixture.token(&json!({}))),
        ("a sign-in that is too old", fixture.signed_in(121, &["mfa"])),
        ("another method", fixture.signed_in(1, &["pwd"])),
        ("a renewed token", fixture.token(&json!({ "iat": now, "amr": ["mfa"] }))),
        ("a sign-in in the future", fixture.signed_in(-61, &["mfa"])),
        ("a malformed time", fixture.token(&json!({ "auth_time": now.to_string(), "amr": ["mfa"] }))),
    ] {
        let response = fixture.act("confirm", &code, &token).await;
        assert_step_up_required(&response, &step_up);
        let check = fixture.server.check(&code).await.success();
        assert_eq!((&check["status"], &check["ticket"]), (&json!(1), &json!(null)), "{what} changes nothing");
    }
    let token = fixture.signed_in(1, &["pop", "mfa"]);
    fixture.act("confirm", &code, &token).await.success();
    let ticket = fixture.server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(fixture.server.exchange(&ticket).await.success()["id"], "alice");
}

#[tokio::test(start_paused = true)]
async fn sign_in_becomes_too_old_while_the_person_decides() {
    let fixture = Fixture::new(json!({ "max_age": 30 })).await;
    let code = fixture.scanned_code().await;
    let token = fixture.signed_in(0, &[]);
    advance_clock(91).await;
    let response = fixture.act("confirm", &code, &token).await;
    assert_step_up_required(&response, &json!({ "maxAge": 30 }));
    fixture.act("confirm", &code, &fixture.signed_in(90, &[])).await.success();
}

#[tokio::test(start_paused = true)]
async fn scan_and_cancel_need_no_step_up() {
    let fixture = Fixture::new(json!({ "max_age": 30, "amr": ["mfa"] })).await;
    let code = fixture.scanned_code().await;
    fixture.act("cancel", &code, &fixture.token(&json!({}))).await.success();
    assert_eq!(fixture.server.status(&code).await, 3);
}

#[tokio::test(start_paused = true)]
async fn repeated_confirm_needs_no_second_step_up() {
    let fixture = Fixture::new(json!({ "max_age": 30 })).await;
    let code = fixture.scanned_code().await;
    let token = fixture.signed_in(0, &[]);
    fixture.act("confirm", &code, &token).await.success();
    advance_clock(200).await;
    fixture.act("confirm", &code, &token).await.success();
}

#[tokio::test(start_paused = true)]
async fn state_of_the_code_is_checked_before_the_sign_in_and_a_block_after_it() {
    let fixture = Fixture::new(json!({ "amr": ["mfa"] })).await;
    let code = fixture.server.gene().await;
    let weak = fixture.token(&json!({}));
    fixture.act("confirm", &code, &weak).await.assert_error(500, "not-scanned");
    fixture.act("scanned", &code, &weak).await.success();
    let bob = fixture.token(&json!({ "sub": "bob" }));
    fixture.act("confirm", &code, &bob).await.assert_error(500, "wrong-user");
    fixture.act("confirm", &code, &fixture.token(&json!({ "exp": 1 }))).await.assert_error(2206, "login-expired");

    let store = fixture.server.state.store.unmeasured();
    store.set_blocked("demo-pool", "alice", true, Timestamp::now()).await.unwrap();
    let response = fixture.act("confirm", &code, &weak).await;
    assert_step_up_required(&response, &json!({ "amr": ["mfa"] }));
    fixture.act("confirm", &code, &fixture.signed_in(0, &["mfa"])).await.assert_error(1001, "blocked");
}

#[tokio::test(start_paused = true)]
async fn refused_confirm_does_not_use_up_the_one_try_of_the_number() {
    let ask_for_number = |app: &mut App| app.confirmation = Confirmation::Number;
    let fixture = Fixture::with(json!({ "amr": ["mfa"] }), json!({}), ask_for_number).await;
    let code = fixture.scanned_code().await;
    let shown = fixture.server.check(&code).await.success()["number"].as_str().unwrap().to_owned();
    let wrong = if shown == "10" { "11" } else { "10" };
    let confirm = |number: &str, token: &str| {
        let body = json!({ "random": code.random, "number": number });
        fixture.server.post(&format!("{API}/confirm")).json(&body).bearer(token)
    };
    let response = confirm(wrong, &fixture.token(&json!({}))).await;
    assert_step_up_required(&response, &json!({ "amr": ["mfa"] }));
    assert_eq!(fixture.server.status(&code).await, 1);
    confirm(&shown, &fixture.signed_in(0, &["mfa"])).await.success();
    assert_eq!(fixture.server.status(&code).await, 2);
}

#[tokio::test(start_paused = true)]
async fn claims_of_the_sign_in_can_have_other_names() {
    let names = json!({ "claims": { "acr": "acrs", "auth_time": "extra.signed_in_at", "amr": "methods" } });
    let step_up = json!({ "max_age": 60, "amr": ["fpt", "face"], "acr_values": ["c1", "c2"] });
    let fixture = Fixture::with(step_up, names, |_| {}).await;
    let code = fixture.scanned_code().await;
    let now = from_now(&fixture.server, 0);
    let standard = fixture.token(&json!({ "auth_time": now, "amr": ["face"], "acr": "c2" }));
    let response = fixture.act("confirm", &code, &standard).await;
    assert_step_up_required(&response, &json!({ "maxAge": 60, "amr": ["fpt", "face"], "acrValues": ["c1", "c2"] }));
    let own = fixture.token(&json!({ "extra": { "signed_in_at": now }, "methods": "face", "acrs": ["c2", "c3"] }));
    fixture.act("confirm", &code, &own).await.success();
}

#[tokio::test(start_paused = true)]
async fn app_without_step_up_ignores_the_sign_in() {
    let server = Server::new();
    let code = server.gene().await;
    assert_eq!(server.act("scanned", &code, "alice").await.success().get("stepUp"), None);
    server.act("confirm", &code, "alice").await.success();
}

#[tokio::test(start_paused = true)]
async fn refused_confirm_is_audited_and_explained_in_the_log() {
    let log = CapturedLog::new(LogFormat::Json);
    let fixture = Fixture::new(json!({ "max_age": 60, "amr": ["mfa"] })).await;
    let code = fixture.scanned_code().await;
    let token = fixture.signed_in(1, &["pwd"]);
    let response = fixture.act("confirm", &code, &token).await;
    assert_step_up_required(&response, &json!({ "maxAge": 60, "amr": ["mfa"] }));
    assert_eq!(log.audit_events().last().unwrap()["outcome"], "step-up-required");
    let line = log.lines().into_iter().find(|line| line.get("explanation").is_some()).expect("an explanation");
    assert_eq!(line["explanation"], r#"amr is ["pwd"]; one of ["mfa"] is required"#);
    assert!(!log.text().contains(&token));
    assert!(!response.message().contains("pwd"), "the response has nothing of the token");
}
