//! Whose token it is: users of a provider that publishes its keys, and everybody who only says so.

use core::time::Duration;
use std::io::Write as _;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use scanlogin_server::Config;
use scanlogin_server::auth::error::AuthError;
use scanlogin_server::config::issuer::Issuers;
use scanlogin_server::store::user::User;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::common::{API, Server, pass, running};
use crate::support::provider::{Answer, ISSUER, Key, Provider, base64, claims, from_now, issuers, rsa, with};

/// Believes the one whose keys are at `jwks`.
fn server(jwks: &str) -> Server {
    server_with(jwks, json!({}))
}

fn server_with(jwks: &str, settings: Value) -> Server {
    Server::with(|config| config.settings.issuers = issuers(jwks, settings))
}

/// Whom the server takes the bearer of a token signed by `key` for.
async fn visit(server: &Server, key: &Key) -> Result<String, AuthError> {
    verify(server, &key.sign(&claims(server))).await.map(|user| user.id)
}

async fn verify(server: &Server, token: &str) -> Result<User, AuthError> {
    server.state.identity.verify(token).await
}

fn alice() -> Result<String, AuthError> {
    Ok("alice".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_user_of_a_provider_signs_in_to_a_page() {
    let key = Key::rs256("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    let mut claims = claims(&server);
    for (name, value) in [
        ("email", json!("alice@example.com")),
        ("email_verified", json!(true)),
        ("name", json!("Alice Liddell")),
        ("nickname", json!("Al")),
        ("preferred_username", json!("alice1")),
        ("picture", json!("https://id.example.com/alice.png")),
        ("phone_number", json!("+44 1")),
    ] {
        claims[name] = value;
    }
    let bearer = format!("Bearer {}", key.sign(&claims));

    let code = server.gene().await;
    for step in ["scanned", "confirm"] {
        let call = server.post(&format!("{API}/{step}")).json(&json!({ "random": code.random }));
        call.header("authorization", &bearer).await.success();
    }
    let ticket = server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    let user = server.exchange(&ticket).await.success();
    for (name, value) in [
        ("id", json!("alice")),
        ("email", json!("alice@example.com")),
        ("emailVerified", json!(true)),
        ("username", json!("alice1")),
        ("nickname", json!("Al")),
        ("photo", json!("https://id.example.com/alice.png")),
        ("phone", json!("+44 1")),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    assert_eq!(provider.asked(), 1, "the keys are kept");
}

#[tokio::test]
async fn keys_are_requested_without_compression() {
    let key = Key::es256("key-1");
    let provider = Provider::with(&[&key]).await;
    assert_eq!(visit(&server(&provider.url), &key).await, alice());
    assert_eq!(provider.last_header("accept-encoding").as_deref(), Some("identity"));
}

#[tokio::test(start_paused = true)]
async fn users_come_with_tokens_of_each_algorithm() {
    let keys = [Key::rs256("a"), Key::es256("b"), Key::eddsa("c")];
    let provider = Provider::with(&keys.each_ref()).await;
    let server = server(&provider.url);
    for key in &keys {
        assert_eq!(visit(&server, key).await, alice(), "{:?}", key.algorithm);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_has_its_own_names_for_claims_and_pools() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let names = json!({ "sub": "oid", "nickname": "given_name", "email_verified": "xms_edov" });
    let server = server_with(&provider.url, json!({ "claims": names, "user_pool_claim": "org_id" }));
    let mut claims = claims(&server);
    for (name, value) in [
        ("oid", json!("a1")),
        ("given_name", json!("Al")),
        ("nickname", json!("not this")),
        ("xms_edov", json!("true")),
        ("org_id", json!("staff")),
        ("name", json!(5)),
        ("picture", json!("")),
    ] {
        claims[name] = value;
    }
    let expected = User {
        id: "a1".to_owned(),
        user_pool_id: "staff".to_owned(),
        nickname: Some("Al".to_owned()),
        email_verified: true,
        ..User::default()
    };
    assert_eq!(verify(&server, &key.sign(&claims)).await, Ok(expected));
    claims["org_id"] = json!(null);
    assert_eq!(verify(&server, &key.sign(&claims)).await.unwrap().user_pool_id, "", "in no pool that an app has");
}

#[tokio::test(start_paused = true)]
async fn a_user_of_another_pool_is_refused_where_the_app_is_known() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server_with(&provider.url, json!({ "user_pool_claim": "org_id" }));
    let code = server.gene().await;
    for pool in [json!("staff"), json!(""), json!(null), json!(["demo-pool"])] {
        let token = key.sign(&with(&server, "org_id", pool));
        let call = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        call.header("authorization", &token).await.is_refused(2036, "wrong-pool");
    }
    let token = key.sign(&with(&server, "org_id", json!("demo-pool")));
    let call = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
    call.header("authorization", &token).await.success();
}

#[tokio::test(start_paused = true)]
async fn what_a_token_says_must_be_meant_for_us_now() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    let now = |seconds| json!(from_now(&server, seconds));
    for (name, value, expected) in [
        ("iss", json!(null), Err(AuthError::NotSignedIn)),
        ("iss", json!("https://id.example.com/"), Err(AuthError::NotSignedIn)),
        ("iss", json!("https://other.example.com"), Err(AuthError::NotSignedIn)),
        ("iss", json!([ISSUER]), Err(AuthError::NotSignedIn)),
        ("aud", json!(null), Err(AuthError::NotSignedIn)),
        ("aud", json!("other"), Err(AuthError::NotSignedIn)),
        ("aud", json!(""), Err(AuthError::NotSignedIn)),
        ("aud", json!([]), Err(AuthError::NotSignedIn)),
        ("aud", json!(["other", "scan"]), Err(AuthError::NotSignedIn)),
        ("aud", json!({ "scanlogin": "scanlogin" }), Err(AuthError::NotSignedIn)),
        ("aud", json!("phones"), alice()),
        ("aud", json!(["other", "phones"]), alice()),
        ("sub", json!(null), Err(AuthError::NotSignedIn)),
        ("sub", json!(""), Err(AuthError::NotSignedIn)),
        ("exp", json!(null), Err(AuthError::NotSignedIn)),
        ("exp", json!("2100"), Err(AuthError::NotSignedIn)),
        ("exp", now(-60), Err(AuthError::LoginExpired)),
        ("exp", now(-59), alice()),
        ("nbf", now(61), Err(AuthError::NotSignedIn)),
        ("nbf", now(60), alice()),
        ("iat", now(61), Err(AuthError::NotSignedIn)),
        ("iat", now(60), alice()),
        ("iat", json!(null), alice()),
        ("iat", json!(true), Err(AuthError::NotSignedIn)),
    ] {
        let claims = with(&server, name, value);
        assert_eq!(verify(&server, &key.sign(&claims)).await.map(|user| user.id), expected, "{claims}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_published_key_is_no_secret_to_sign_with() {
    let key = Key::rs256("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &key).await, alice());

    let public = rsa().to_public_key();
    let modulus = public.n().to_bytes_be();
    for secret in [
        public.to_public_key_pem(LineEnding::LF).unwrap().into_bytes(),
        public.to_public_key_der().unwrap().as_bytes().to_vec(),
        public.to_pkcs1_der().unwrap().as_bytes().to_vec(),
        base64(&modulus).into_bytes(),
        modulus,
        key.jwk.to_string().into_bytes(),
        Vec::new(),
    ] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims(&server), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(verify(&server, &token).await, Err(AuthError::NotSignedIn));
    }
}

#[tokio::test(start_paused = true)]
async fn a_published_secret_verifies_nothing() {
    let secret = b"a secret that somebody has published by mistake";
    let good = Key::eddsa("good");
    let provider = Provider::with(&[&good]).await;
    let oct = json!({ "kty": "oct", "kid": "a", "alg": "HS256", "k": base64(secret) });
    provider.answer(Answer::Keys(vec![oct, good.jwk.clone()]));
    let server = server(&provider.url);
    assert_eq!(visit(&server, &good).await, alice());
    let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims(&server), &EncodingKey::from_secret(secret)).unwrap();
    assert_eq!(verify(&server, &token).await, Err(AuthError::NotSignedIn));
}

#[tokio::test(start_paused = true)]
async fn the_header_of_a_token_does_not_choose_how_a_key_is_used() {
    let keys = [Key::rs256("a"), Key::es256("b"), Key::eddsa("c")];
    let provider = Provider::with(&keys.each_ref()).await;
    let server = server(&provider.url);
    for key in &keys {
        let token = key.sign(&claims(&server));
        let (_, rest) = token.split_once('.').unwrap();
        for algorithm in ["none", "None", "HS256", "HS512", "RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA"] {
            let header = base64(json!({ "alg": algorithm, "kid": key.id }).to_string());
            let expected = Err(AuthError::NotSignedIn);
            assert_eq!(
                verify(&server, &format!("{header}.{rest}")).await,
                expected,
                "{algorithm} by {:?}",
                key.algorithm
            );
        }
    }
    // These are good signatures, by the key that is named, of an algorithm that it was not published for.
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(algorithm) };
        let token = keys[0].sign_with(header, &claims(&server));
        assert_eq!(verify(&server, &token).await, Err(AuthError::NotSignedIn), "{algorithm:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_can_not_bring_its_own_key() {
    let (key, forged) = (Key::eddsa("a"), Key::eddsa("a"));
    let (provider, forger) = (Provider::with(&[&key]).await, Provider::with(&[&forged]).await);
    let server = server(&provider.url);
    let with_keys = |header| Header {
        jwk: Some(serde_json::from_value(forged.jwk.clone()).unwrap()),
        jku: Some(forger.url.clone()),
        x5u: Some(forger.url.clone()),
        x5c: Some(vec!["MII".to_owned()]),
        ..header
    };
    for id in [Some("a"), Some("b"), None] {
        let header = Header { kid: id.map(str::to_owned), ..with_keys(forged.header()) };
        let token = forged.sign_with(header, &claims(&server));
        assert_eq!(verify(&server, &token).await, Err(AuthError::NotSignedIn), "{id:?}");
    }
    let token = key.sign_with(with_keys(key.header()), &claims(&server));
    assert!(verify(&server, &token).await.is_ok(), "they mean nothing to us");
    assert_eq!(forger.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_changed_is_refused() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    let token = key.sign(&claims(&server));
    assert!(verify(&server, &token).await.is_ok());
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let bob = base64(with(&server, "sub", json!("bob")).to_string());
    for changed in [
        format!("{header}.{bob}.{signature}"),
        format!("{header}.{bob}."),
        format!("{header}.{bob}"),
        format!("{token}."),
        format!("{token}="),
        token.replace('.', ".."),
    ] {
        assert_eq!(verify(&server, &changed).await, Err(AuthError::NotSignedIn), "{changed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_kind_is_refused() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    for typ in ["dpop+jwt", "logout+jwt", "JWE", ""] {
        let header = Header { typ: Some(typ.to_owned()), ..key.header() };
        assert_eq!(
            verify(&server, &key.sign_with(header, &claims(&server))).await,
            Err(AuthError::NotSignedIn),
            "{typ}"
        );
    }
    let header = Header { crit: Some(vec!["exp".to_owned()]), ..key.header() };
    assert_eq!(verify(&server, &key.sign_with(header, &claims(&server))).await, Err(AuthError::NotSignedIn));
    let long = with(&server, "filling", json!("x".repeat(8 * 1024)));
    assert_eq!(verify(&server, &key.sign(&long)).await, Err(AuthError::NotSignedIn));
}

#[tokio::test(start_paused = true)]
async fn a_key_must_be_named_unless_there_is_only_one() {
    let (first, second) = (Key::eddsa("a"), Key::eddsa("b"));
    let provider = Provider::with(&[&first]).await;
    let server = server(&provider.url);
    let unnamed = |key: &Key| key.sign_with(Header { kid: None, ..key.header() }, &claims(&server));
    assert!(verify(&server, &unnamed(&first)).await.is_ok());

    pass(30).await;
    provider.publish(&[&first, &second]);
    assert_eq!(visit(&server, &second).await, alice());
    assert_eq!(verify(&server, &unnamed(&first)).await, Err(AuthError::NotSignedIn));
    assert_eq!(visit(&server, &first).await, alice());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_two_keys_share_names_none() {
    let (first, second, third) = (Key::eddsa("a"), Key::eddsa("a"), Key::es256("a"));
    let provider = Provider::with(&[&first, &second, &third]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &first).await, Err(AuthError::NotSignedIn));
    assert_eq!(visit(&server, &second).await, Err(AuthError::NotSignedIn));
    assert_eq!(visit(&server, &third).await, alice(), "the only one for its algorithm");
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_known_as_soon_as_it_signs() {
    let (old, new) = (Key::eddsa("old"), Key::eddsa("new"));
    let provider = Provider::with(&[&old]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &old).await, alice());
    pass(30).await;
    provider.publish(&[&new]);
    assert_eq!(visit(&server, &new).await, alice());
    assert_eq!(provider.asked(), 2);
    assert_eq!(visit(&server, &old).await, Err(AuthError::NotSignedIn), "it was withdrawn");
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_keys_up_gets_one_fetch_in_half_a_minute_out_of_us() {
    let (key, made_up) = (Key::eddsa("a"), Key::eddsa("made-up"));
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &key).await, alice());
    for (seconds, asked) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3)] {
        pass(seconds).await;
        let mut visits = JoinSet::new();
        for number in 0..50 {
            let header = Header { kid: Some(format!("{number}")), ..made_up.header() };
            let (server, token) = (server.clone(), made_up.sign_with(header, &claims(&server)));
            visits.spawn(async move { verify(&server, &token).await });
        }
        while let Some(visit) = visits.join_next().await {
            assert_eq!(visit.unwrap(), Err(AuthError::NotSignedIn));
        }
        assert_eq!(provider.asked(), asked);
        assert_eq!(visit(&server, &key).await, alice());
    }
}

#[tokio::test(start_paused = true)]
async fn many_who_come_at_once_wait_for_one_fetch() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    let mut visits = JoinSet::new();
    for _ in 0..50 {
        let (server, token) = (server.clone(), key.sign(&claims(&server)));
        visits.spawn(async move { verify(&server, &token).await });
    }
    while let Some(visit) = visits.join_next().await {
        assert!(visit.unwrap().is_ok());
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_hangs_up_does_not_take_the_keys_with_it() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[]).await;
    let sign = provider.publish_later(&[&key]);
    let server = server(&provider.url);
    let token = key.sign(&claims(&server));
    let visit = tokio::spawn({
        let (server, token) = (server.clone(), token.clone());
        async move { verify(&server, &token).await }
    });
    provider.has_been_asked(1).await;
    visit.abort();
    assert!(visit.await.unwrap_err().is_cancelled());
    sign.notify_one();
    assert_eq!(verify(&server, &token).await.map(|user| user.id), alice());
    assert_eq!(provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_the_phone_is_told_to_come_back() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    provider.answer(Answer::Status(axum::http::StatusCode::INTERNAL_SERVER_ERROR));
    let server = server(&provider.url);
    let code = server.gene().await;
    let scanned = || {
        let call = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        call.header("authorization", &key.sign(&claims(&server)))
    };
    let reply = scanned().await;
    assert_eq!(reply.refusal(), (503, 503, "unavailable".to_owned()));
    assert!(reply.header("retry-after").is_some());
    provider.publish(&[&key]);
    assert_eq!(scanned().await.refusal().0, 503, "asked just now");
    assert_eq!(provider.asked(), 1);
    pass(5).await;
    scanned().await.success();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_has_a_bad_day_keeps_nobody_out_whose_key_is_known() {
    let (key, other) = (Key::eddsa("a"), Key::eddsa("b"));
    let elsewhere = Provider::with(&[&key, &other]).await;
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &key).await, alice());
    let too_long = json!({ "keys": [other.jwk], "filling": "x".repeat(256 * 1024) });
    for (asked, answer) in [
        Answer::Status(axum::http::StatusCode::SERVICE_UNAVAILABLE),
        Answer::Status(axum::http::StatusCode::NO_CONTENT),
        Answer::Redirect(elsewhere.url.clone(), vec![other.jwk.clone()]),
        Answer::Text("<html>down for maintenance</html>".to_owned()),
        Answer::Text(too_long.to_string()),
        Answer::Keys(Vec::new()),
    ]
    .into_iter()
    .enumerate()
    {
        pass(30).await;
        provider.answer(answer);
        assert_eq!(visit(&server, &other).await, Err(AuthError::NotSignedIn), "tried, and not found");
        assert_eq!(provider.asked(), asked + 2);
        assert_eq!(visit(&server, &key).await, alice());
    }
    assert_eq!(elsewhere.asked(), 0, "where the configured address leads is not followed");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_not_waited_for_long() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    provider.answer(Answer::Silence);
    let server = server(&provider.url);
    let mut visits = JoinSet::new();
    for _ in 0..3 {
        let (server, token) = (server.clone(), key.sign(&claims(&server)));
        visits.spawn(async move { verify(&server, &token).await });
    }
    provider.has_been_asked(1).await;
    pass(5).await;
    while let Some(visit) = visits.join_next().await {
        assert_eq!(visit.unwrap(), Err(AuthError::Unavailable));
    }
    assert_eq!(provider.asked(), 1, "those who waited with the first do not wait again");
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_every_ten_minutes_so_that_a_withdrawn_one_ends() {
    let (old, new) = (Key::eddsa("old"), Key::eddsa("new"));
    let provider = Provider::with(&[&old]).await;
    let server = server(&provider.url);
    server.state.identity.refresh();
    provider.has_been_asked(1).await;
    assert_eq!(visit(&server, &old).await, alice());
    assert_eq!(provider.asked(), 1, "fetched before anybody came");

    provider.publish(&[&new]);
    pass(599).await;
    server.state.identity.refresh();
    // Tokio's clock goes on by itself only when nobody has anything left to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(provider.asked(), 1, "not before their time");
    assert_eq!(visit(&server, &old).await, alice());
    server.state.identity.refresh();
    provider.has_been_asked(2).await;
    assert_eq!(visit(&server, &new).await, alice());
    assert_eq!(visit(&server, &old).await, Err(AuthError::NotSignedIn));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_may_be_in_a_file() {
    let (old, new) = (Key::eddsa("old"), Key::es256("new"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut write = |key: &Key| {
        file.as_file_mut().set_len(0).unwrap();
        std::io::Seek::rewind(file.as_file_mut()).unwrap();
        file.write_all(json!({ "keys": [key.jwk] }).to_string().as_bytes()).unwrap();
        file.path().to_str().unwrap().to_owned()
    };
    let path = write(&old);
    let server = server(&path);
    assert_eq!(visit(&server, &old).await, alice());
    write(&new);
    pass(30).await;
    assert_eq!(visit(&server, &new).await, alice());
    std::fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(visit(&server, &old).await, Err(AuthError::NotSignedIn));
    assert_eq!(visit(&server, &new).await, alice(), "what was read stays");
}

#[tokio::test(start_paused = true)]
async fn other_settings_do_not_make_known_keys_forgotten() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(visit(&server, &key).await, alice());
    let other_pool = issuers(&provider.url, json!({ "user_pool_id": "staff" }));
    server.state.identity.set_issuers(other_pool);
    let user = verify(&server, &key.sign(&claims(&server))).await.unwrap();
    assert_eq!((user.user_pool_id.as_str(), provider.asked()), ("staff", 1));

    let moved = Provider::with(&[&key]).await;
    server.state.identity.set_issuers(issuers(&moved.url, json!({})));
    assert_eq!(visit(&server, &key).await, alice());
    assert_eq!((provider.asked(), moved.asked()), (1, 1), "keys of another address are other keys");
    server.state.identity.set_issuers(Issuers::default());
    assert_eq!(visit(&server, &key).await, Err(AuthError::NotSignedIn));
}

#[tokio::test(start_paused = true)]
async fn issuers_are_taken_in_when_the_settings_are_read_again() {
    let key = Key::eddsa("a");
    let provider = Provider::with(&[&key]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::with(|config| config.settings_file = Some(file.path().to_owned()));
    assert_eq!(visit(&server, &key).await, Err(AuthError::NotSignedIn));
    let settings = format!(
        "[[app]]\nid = \"shop\"\nname = \"The Shop\"\nuser_pool_id = \"staff\"\n\
         secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n\
         [[issuer]]\nissuer = {ISSUER:?}\naudience = \"scanlogin\"\nuser_pool_id = \"staff\"\njwks = {:?}\n",
        provider.url
    );
    std::fs::write(file.path(), settings).unwrap();
    server.state.reload().unwrap();
    assert_eq!(visit(&server, &key).await, alice());
}

#[tokio::test]
async fn a_server_asks_for_keys_when_it_starts_and_starts_without_them() {
    let provider = Provider::with(&[]).await;
    let mut config = Config::demo().unwrap();
    config.settings.issuers = issuers(&provider.url, json!({}));
    let running = running(config).await;
    provider.has_been_asked(1).await;
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_speaks_for_its_own_users_only() {
    let (mine, other) = (Key::eddsa("a"), Key::eddsa("a"));
    let (my_provider, other_provider) = (Provider::with(&[&mine]).await, Provider::with(&[&other]).await);
    let issuer = |name: &str, provider: &Provider, pool: &str| json!({ "issuer": name, "audience": "scanlogin", "jwks": provider.url, "user_pool_id": pool });
    let both = json!([
        issuer(ISSUER, &my_provider, "customers"),
        issuer("https://other.example.com", &other_provider, "staff")
    ]);
    let server = Server::with(|config| config.settings.issuers = serde_json::from_value(both).unwrap());
    assert_eq!(verify(&server, &mine.sign(&claims(&server))).await.unwrap().user_pool_id, "customers");
    assert_eq!(visit(&server, &other).await, Err(AuthError::NotSignedIn));
    let from_other = with(&server, "iss", json!("https://other.example.com"));
    assert_eq!(verify(&server, &other.sign(&from_other)).await.unwrap().user_pool_id, "staff");
    assert_eq!(verify(&server, &mine.sign(&from_other)).await, Err(AuthError::NotSignedIn));
}
