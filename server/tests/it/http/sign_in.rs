//! The complete sign-in: gene, image, scanned, confirm, check and userinfo.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use scanlogin_qr::{Level, Modules, svg};
use serde_json::{Value, json};

use crate::support::test_server::{API, Code, Server, TestRequest, advance_clock};

#[tokio::test(start_paused = true)]
async fn code_is_scanned_confirmed_and_exchanged_for_the_user() {
    let server = Server::new();
    let code = server.gene().await;

    let unused = server.check(&code).await.success();
    assert_eq!(
        unused,
        json!({ "random": code.random, "status": 0, "ticket": null, "userInfo": {}, "scannedUserId": null })
    );

    let scanned = server.act("scanned", &code, "alice").await.success();
    assert_eq!((&scanned["random"], &scanned["status"]), (&json!(code.random), &json!(0)));
    assert!(scanned["description"].is_string());
    let after_scan = server.check(&code).await.success();
    let user_info = json!({ "nickname": "alice", "photo": "https://photos.example/alice.png" });
    assert_eq!(
        (&after_scan["status"], &after_scan["userInfo"], &after_scan["ticket"]),
        (&json!(1), &user_info, &json!(null))
    );
    assert_eq!(after_scan["scannedUserId"], json!(null), "the requester gets only nickname and photo");

    let confirmed = server.act("confirm", &code, "alice").await.success();
    assert_eq!((&confirmed["status"], confirmed.get("requester")), (&json!(1), None));
    let authorised = server.check(&code).await.success();
    assert_eq!((&authorised["status"], &authorised["userInfo"]), (&json!(2), &user_info));
    assert_eq!(server.check(&code).await.success(), authorised, "another poll returns the same ticket");

    let user = server.exchange(authorised["ticket"].as_str().unwrap()).await.success();
    let token = user["token"].as_str().unwrap().to_owned();
    assert_eq!(
        user,
        json!({
            "id": "id-of-alice", "email": "alice@example.com", "emailVerified": false, "oauth": "", "username": "",
            "nickname": "alice", "company": "", "photo": "https://photos.example/alice.png", "phone": "",
            "token": token, "tokenExpiredAt": "2026-01-02T00:00:00.000Z", "loginsCount": 1, "lastIp": "unknown",
            "signedUp": "2026-01-01T00:00:00.000Z", "blocked": false, "isDeleted": false
        })
    );
    let keys = server.get("/.well-known/jwks.json").await.json();
    let (_, claims) = crate::http::signing_keys::verify(&token, &keys).unwrap();
    assert_eq!(claims["sub"], "id-of-alice", "the token is for the user");
}

#[tokio::test(start_paused = true)]
async fn cancelled_code_has_no_ticket() {
    let server = Server::new();
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    assert_eq!(server.act("cancel", &code, "alice").await.success()["status"], -1);
    let check = server.check(&code).await.success();
    assert_eq!((&check["status"], &check["ticket"]), (&json!(3), &json!(null)));
}

#[tokio::test(start_paused = true)]
async fn gene_returns_the_fields_of_the_qr_code_and_the_poll_token() {
    let server = Server::with_config(|config| config.public_url = Some("https://login.example".parse().unwrap()));
    let code = server.gene_with(json!({ "scene": "APP_AUTH", "customData": { "z": 1, "a": "人" } })).await;
    assert_eq!(
        code.data,
        json!({
            "random": code.random, "expiresIn": 120,
            "url": format!("https://login.example/api/v2/qrcode/image/{}.png", code.random),
            "scene": "APP_AUTH", "userPoolId": "demo-pool", "createdAt": "2026-01-01T00:00:00.000Z",
            "expireAt": "2026-01-01T00:02:00.000Z", "customData": { "z": 1, "a": "人" }, "pollToken": code.poll_token
        })
    );
    assert_eq!(code.poll_token.len(), 43, "256 bits");
}

#[tokio::test(start_paused = true)]
async fn custom_data_is_accepted_under_three_names_and_can_be_omitted() {
    let server = Server::new();
    for name in ["params", "customData", "customeData"] {
        let code = server.gene_with(json!({ name: { "hello": "world" } })).await;
        assert_eq!(code.data["customData"], json!({ "hello": "world" }), "{name}");
    }
    let without_data = server.gene_with(json!({ "params": { "hello": "world" }, "withCustomData": false })).await;
    assert_eq!(without_data.data.get("customData"), None);
}

#[tokio::test(start_paused = true)]
async fn ids_and_poll_tokens_are_unique() {
    let server = Server::new();
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let code = server.gene().await;
        assert!(seen.insert(code.random) && seen.insert(code.poll_token));
    }
}

#[tokio::test(start_paused = true)]
async fn scan_returns_the_requester() {
    let server = Server::with_config(|config| {
        config.settings.apps[0].name = "The Shop".to_owned();
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
    });
    let agent = format!("Firefox\t{}", "x".repeat(1_000));
    let request = server.post(&format!("{API}/gene")).json(&json!({}));
    let request = request.client_ip("::ffff:192.0.2.7").header("origin", "https://shop.example");
    let data = request.header("user-agent", &agent).await.success();

    let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": data["random"] }));
    let requester = request.header("authorization", &server.token("alice")).await.success()["requester"].clone();
    assert_eq!(requester["appName"], "The Shop");
    assert_eq!(requester["origin"], "https://shop.example");
    assert_eq!(requester["ip"], "192.0.2.7");
    assert_eq!(requester["createdAt"], "2026-01-01T00:00:00.000Z");
    assert_eq!(requester["userAgent"], format!("Firefox {}", "x".repeat(292)));
}

#[tokio::test(start_paused = true)]
async fn scan_returns_age_and_remaining_time_by_the_clock_of_the_server() {
    let server = Server::new();
    let code = server.gene().await;
    // The owner may repeat the call. The code expires 180 s after its creation.
    for (pass, age, expires_in) in [(0, 0, 180), (65_500, 65, 115), (30_000, 95, 85)] {
        tokio::time::advance(Duration::from_millis(pass)).await;
        let data = server.act("scanned", &code, "alice").await.success();
        assert_eq!((&data["age"], &data["expiresIn"]), (&json!(age), &json!(expires_in)));
    }
    let data = server.act("confirm", &code, "alice").await.success();
    assert_eq!((data.get("age"), data.get("expiresIn")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn scan_says_whether_phone_and_browser_have_the_same_address() {
    let server = Server::new();
    for (browser, phone, expected) in [
        (Some("192.0.2.7"), Some("192.0.2.7"), Some(true)),
        (Some("192.0.2.7"), Some("198.51.100.7"), Some(false)),
        (Some("2001:db8:1:2::3"), Some("2001:db8:1:2:a:b:c:d"), Some(true)),
        (Some("2001:db8:1:2::3"), Some("2001:db8:1:3::3"), Some(false)),
        (Some("2001:db8:1:2::3"), Some("192.0.2.7"), None),
        (None, Some("192.0.2.7"), None),
        (Some("192.0.2.7"), None, None),
        (None, None, None),
    ] {
        let from = |request: TestRequest, address: Option<&str>| match address {
            Some(address) => request.client_ip(address),
            None => request,
        };
        let gene = server.post(&format!("{API}/gene")).json(&json!({}));
        let code = Code::from_data(&from(gene, browser).await.success());
        let scanned = from(server.act("scanned", &code, "alice"), phone).await.success();
        assert_eq!(scanned.get("sameNetwork"), expected.map(Value::from).as_ref(), "{browser:?} {phone:?}");
        let confirmed = from(server.act("confirm", &code, "alice"), phone).await.success();
        assert_eq!(confirmed.get("sameNetwork"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn scan_through_a_proxy_that_is_not_trusted_does_not_know_the_network() {
    let server = Server::with_config(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
    let same_network = async |proxy: &str, header: &str, addresses: [&str; 2]| {
        let through = |request: TestRequest, address| request.client_ip(proxy).header(header, address);
        let gene = server.post(&format!("{API}/gene")).json(&json!({}));
        let code = Code::from_data(&through(gene, addresses[0]).await.success());
        let scanned = through(server.act("scanned", &code, "alice"), addresses[1]).await.success();
        scanned.get("sameNetwork").cloned()
    };
    let (one, other) = ("198.51.100.7", "203.0.113.9");
    for header in ["x-forwarded-for", "forwarded"] {
        assert_eq!(same_network("192.0.2.1", header, [one, other]).await, None, "{header}");
        assert_eq!(same_network("192.0.2.1", header, [one, one]).await, None, "{header}");
    }
    assert_eq!(same_network("10.0.0.1", "x-forwarded-for", [one, other]).await, Some(json!(false)));
    assert_eq!(same_network("10.0.0.1", "x-forwarded-for", [one, one]).await, Some(json!(true)));
    for (header, behind) in [
        // The right-most address is that of a second proxy.
        ("x-forwarded-for", ["198.51.100.7, 192.0.2.1", "203.0.113.9, 192.0.2.1"]),
        ("x-forwarded-for", ["192.0.2.1, 192.0.2.1", "192.0.2.1, 192.0.2.1"]),
        ("x-forwarded-for", ["unknown", "unknown"]),
        ("forwarded", ["for=198.51.100.7", "for=203.0.113.9"]),
    ] {
        assert_eq!(same_network("10.0.0.1", header, behind).await, None, "{header}: {behind:?}");
    }
    assert_eq!(same_network("192.0.2.1", "x-other", [one, other]).await, Some(json!(true)));
}

#[tokio::test(start_paused = true)]
async fn scan_returns_the_custom_data_that_the_app_shows_filtered_and_in_its_order() {
    let names = ["order", "amount", "gift", "note", "items", "to", "nothing", "absent", "blank"].map(str::to_owned);
    let server = Server::with_config(|config| config.settings.apps[0].shown_custom_data = names.to_vec());
    let custom_data = json!({
        "secret": "s", "note": format!("a\u{202e}b\n{}", "x".repeat(400)), "order": "A-17", "amount": 12.5, "gift": false,
        "items": ["a"], "to": { "name": "a" }, "nothing": null, "blank": " \u{200b}",
    });
    let code = server.gene_with(json!({ "customData": custom_data })).await;
    let scanned = server.act("scanned", &code, "alice").await.success();
    let note = format!("ab {}", "x".repeat(297));
    let expected = json!({ "order": "A-17", "amount": "12.5", "gift": "false", "note": note });
    assert_eq!(scanned["customData"].to_string(), expected.to_string(), "in the order of the setting");
    assert_eq!(server.act("confirm", &code, "alice").await.success().get("customData"), None);
}

#[tokio::test(start_paused = true)]
async fn scan_returns_no_custom_data_unless_the_app_shows_it() {
    let shown = |names: &'static [&'static str]| {
        Server::with_config(move |config| {
            config.settings.apps[0].shown_custom_data = names.iter().map(|name| (*name).to_owned()).collect();
        })
    };
    for (server, custom_data) in [
        (shown(&[]), json!({ "order": "A-17" })),
        (shown(&["order"]), json!({ "Order": "A-17" })),
        (shown(&["order"]), json!({ "order": {} })),
        (shown(&["order"]), json!({})),
    ] {
        let code = server.gene_with(json!({ "customData": custom_data })).await;
        let scanned = server.act("scanned", &code, "alice").await.success();
        assert_eq!(scanned.get("customData"), None, "{custom_data}");
    }
    let server = shown(&["order"]);
    let code = server.gene().await;
    assert_eq!(server.act("scanned", &code, "alice").await.success().get("customData"), None);
}

#[tokio::test(start_paused = true)]
async fn image_encodes_the_exact_text_of_the_protocol() {
    let server = Server::new();
    let code = server.gene_with(json!({ "customData": { "hello": "world" } })).await;
    let text = format!(
        concat!(
            r#"{{"scene":"APP_AUTH","random":"{}","userPoolId":"demo-pool","createdAt":"2026-01-01T00:00:00.000Z","#,
            r#""expireAt":"2026-01-01T00:02:00.000Z","customData":{{"hello":"world"}}}}"#
        ),
        code.random
    );
    let png = server.get(&format!("{API}/image/{}.png", code.random)).await;
    assert_eq!(png.status, 200);
    assert_eq!(png.header("content-type"), Some("image/png"));
    assert_eq!(png.header("cache-control"), Some("no-store"));
    assert_eq!(png.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(png.header("access-control-allow-origin"), Some("*"), "existing clients load the image with CORS");
    assert_eq!(decode(&png.body), text);

    let response = server.get(&format!("{API}/image/{}.svg", code.random)).await;
    assert_eq!(response.header("content-type"), Some("image/svg+xml"));
    let path = svg::path(&Modules::new(&text, Level::M).unwrap());
    assert!(String::from_utf8(response.body).unwrap().contains(&format!("d=\"{}\"", path)));
}

/// The text of the QR code in a PNG image.
pub(super) fn decode(png: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let side = info.width as usize;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| pixels[y * side + x]);
    image.detect_grids()[0].decode().unwrap().1
}

#[tokio::test(start_paused = true)]
async fn image_of_an_unknown_code_gets_404() {
    let server = Server::new();
    for file in ["unknown.png", "unknown.svg", "unknown.gif", "unknown", ".png"] {
        assert_eq!(server.get(&format!("{API}/image/{file}")).await.error().0, 404, "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn sign_ins_are_counted_per_user() {
    let server = Server::new();
    let mut sign_ins = Vec::new();
    for user in ["alice", "bob", "alice", "alice"] {
        let ticket = server.ticket(&server.gene().await, user).await;
        advance_clock(60).await;
        let data = server.exchange(&ticket).await.success();
        sign_ins.push((data["loginsCount"].as_i64().unwrap(), data["signedUp"].as_str().unwrap().to_owned()));
    }
    let (first, second) = ("2026-01-01T00:01:00.000Z".to_owned(), "2026-01-01T00:02:00.000Z".to_owned());
    assert_eq!(sign_ins, [(1, first.clone()), (1, second), (2, first.clone()), (3, first)]);
}

#[tokio::test]
async fn image_is_not_drawn_on_the_thread_of_requests() {
    let server = Server::new();
    let code = server.gene().await;
    assert!(server.check(&code).into_future().now_or_never().is_some(), "a poll is answered at once");
    for extension in ["png", "svg"] {
        let request = server.get(&format!("{API}/image/{}.{extension}", code.random));
        assert!(request.into_future().now_or_never().is_none(), "{extension}");
    }
}
