//! Parsing of `scanlogin.toml`: all fields, defaults, and errors that name the line and the field.

use core::time::Duration;

use scanlogin_server::config::app::{App, Apps, Confirmation};
use scanlogin_server::config::settings::Settings;
use scanlogin_server::secrets::Hash;

const COMPLETE: &str = r#"
[[app]]
id = "shop"
name = "The Shop"
user_pool_id = "customers"
secret_hashes = ["sha256:ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"]
allowed_origins = ["https://A.example:443", "http://b.example:80/", "http://c:81"]
code_lifetime = 60
ticket_lifetime = 30
logo = "https://www.example.com/logo.svg"
code_url = "https://pass.example.com/s"
shown_custom_data = ["order", "amount"]
return_full_user_info = true
allow_exchange_from_browser = true
compat.poll_without_token = true
step_up = { max_age = 60, amr = ["mfa"] }
"#;

/// An app section with only the required fields.
fn minimal(id: &str) -> String {
    format!(
        "[[app]]\nid = {id:?}\nname = \"The Shop\"\nuser_pool_id = \"customers\"\n\
         secret_hashes = [\"{}\"]\n",
        Hash::of("a")
    )
}

#[test]
fn app_section_is_parsed_with_all_fields() {
    let app = Settings::parse(COMPLETE).unwrap().apps.remove(0);
    assert_eq!((app.id.as_str(), app.name.as_str(), app.user_pool_id.as_str()), ("shop", "The Shop", "customers"));
    assert!(app.has_secret("a") && !app.has_secret("b") && !app.has_secret(""));
    let origins: Vec<&str> = app.allowed_origins.iter().map(|origin| origin.as_str()).collect();
    assert_eq!(origins, ["https://a.example", "http://b.example", "http://c:81"], "normalised as browsers send them");
    assert_eq!((app.code_lifetime, app.ticket_lifetime), (Duration::from_secs(60), Duration::from_secs(30)));
    assert_eq!(app.logo.as_deref(), Some("https://www.example.com/logo.svg"));
    assert_eq!(app.code_url.unwrap().as_str(), "https://pass.example.com/s");
    assert_eq!(app.shown_custom_data, ["order", "amount"]);
    assert!(app.return_full_user_info && app.allow_exchange_from_browser && app.compat.poll_without_token);
    assert_eq!(app.step_up.unwrap().max_age, Some(Duration::from_secs(60)));
}

#[test]
fn allowed_origins_take_origins_of_extensions_and_apps_literally() {
    let literal = [
        "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
        "moz-extension://5c6e1b2a-3d4f-4a5b-8c6d-7e8f9a0b1c2d",
        "tauri://localhost",
        "capacitor://localhost",
        "ionic://localhost",
        "app://-",
        "app://Main.Window:80",
    ];
    let list = literal.map(|origin| format!("{origin:?}")).join(", ");
    let text = minimal("shop") + &format!("allowed_origins = [{list}, \"http://[0:0::1]:80\"]\n");
    let app = Settings::parse(&text).unwrap().apps.remove(0);
    let origins: Vec<&str> = app.allowed_origins.iter().map(|origin| origin.as_str()).collect();
    assert_eq!(origins, [&literal[..], &["http://[::1]"]].concat());
}

#[test]
fn error_about_a_renamed_limit_says_the_new_name() {
    let error = Settings::parse(&(minimal("shop") + "[limits]\nanswer_timeout = 45\n")).unwrap_err();
    assert!(error.contains("`answer_timeout`") && error.contains("line 7,"), "{error}");
    assert!(error.contains("renamed to `response_timeout`"), "{error}");
}

#[test]
fn app_section_has_defaults_for_optional_fields() {
    let app = Settings::parse(&minimal("shop")).unwrap().apps.remove(0);
    assert_eq!(app, App::new("shop", "The Shop", "customers", Hash::of("a")));
    assert_eq!((app.code_lifetime.as_secs(), app.ticket_lifetime.as_secs()), (120, 300));
    assert!(!app.return_full_user_info && !app.allow_exchange_from_browser && !app.compat.poll_without_token);
    assert_eq!(app.step_up, None);
}

#[test]
fn invalid_app_section_fails_with_line_and_field() {
    for (valid, invalid, expected) in [
        ("id = \"shop\"", "id = \"\"", "empty"),
        ("id = \"shop\"", "id = \"sh:op\"", "colon"),
        ("id = \"shop\"", "id = \"shop\\n\"", "ASCII"),
        ("id = \"shop\"", "id = 7", "string"),
        ("name = \"The Shop\"", "name = \" \"", "empty"),
        ("name = \"The Shop\"", "title = \"The Shop\"", "`title`"),
        ("user_pool_id = \"customers\"", "user_pool_id = \"\"", "empty"),
        ("sha256:ype", "sha256:yp", "43"),
        ("sha256:ype", "md5:ype", "sha256:"),
        ("\"http://c:81\"", "\"*\"", "port"),
        ("\"http://c:81\"", "\"null\"", "port"),
        ("\"http://c:81\"", "\"https://user@c\"", "port"),
        ("\"http://c:81\"", "\"https://*.example.com\"", "https://www.example.com"),
        ("\"http://c:81\"", "\"https://*\"", "https://www.example.com"),
        ("\"http://c:81\"", "\"http://localhost:*\"", "http://localhost:5173"),
        ("\"http://c:81\"", "\"http://c:\"", "port"),
        ("\"http://c:81\"", "\"http://c:081\"", "port"),
        ("\"http://c:81\"", "\"http://c:65536\"", "port"),
        ("\"http://c:81\"", "\"https://b\u{fc}cher.example\"", "xn--"),
        ("\"http://c:81\"", "\"https://a%20b.example\"", "port"),
        ("\"http://c:81\"", "\"http://[1::2::3]\"", "port"),
        ("\"http://c:81\"", "\"c:81\"", "https://"),
        ("\"http://c:81\"", "\"chrome-extension://*\"", "wildcard"),
        ("\"http://c:81\"", "\"app://\"", "https://"),
        ("\"http://c:81\"", "\"tauri://localhost/index.html\"", "https://"),
        ("\"http://c:81\"", "\"file://\"", "https://"),
        ("code_lifetime = 60", "code_lifetime = 9", "1800"),
        ("code_lifetime = 60", "code_lifetime = 1801", "1800"),
        ("code_lifetime = 60", "code_lifetime = \"soon\"", "u64"),
        ("ticket_lifetime = 30", "ticket_lifetime = 0", "1800"),
        ("https://www.example.com/logo.svg", "javascript:alert(1)", "https://"),
        ("https://pass.example.com/s", "http://pass.example.com/s", "https://"),
        ("https://pass.example.com/s", "https://pass.example.com/s#", "fragment"),
        ("code_url = \"https://pass.example.com/s\"", "code_url = 7", "string"),
        ("\"order\"", "\"\"", "empty"),
        ("\"order\"", "\"amount\"", "twice"),
        ("[\"order\", \"amount\"]", "\"order\"", "sequence"),
        ("compat.poll_without_token", "compat.poll", "`poll`"),
        ("allow_exchange_from_browser = true", "allow_exchange_from_browser = 1", "boolean"),
    ] {
        assert!(COMPLETE.contains(valid), "{valid}");
        let text = COMPLETE.replace(valid, invalid);
        let line = text.lines().position(|line| line.contains(invalid)).unwrap() + 1;
        let error = Settings::parse(&text).unwrap_err();
        assert!(error.contains(expected) && error.contains(&format!("line {line},")), "{invalid}: {error}");
        let field = invalid.split(" = ").next().unwrap();
        assert!(error.contains(field), "{invalid}: {error}");
    }
    for missing in ["id", "name", "user_pool_id", "secret_hashes"] {
        let start = format!("{missing} = ");
        let text: String =
            minimal("shop").lines().filter(|line| !line.starts_with(&start)).map(|line| format!("{line}\n")).collect();
        let error = Settings::parse(&text).unwrap_err();
        assert!(error.contains(&format!("`{missing}`")), "{error}");
    }
    let without_hashes = minimal("shop").replace(&format!("\"{}\"", Hash::of("a")), "");
    assert!(Settings::parse(&without_hashes).unwrap_err().contains("rotate-secret"));
    assert!(Settings::parse("").unwrap_err().contains("app add"));
    assert!(Settings::parse("[[app]").unwrap_err().contains("line 1,"));
    assert!(Settings::parse(&(minimal("a") + &minimal("a"))).unwrap_err().contains("\"a\""));
}

#[test]
fn confirmation_is_a_button_or_a_number() {
    let parse = |value: &str| Settings::parse(&(minimal("shop") + "confirmation = " + value + "\n"));
    assert_eq!(parse("\"number\"").unwrap().apps[0].confirmation, Confirmation::Number);
    assert_eq!(parse("\"button\"").unwrap().apps[0].confirmation, Confirmation::Button);
    assert_eq!(Settings::parse(&minimal("shop")).unwrap().apps[0].confirmation, Confirmation::Button);
    for invalid in ["\"Number\"", "\"\"", "true", "42"] {
        let error = parse(invalid).unwrap_err();
        assert!(error.contains("confirmation") && error.contains("line 6,"), "{invalid}: {error}");
    }
}

#[test]
fn return_urls_are_addresses_of_pages_and_need_a_code_url() {
    let parse = |settings: &str| Settings::parse(&(minimal("shop") + settings));
    let pages = "return_urls = [\"https://shop.example/login?lang=en\", \"http://localhost:5173/\"]\n";
    let app = parse(&format!("code_url = \"https://pass.example/s\"\n{pages}")).unwrap().apps.remove(0);
    assert!(app.return_url("https://shop.example/login?lang=en").is_some());
    assert!(app.return_url("http://localhost:5173/").is_some());
    for other in ["https://shop.example/login", "http://localhost:5173", "https://shop.example/login?lang=en#"] {
        assert_eq!(app.return_url(other), None, "{other}");
    }
    let error = parse(pages).unwrap_err();
    assert!(error.contains("return_urls") && error.contains("\"shop\"") && error.contains("code_url"), "{error}");
    for (invalid, problem) in [
        ("[\"http://shop.example/login\"]", "https://"),
        ("[\"https://shop.example/login#top\"]", "fragment"),
        ("[\"https://shop.example\"]", "https://shop.example/"),
        ("\"https://shop.example/login\"", "sequence"),
    ] {
        let error = parse(&format!("return_urls = {invalid}\n")).unwrap_err();
        assert!(error.contains(problem) && error.contains("line 6,") && error.contains("return_urls"), "{error}");
    }
}

#[test]
fn issuer_sections_are_parsed_and_errors_name_the_line() {
    let issuer = r#"
[[issuer]]
issuer = "https://id.example.com"
audience = "scanlogin"
jwks = "https://id.example.com/keys"
user_pool_id = "customers"
[issuer.claims]
nickname = "given_name"
"#;
    let parse = |issuers: &str| Settings::parse(&(minimal("shop") + issuers));
    assert!(!parse(issuer).unwrap().issuers.is_empty());
    assert!(parse("").unwrap().issuers.is_empty());
    for (valid, invalid, expected) in [
        ("audience = \"scanlogin\"", "audience = []", "audience"),
        ("https://id.example.com/keys", "http://id.example.com/keys", "jwks"),
        ("user_pool_id = \"customers\"", "", "user_pool_claim"),
        ("nickname", "nick", "`nick`"),
    ] {
        let error = parse(&issuer.replace(valid, invalid)).unwrap_err();
        assert!(error.contains(expected) && error.contains("line "), "{invalid}: {error}");
    }
    let error = parse(&issuer.repeat(2)).unwrap_err();
    assert!(error.contains("\"https://id.example.com\""), "two sections of one issuer: {error}");
}

#[test]
fn apps_only_returns_the_app_if_there_is_exactly_one() {
    let apps = |text: &str| Apps::new(Settings::parse(text).unwrap().apps);
    assert_eq!(apps(&minimal("a")).only().map(|app| app.id.clone()), Some("a".to_owned()));
    let two = apps(&(minimal("a") + &minimal("b")));
    assert!(two.only().is_none() && two.find("b").is_some() && two.find("c").is_none());
    let mut named = Settings::parse(&(minimal("a") + &minimal("b"))).unwrap().apps;
    named[1].has_to_be_named = true;
    let apps = Apps::new(named);
    assert_eq!((apps.only().map(|app| app.id.clone()), apps.find("b").is_some()), (Some("a".to_owned()), true));
}
