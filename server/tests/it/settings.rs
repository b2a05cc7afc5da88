//! Parsing of `scanlogin.toml`: all fields, defaults, and errors that name the line and the field.

use core::time::Duration;

use scanlogin_server::config::app::{App, Apps};
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
return_full_user_info = true
allow_exchange_from_browser = true
compat.poll_without_token = true
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
    assert!(app.return_full_user_info && app.allow_exchange_from_browser && app.compat.poll_without_token);
}

#[test]
fn app_section_has_defaults_for_optional_fields() {
    let app = Settings::parse(&minimal("shop")).unwrap().apps.remove(0);
    assert_eq!(app, App::new("shop", "The Shop", "customers", Hash::of("a")));
    assert_eq!((app.code_lifetime.as_secs(), app.ticket_lifetime.as_secs()), (120, 300));
    assert!(!app.return_full_user_info && !app.allow_exchange_from_browser && !app.compat.poll_without_token);
}

#[test]
fn invalid_app_section_fails_with_line_and_field() {
    for (valid, invalid, expected) in [
        ("id = \"shop\"", "id = \"\"", "must not be empty"),
        ("id = \"shop\"", "id = \"sh:op\"", "colon"),
        ("id = \"shop\"", "id = \"shop\\n\"", "printable ASCII"),
        ("id = \"shop\"", "id = 7", "expected a string"),
        ("name = \"The Shop\"", "name = \" \"", "must not be empty"),
        ("name = \"The Shop\"", "title = \"The Shop\"", "unknown field `title`"),
        ("user_pool_id = \"customers\"", "user_pool_id = \"\"", "must not be empty"),
        ("sha256:ype", "sha256:yp", "43 characters"),
        ("sha256:ype", "md5:ype", "sha256:"),
        ("\"http://c:81\"", "\"*\"", "scheme, host and port"),
        ("\"http://c:81\"", "\"null\"", "scheme, host and port"),
        ("\"http://c:81\"", "\"https://user@c\"", "scheme, host and port"),
        ("code_lifetime = 60", "code_lifetime = 9", "from 10 to 1800 seconds"),
        ("code_lifetime = 60", "code_lifetime = 1801", "from 10 to 1800 seconds"),
        ("code_lifetime = 60", "code_lifetime = \"soon\"", "expected u64"),
        ("ticket_lifetime = 30", "ticket_lifetime = 0", "from 1 to 1800 seconds"),
        ("https://www.example.com/logo.svg", "javascript:alert(1)", "address of a picture"),
        ("compat.poll_without_token", "compat.poll", "unknown field `poll`"),
        ("allow_exchange_from_browser = true", "allow_exchange_from_browser = 1", "expected a boolean"),
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
        assert!(error.contains(&format!("missing field `{missing}`")), "{error}");
    }
    let without_hashes = minimal("shop").replace(&format!("\"{}\"", Hash::of("a")), "");
    assert!(Settings::parse(&without_hashes).unwrap_err().contains("rotate-secret"));
    assert!(Settings::parse("").unwrap_err().contains("app add"));
    assert!(Settings::parse("[[app]").unwrap_err().contains("line 1,"));
    assert!(Settings::parse(&(minimal("a") + &minimal("a"))).unwrap_err().contains("\"a\" twice"));
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
        ("audience = \"scanlogin\"", "audience = []", "audience: is empty"),
        ("https://id.example.com/keys", "http://id.example.com/keys", "is not https"),
        ("user_pool_id = \"customers\"", "", "user_pool_id, user_pool_claim"),
        ("nickname", "nick", "unknown field `nick`"),
    ] {
        let error = parse(&issuer.replace(valid, invalid)).unwrap_err();
        assert!(error.contains(expected) && error.contains("line "), "{invalid}: {error}");
    }
    assert!(parse(&issuer.repeat(2)).unwrap_err().contains("stands there twice"));
}

#[test]
fn apps_only_returns_the_app_if_there_is_exactly_one() {
    let apps = |text: &str| Apps::new(Settings::parse(text).unwrap().apps);
    assert_eq!(apps(&minimal("a")).only().map(|app| app.id.clone()), Some("a".to_owned()));
    let two = apps(&(minimal("a") + &minimal("b")));
    assert!(two.only().is_none() && two.find("b").is_some() && two.find("c").is_none());
}
