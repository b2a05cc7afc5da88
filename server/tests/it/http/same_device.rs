//! Sign-in on the device of the page: links, response codes and `complete`.

use jiff::Timestamp;
use scanlogin_server::config::LogFormat;
use scanlogin_server::secrets::Hash;
use serde_json::{Value, json};

use crate::http::metrics;
use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{API, Code, RETURN_URL, Server, advance_clock, set_links};
use crate::support::timeout::yield_until;

fn server() -> Server {
    Server::with_config(set_links)
}

#[tokio::test(start_paused = true)]
async fn page_is_signed_in_by_the_response_code_and_the_poll_token() {
    let server = server();
    let code = server.gene_with_link().await;
    assert_eq!(code.data["link"], format!("https://pass.example/s#{}.return", code.random));
    assert_eq!(
        code.data["text"],
        format!("https://pass.example/s#{}", code.random),
        "the QR code is for other devices"
    );

    let scanned = server.open(&code, "alice").await.success();
    assert_eq!((&scanned["requester"]["appName"], scanned.get("returnUrl")), (&json!("Quaymark"), None), "{scanned}");
    assert_eq!(server.status(&code).await, 1);
    let response_code = code.response_code(&server.act("confirm", &code, "alice").await.success());
    let check = server.check(&code).await.success();
    assert_eq!(
        (&check["status"], &check["ticket"]),
        (&json!(1), &Value::Null),
        "not authorised before the page is back"
    );

    let completed = server.complete(&code, &response_code).await.success();
    assert_eq!(completed, server.check(&code).await.success(), "the data of check at status 2");
    assert_eq!(completed["status"], 2);
    assert_eq!(
        server.complete(&code, &response_code).await.success(),
        completed,
        "a repetition gets the same response"
    );
    let user = server.exchange(completed["ticket"].as_str().unwrap()).await.success();
    assert_eq!(user["id"], "id-of-alice");
}

#[tokio::test(start_paused = true)]
async fn held_poll_ends_when_the_sign_in_is_completed() {
    let server = server();
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    let poll = tokio::spawn(server.check_with(&code, "&wait=25&status=1").into_future());
    yield_until("a waiting poll", || !server.state.codes.notifier.is_empty()).await;
    server.complete(&code, &response_code).await.success();
    assert_eq!(poll.await.unwrap().success()["status"], 2);
}

#[tokio::test(start_paused = true)]
async fn only_a_listed_address_of_the_own_origin_gets_a_link() {
    let server = Server::with_config(|config| {
        set_links(config);
        config.public_url = Some("https://login.example".parse().unwrap());
        let app = &mut config.settings.apps[0];
        app.return_urls.push("https://login.example/".to_owned().try_into().unwrap());
        app.allowed_origins =
            ["https://shop.example", "https://other.example"].map(|origin| origin.parse().unwrap()).into();
    });
    let gene = async |address: Value, origin: Option<&str>| {
        let request = server.post(&format!("{API}/gene")).json(&json!({ "returnUrl": address }));
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        request.await.success().get("link").is_some()
    };
    let shop = Some("https://shop.example");
    assert!(gene(json!(RETURN_URL), shop).await);
    assert!(gene(json!(RETURN_URL), None).await, "a program sends no origin");
    assert!(gene(json!("https://login.example/"), Some("https://login.example")).await);
    assert!(!gene(json!(RETURN_URL), Some("https://other.example")).await, "the page of another origin");
    assert!(!gene(json!(RETURN_URL), Some("https://login.example")).await, "the page of another origin");
    assert!(!gene(json!("https://login.example/"), shop).await, "the page of another origin");
    for address in [
        "",
        "https://shop.example/login",
        "https://shop.example/login?lang=en&next=https://evil.example/",
        "https://shop.example/login?lang=en#",
        "https://shop.example/login?lang=en#top",
        "https://SHOP.example/login?lang=en",
        "https://shop.example:443/login?lang=en",
        "https://shop.example/./login?lang=en",
        " https://shop.example/login?lang=en",
        "https://shop.example.evil.example/login?lang=en",
        "https://evil.example/?https://shop.example/login?lang=en",
        "javascript:alert(1)",
    ] {
        assert!(!gene(json!(address), shop).await, "{address}");
    }
    assert!(!gene(Value::Null, shop).await);
    for address in [json!(1), json!([RETURN_URL]), json!({}), json!(true)] {
        let request = server.post(&format!("{API}/gene")).json(&json!({ "returnUrl": address })).await;
        request.assert_error(2231, "invalid-parameter");
        assert!(request.message().contains("returnUrl"), "{}", request.message());
    }
}

#[tokio::test(start_paused = true)]
async fn app_without_code_url_has_no_links() {
    let server = Server::with_config(|config| {
        set_links(config);
        config.settings.apps[0].code_url = None;
    });
    let code = server.gene_with_link().await;
    assert_eq!(code.data.get("link"), None);
    server.open(&code, "alice").await.assert_error(2231, "invalid-parameter");
}

#[tokio::test(start_paused = true)]
async fn log_says_why_a_page_has_no_link_without_the_query_of_its_address() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = server();
    server.gene_with(json!({ "returnUrl": "https://shop.example/other?secret=1" })).await;
    let text = log.text();
    assert!(text.contains("return_urls") && text.contains("https://shop.example/other\""), "{text}");
    assert!(!text.contains("secret=1"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn same_device_of_a_code_without_link_is_refused_and_changes_nothing() {
    let server = server();
    let code = server.gene().await;
    let response = server.open(&code, "alice").await;
    response.assert_error(2231, "invalid-parameter");
    assert!(response.message().starts_with("sameDevice:"), "{}", response.message());
    assert_eq!(server.status(&code).await, 0);
    let scan = |same_device: Value| {
        let body = json!({ "random": code.random, "sameDevice": same_device });
        server.post(&format!("{API}/scanned")).json(&body).bearer(&server.token("alice"))
    };
    let response = scan(json!("yes")).await;
    response.assert_error(2231, "invalid-parameter");
    assert!(response.message().starts_with("sameDevice:"), "{}", response.message());
    for no in [json!(false), Value::Null] {
        scan(no).await.success();
    }
}

#[tokio::test(start_paused = true)]
async fn first_scan_decides_whether_the_confirm_authorises() {
    let server = server();
    let opened = server.gene_with_link().await;
    server.open(&opened, "alice").await.success();
    server.act("scanned", &opened, "alice").await.success();
    let response_code = opened.response_code(&server.act("confirm", &opened, "alice").await.success());
    assert_eq!(server.status(&opened).await, 1);
    server.complete(&opened, &response_code).await.success();

    let scanned = server.gene_with_link().await;
    server.act("scanned", &scanned, "alice").await.success();
    server.open(&scanned, "alice").await.assert_error(500, "already-scanned");
    let confirmed = server.act("confirm", &scanned, "alice").await.success();
    assert_eq!(confirmed.get("returnUrl"), None, "{confirmed}");
    assert_eq!(server.status(&scanned).await, 2);
}

#[tokio::test(start_paused = true)]
async fn returning_code_is_confirmed_again_only_by_its_owner_and_changed_by_nobody_else() {
    let server = server();
    let code = server.gene_with_link().await;
    let first = server.response_code(&code, "alice").await;
    for (action, user) in
        [("scanned", "alice"), ("cancel", "alice"), ("scanned", "bob"), ("confirm", "bob"), ("cancel", "bob")]
    {
        server.act(action, &code, user).await.assert_error(500, "already-ended");
    }
    let second = code.response_code(&server.act("confirm", &code, "alice").await.success());
    assert_ne!(first, second);
    server.complete(&code, &first).await.assert_error(1001, "wrong-response-code");
    server.complete(&code, &second).await.success();

    let again = server.act("confirm", &code, "alice").await.success();
    assert_eq!(again["returnUrl"], RETURN_URL, "the page is signed in: no response code");
    server.complete(&code, &second).await.success();
    server.act("cancel", &code, "alice").await.assert_error(500, "already-ended");
}

#[tokio::test(start_paused = true)]
async fn cancel_returns_to_the_page_only_on_its_device() {
    let server = server();
    let code = server.gene_with_link().await;
    server.open(&code, "alice").await.success();
    assert_eq!(server.act("cancel", &code, "alice").await.success()["returnUrl"], RETURN_URL);
    assert_eq!(server.status(&code).await, 3);

    let code = server.gene_with_link().await;
    server.act("scanned", &code, "alice").await.success();
    assert_eq!(server.act("cancel", &code, "alice").await.success().get("returnUrl"), None);
}

#[tokio::test(start_paused = true)]
async fn returning_code_expires_60_s_after_an_unused_one() {
    let server = server();
    let (in_time, late) = (server.gene_with_link().await, server.gene_with_link().await);
    let in_time_code = server.response_code(&in_time, "alice").await;
    let late_code = server.response_code(&late, "alice").await;
    advance_clock(179).await;
    server.complete(&in_time, &in_time_code).await.success();
    let poll = server.check_with(&late, "&wait=25&status=1").await.success();
    assert_eq!(poll["status"], -1, "the held poll ends at the expiry");
    server.complete(&late, &late_code).await.assert_error(500, "expired");
    server.complete(&late, "wrong").await.assert_error(500, "expired");
    server.act("confirm", &late, "alice").await.assert_error(500, "expired");
    server.complete(&in_time, &in_time_code).await.success();
    advance_clock(300).await;
    server.complete(&late, &late_code).await.assert_error(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn blocked_user_gets_no_response_code() {
    let server = server();
    let block = async |is_blocked| {
        let store = server.state.store.unmeasured();
        store.set_blocked("demo-pool", "id-of-alice", is_blocked, Timestamp::now()).await.unwrap();
    };
    let code = server.gene_with_link().await;
    server.open(&code, "alice").await.success();
    block(true).await;
    server.act("confirm", &code, "alice").await.assert_error(1001, "blocked");
    assert_eq!(server.status(&code).await, 5);

    block(false).await;
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    block(true).await;
    server.act("confirm", &code, "alice").await.assert_error(1001, "blocked");
    server.complete(&code, &response_code).await.assert_error(1001, "wrong-response-code");

    block(false).await;
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    block(true).await;
    let ticket = server.complete(&code, &response_code).await.success()["ticket"].as_str().unwrap().to_owned();
    server.exchange(&ticket).await.assert_error(1001, "blocked");
}

#[tokio::test(start_paused = true)]
async fn complete_names_the_invalid_parameter() {
    let server = server();
    let code = server.gene_with_link().await;
    let complete = |body: Value| server.post(&format!("{API}/complete")).json(&body).poll_token(&code.poll_token);
    for (body, reason, name) in [
        (json!({}), "missing-parameter", "random"),
        (json!({ "random": "" , "responseCode": "a" }), "missing-parameter", "random"),
        (json!({ "random": code.random }), "missing-parameter", "responseCode"),
        (json!({ "random": code.random, "responseCode": "" }), "missing-parameter", "responseCode"),
        (json!({ "random": 1, "responseCode": "a" }), "invalid-parameter", "random"),
        (json!({ "random": code.random, "responseCode": null }), "invalid-parameter", "responseCode"),
    ] {
        let response = complete(body).await;
        response.assert_error(2231, reason);
        assert!(response.message().starts_with(name), "{}", response.message());
    }
    complete(json!({ "random": "unknown", "responseCode": "a" })).await.assert_error(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn complete_is_for_pages_of_the_app_of_the_code() {
    let server = Server::with_config(|config| {
        set_links(config);
        config.public_url = Some("https://login.example".parse().unwrap());
        let mut blog = config.settings.apps[0].clone();
        blog.id = "blog".to_owned();
        blog.secret_hashes = vec![Hash::of("secret of the blog")];
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
        config.settings.apps.push(blog);
    });
    let request = json!({ "returnUrl": RETURN_URL });
    let gene = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-app").json(&request).await;
    let code = Code::from_data(&gene.success());
    let response_code = server.response_code(&code, "alice").await;
    let complete = || server.complete(&code, &response_code);
    complete().header("x-authing-app-id", "blog").await.assert_error(2241, "unknown-code");
    complete().header("x-authing-app-id", "nope").await.assert_error(1001, "unknown-app");
    for origin in ["https://evil.example", "null"] {
        let response = complete().header("origin", origin).await;
        response.assert_error(1001, "origin-not-allowed");
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
    complete().header("sec-fetch-site", "cross-site").await.assert_error(1001, "origin-not-allowed");
    let response = complete().header("origin", "https://shop.example").await;
    response.success();
    assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_to_complete_is_in_the_audit_log() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = server();
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    server.complete(&code, "wrong").await.assert_error(1001, "wrong-response-code");
    server.complete_without_token(&code, &response_code).await.assert_error(1001, "forbidden");
    server.complete(&code, &response_code).await.success();
    server.post(&format!("{API}/complete")).json(&json!({})).await.assert_error(2231, "missing-parameter");

    let events = log.audit_events();
    let outcomes: Vec<(&str, &str)> =
        events.iter().map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap())).collect();
    let expected = [
        ("scan", "ok"),
        ("confirm", "ok"),
        ("complete", "wrong-response-code"),
        ("complete", "forbidden"),
        ("complete", "ok"),
        ("complete", "missing-parameter"),
    ];
    assert_eq!(outcomes, expected);
    for event in &events[2..5] {
        assert_eq!((&event["user_id"], &event["app_id"]), (&json!("id-of-alice"), &json!("demo-app")), "{event}");
        assert_eq!(event["code"], events[0]["code"]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_state_of_a_code_on_the_same_device_is_counted_once() {
    let server = server();
    let code = server.gene_with_link().await;
    server.response_code(&code, "alice").await;
    let response_code = code.response_code(&server.act("confirm", &code, "alice").await.success());
    for _ in 0..2 {
        server.complete(&code, &response_code).await.success();
    }
    for outcome in ["created", "scanned", "returning", "authorised"] {
        let series = format!("scanlogin_codes_total{{app=\"demo-app\",outcome=\"{outcome}\"}}");
        assert_eq!(metrics::value(&server, &series).await, 1.0, "{outcome}");
    }
}
