//! The passkeys of the demo's users: registration, verification, and the token for a confirm.

use core::num::NonZeroU32;
use core::time::Duration;

use scanlogin_server::config::limits::Rate;
use scanlogin_server::store::user::User;
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::test_server::{
    API, Code, Server, TestRequest, TestResponse, advance_clock, disable_approver_limits,
};

const ORIGIN: &str = "http://localhost:8080";

/// A demo whose app has `step_up`.
fn server() -> Server {
    Server::with_config(|config| {
        let step_up = json!({ "max_age": 60, "amr": ["mfa"] });
        config.settings.apps[0].step_up = Some(serde_json::from_value(step_up).unwrap());
    })
}

fn authenticator() -> Authenticator {
    Authenticator::new(ORIGIN, "localhost")
}

async fn sign_in(server: &Server, user: &str) -> String {
    let login = server.post("/demo/login").json(&json!({ "username": user, "password": user })).await.success();
    login["token"].as_str().unwrap().to_owned()
}

/// A request of the phone page.
fn post(server: &Server, path: &str, token: &str, body: &Value) -> TestRequest {
    let request = server.post(path).json(body).bearer(token);
    request.header("host", "localhost:8080").header("origin", ORIGIN)
}

async fn creation_options(server: &Server, token: &str) -> Value {
    post(server, "/demo/passkeys/options", token, &json!({})).await.success()
}

async fn request_options(server: &Server, token: &str) -> Value {
    post(server, "/demo/step-up/options", token, &json!({})).await.success()
}

async fn send_creation(server: &Server, token: &str, credential: &Value) -> TestResponse {
    post(server, "/demo/passkeys", token, &json!({ "credential": credential })).await
}

async fn send_assertion(server: &Server, token: &str, credential: &Value) -> TestResponse {
    post(server, "/demo/step-up", token, &json!({ "credential": credential })).await
}

/// Registers the passkey of `authenticator`.
async fn register(server: &Server, token: &str, authenticator: &Authenticator) {
    let options = creation_options(server, token).await;
    send_creation(server, token, &authenticator.create(&options)).await.success();
}

fn act(server: &Server, action: &str, code: &Code, token: &str) -> TestRequest {
    server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random })).bearer(token)
}

#[track_caller]
fn assert_rejected(response: &TestResponse) {
    response.assert_error(2020, "passkey-rejected");
}

#[tokio::test(start_paused = true)]
async fn passkey_with_user_verification_gives_the_token_for_a_confirm() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let mut authenticator = authenticator();

    let options = creation_options(&server, &token).await["publicKey"].clone();
    assert_eq!((&options["rp"]["id"], &options["user"]["name"]), (&json!("localhost"), &json!("alice")));
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["authenticatorAttachment"], "platform");
    assert_eq!((&selection["userVerification"], &options["attestation"]), (&json!("required"), &json!("none")));
    let created = authenticator.create(&json!({ "publicKey": options }));
    send_creation(&server, &token, &created).await.success();

    let code = server.gene().await;
    act(&server, "scanned", &code, &token).await.success();
    act(&server, "confirm", &code, &token).await.assert_error(2206, "step-up-required");

    let options = request_options(&server, &token).await;
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert_eq!(options["publicKey"]["rpId"], "localhost");
    assert_eq!(options["publicKey"]["allowCredentials"][0]["id"], created["id"]);
    let answer = authenticator.get(&options);
    let step_up = send_assertion(&server, &token, &answer).await.success()["token"].as_str().unwrap().to_owned();
    act(&server, "confirm", &code, &step_up).await.success();
    let ticket = server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(server.exchange(&ticket).await.success()["id"], "alice");

    advance_clock(361).await;
    act(&server, "confirm", &code, &step_up).await.assert_error(2206, "login-expired");
}

#[tokio::test(start_paused = true)]
async fn registration_opens_the_lock_too_and_gives_a_token() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let options = creation_options(&server, &token).await;
    let registered = send_creation(&server, &token, &authenticator().create(&options)).await.success();
    let code = server.gene().await;
    act(&server, "scanned", &code, &token).await.success();
    act(&server, "confirm", &code, registered["token"].as_str().unwrap()).await.success();
}

#[tokio::test(start_paused = true)]
async fn answer_without_user_verification_is_rejected() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let unverified = authenticator().without_user_verification();
    let options = creation_options(&server, &token).await;
    assert_rejected(&send_creation(&server, &token, &unverified.create(&options)).await);

    let verified = authenticator();
    register(&server, &token, &verified).await;
    let mut unverified = verified.without_user_verification();
    let options = request_options(&server, &token).await;
    assert_rejected(&send_assertion(&server, &token, &unverified.get(&options)).await);
}

#[tokio::test(start_paused = true)]
async fn challenge_has_one_answer_and_ends_after_two_minutes() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let mut authenticator = authenticator();
    let options = creation_options(&server, &token).await;
    let created = authenticator.create(&options);
    send_creation(&server, &token, &created).await.success();
    assert_rejected(&send_creation(&server, &token, &created).await);
    let other = Authenticator::new(ORIGIN, "localhost").create(&options);
    assert_rejected(&send_creation(&server, &token, &other).await);

    let options = request_options(&server, &token).await;
    let answer = authenticator.get(&options);
    send_assertion(&server, &token, &answer).await.success();
    assert_rejected(&send_assertion(&server, &token, &answer).await);
    assert_rejected(&send_assertion(&server, &token, &authenticator.get(&options)).await);

    // A wrong answer uses the challenge up, too.
    let options = request_options(&server, &token).await;
    let wrong = authenticator.clone().without_user_verification().get(&options);
    assert_rejected(&send_assertion(&server, &token, &wrong).await);
    assert_rejected(&send_assertion(&server, &token, &authenticator.get(&options)).await);

    let options = request_options(&server, &token).await;
    advance_clock(119).await;
    send_assertion(&server, &token, &authenticator.get(&options)).await.success();
    let options = request_options(&server, &token).await;
    advance_clock(120).await;
    assert_rejected(&send_assertion(&server, &token, &authenticator.get(&options)).await);

    // A new challenge replaces the last one.
    let (first, second) = (request_options(&server, &token).await, request_options(&server, &token).await);
    assert_rejected(&send_assertion(&server, &token, &authenticator.get(&first)).await);
    send_assertion(&server, &token, &authenticator.get(&second)).await.success();
}

/// Bob opens as many challenges as the list has room for.
#[tokio::test(start_paused = true)]
async fn one_user_can_not_evict_the_challenges_of_another() {
    let server = Server::with_config(disable_approver_limits);
    let (alice, bob) = (sign_in(&server, "alice").await, sign_in(&server, "bob").await);
    let (mut of_alice, of_bob) = (authenticator(), authenticator());
    register(&server, &alice, &of_alice).await;
    register(&server, &bob, &of_bob).await;
    let (creation, request) = (creation_options(&server, &alice).await, request_options(&server, &alice).await);
    for _ in 0..1_000 {
        creation_options(&server, &bob).await;
        request_options(&server, &bob).await;
    }
    send_assertion(&server, &alice, &of_alice.get(&request)).await.success();
    send_creation(&server, &alice, &authenticator().create(&creation)).await.success();
}

/// A passkey that is kept can't be registered again, so this shows which ones are.
#[tokio::test(start_paused = true)]
async fn ninth_passkey_of_a_user_removes_the_first_one_of_this_user() {
    let server = Server::with_config(disable_approver_limits);
    let (alice, bob) = (sign_in(&server, "alice").await, sign_in(&server, "bob").await);
    let of_alice = authenticator();
    register(&server, &alice, &of_alice).await;
    let of_bob: [Authenticator; 9] = core::array::from_fn(|_| authenticator());
    for authenticator in &of_bob {
        register(&server, &bob, authenticator).await;
    }
    let again = async |token: &str, authenticator: &Authenticator| {
        let options = creation_options(&server, token).await;
        send_creation(&server, token, &authenticator.create(&options)).await
    };
    assert_rejected(&again(&alice, &of_alice).await);
    assert_rejected(&again(&bob, &of_bob[8]).await);
    assert_rejected(&again(&bob, &of_bob[1]).await);
    again(&bob, &of_bob[0]).await.success();
}

#[tokio::test(start_paused = true)]
async fn requests_for_passkeys_are_limited_per_user() {
    let server = Server::with_config(|config| {
        let burst = NonZeroU32::new(2).unwrap();
        config.settings.limits.approver_calls_per_user = Rate { burst, per_second: NonZeroU32::MIN };
    });
    let (alice, bob) = (sign_in(&server, "alice").await, sign_in(&server, "bob").await);
    for _ in 0..2 {
        creation_options(&server, &alice).await;
    }
    let empty = json!({});
    for path in ["/demo/passkeys/options", "/demo/passkeys", "/demo/step-up/options", "/demo/step-up"] {
        post(&server, path, &alice, &empty).await.assert_rate_limited();
    }
    creation_options(&server, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn answer_of_another_user_is_rejected() {
    let server = server();
    let (alice, bob) = (sign_in(&server, "alice").await, sign_in(&server, "bob").await);
    let (mut of_alice, mut of_bob) = (authenticator(), authenticator());
    let options = creation_options(&server, &alice).await;
    assert_rejected(&send_creation(&server, &bob, &of_bob.create(&options)).await);

    register(&server, &alice, &of_alice).await;
    let no_passkey = post(&server, "/demo/step-up/options", &bob, &json!({})).await;
    no_passkey.assert_error(1001, "no-passkey");
    register(&server, &bob, &of_bob).await;

    // With the token of the other user, with the passkey of the other user, and with the challenge of the other user.
    let options = request_options(&server, &alice).await;
    assert_rejected(&send_assertion(&server, &bob, &of_alice.get(&options)).await);
    let options = request_options(&server, &alice).await;
    assert_rejected(&send_assertion(&server, &alice, &of_bob.get(&options)).await);
    let options = request_options(&server, &alice).await;
    assert_rejected(&send_assertion(&server, &bob, &of_bob.get(&options)).await);

    let options = creation_options(&server, &bob).await;
    assert_rejected(&send_creation(&server, &bob, &of_alice.create(&options)).await);
}

#[tokio::test(start_paused = true)]
async fn answer_for_another_site_is_rejected() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let own = authenticator();
    register(&server, &token, &own).await;
    for (origin, rp_id) in
        [("http://localhost:8081", "localhost"), ("http://evil.example", "localhost"), (ORIGIN, "evil.example")]
    {
        let mut foreign = own.clone().at(origin, rp_id);
        let options = request_options(&server, &token).await;
        assert_rejected(&send_assertion(&server, &token, &foreign.get(&options)).await);
        let options = creation_options(&server, &token).await;
        assert_rejected(&send_creation(&server, &token, &Authenticator::new(origin, rp_id).create(&options)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn copy_of_a_passkey_is_rejected_by_its_counter() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let mut authenticator = authenticator();
    register(&server, &token, &authenticator).await;
    let mut copy = authenticator.clone();
    let options = request_options(&server, &token).await;
    send_assertion(&server, &token, &authenticator.get(&options)).await.success();
    let options = request_options(&server, &token).await;
    assert_rejected(&send_assertion(&server, &token, &copy.get(&options)).await);
}

#[tokio::test(start_paused = true)]
async fn malformed_answers_are_rejected() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    for credential in [json!(null), json!("x"), json!({}), json!({ "response": { "clientDataJSON": "e30" } })] {
        assert_rejected(&send_creation(&server, &token, &credential).await);
        assert_rejected(&send_assertion(&server, &token, &credential).await);
    }
    for path in ["/demo/passkeys", "/demo/step-up"] {
        post(&server, path, &token, &json!({})).await.assert_error(2231, "missing-parameter");
    }
}

#[tokio::test(start_paused = true)]
async fn registration_needs_a_sign_in_of_the_last_five_minutes() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let options = creation_options(&server, &token).await;
    // A minute of clock difference is tolerated.
    advance_clock(361).await;
    let late = post(&server, "/demo/passkeys/options", &token, &json!({})).await;
    late.assert_error(2206, "step-up-required");
    assert_eq!(late.json()["stepUp"], json!({ "maxAge": 300 }));
    let late = send_creation(&server, &token, &authenticator().create(&options)).await;
    late.assert_error(2206, "step-up-required");
    let again = sign_in(&server, "alice").await;
    register(&server, &again, &authenticator()).await;
}

#[tokio::test(start_paused = true)]
async fn passkeys_need_a_token_the_servers_own_page_and_a_domain_name() {
    let server = server();
    let token = sign_in(&server, "alice").await;
    let paths = ["/demo/passkeys/options", "/demo/step-up/options"];
    for path in paths {
        let request = server.post(path).header("host", "localhost:8080").header("origin", ORIGIN);
        request.await.assert_error(2020, "not-signed-in");
        for (host, origin, code, reason) in [
            ("localhost:8080", "http://evil.example", 1001, "origin-not-allowed"),
            ("localhost:8080", "null", 1001, "origin-not-allowed"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", 1001, "passkeys-unavailable"),
            ("[::1]:8080", "http://[::1]:8080", 1001, "passkeys-unavailable"),
            // Without a public address, a name could lead to this machine only by chance.
            ("evil.example", "http://evil.example", 1001, "passkeys-unavailable"),
        ] {
            let request = server.post(path).bearer(&token).header("host", host).header("origin", origin);
            request.await.assert_error(code, reason);
        }
    }
    for (public_url, rp_id) in [
        ("https://pass.example.com", Some("pass.example.com")),
        ("http://pass.example.com", None),
        ("https://192.0.2.1", None),
    ] {
        let server = Server::with_config(|config| config.public_url = Some(public_url.parse().unwrap()));
        let token = sign_in(&server, "alice").await;
        let response = server.post(paths[0]).bearer(&token).header("origin", public_url).await;
        match rp_id {
            Some(rp_id) => assert_eq!(response.success()["publicKey"]["rp"]["id"], rp_id),
            None => response.assert_error(1001, "passkeys-unavailable"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn oldest_challenge_is_removed_above_1000() {
    let server = server();
    let token = |user: &str| {
        let user = User { id: user.to_owned(), user_pool_id: server.app().user_pool_id.clone(), ..User::default() };
        server.state.identity.sign_authenticated(&user, Duration::from_secs(60), &["pwd"]).unwrap().expose().to_owned()
    };
    let (alice, bob) = (token("alice"), token("bob"));
    let (first, second) = (creation_options(&server, &alice).await, creation_options(&server, &bob).await);
    for user in 2..1_001 {
        creation_options(&server, &token(&format!("user-{user}"))).await;
    }
    assert_rejected(&send_creation(&server, &alice, &authenticator().create(&first)).await);
    send_creation(&server, &bob, &authenticator().create(&second)).await.success();
}
