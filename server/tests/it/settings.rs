//! `scanlogin.toml`: what it can say, and that what is wrong in it is refused with the line and the field.

use core::time::Duration;

use scanlogin_server::config::app::{App, Apps};
use scanlogin_server::config::settings::Settings;
use scanlogin_server::secrets::Hash;

const WHOLE: &str = r#"
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

fn least(id: &str) -> String {
    format!(
        "[[app]]\nid = {id:?}\nname = \"The Shop\"\nuser_pool_id = \"customers\"\n\
         secret_hashes = [\"{}\"]\n",
        Hash::of("a")
    )
}

#[test]
fn an_app_is_read_with_all_that_it_can_say() {
    let app = Settings::parse(WHOLE).unwrap().apps.remove(0);
    assert_eq!((app.id.as_str(), app.name.as_str(), app.user_pool_id.as_str()), ("shop", "The Shop", "customers"));
    assert!(app.has_secret("a") && !app.has_secret("b") && !app.has_secret(""));
    let origins: Vec<&str> = app.allowed_origins.iter().map(|origin| origin.as_str()).collect();
    assert_eq!(origins, ["https://a.example", "http://b.example", "http://c:81"], "as browsers write them");
    assert_eq!((app.code_lifetime, app.ticket_lifetime), (Duration::from_secs(60), Duration::from_secs(30)));
    assert_eq!(app.logo.as_deref(), Some("https://www.example.com/logo.svg"));
    assert!(app.return_full_user_info && app.allow_exchange_from_browser && app.compat.poll_without_token);
}

#[test]
fn what_an_app_does_not_say_has_the_defaults_of_the_contract() {
    let app = Settings::parse(&least("shop")).unwrap().apps.remove(0);
    assert_eq!(app, App::new("shop", "The Shop", "customers", Hash::of("a")));
    assert_eq!((app.code_lifetime.as_secs(), app.ticket_lifetime.as_secs()), (120, 300));
    assert!(!app.return_full_user_info && !app.allow_exchange_from_browser && !app.compat.poll_without_token);
}

#[test]
fn what_is_wrong_is_refused_with_its_line_and_its_field() {
    for (right, wrong, words) in [
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
        assert!(WHOLE.contains(right), "{right}");
        let text = WHOLE.replace(right, wrong);
        let line = text.lines().position(|line| line.contains(wrong)).unwrap() + 1;
        let error = Settings::parse(&text).unwrap_err();
        assert!(error.contains(words) && error.contains(&format!("line {line},")), "{wrong}: {error}");
        let field = wrong.split(" = ").next().unwrap();
        assert!(error.contains(field), "{wrong}: {error}");
    }
    for missing in ["id", "name", "user_pool_id", "secret_hashes"] {
        let start = format!("{missing} = ");
        let text: String =
            least("shop").lines().filter(|line| !line.starts_with(&start)).map(|line| format!("{line}\n")).collect();
        let error = Settings::parse(&text).unwrap_err();
        assert!(error.contains(&format!("missing field `{missing}`")), "{error}");
    }
    let none = least("shop").replace(&format!("\"{}\"", Hash::of("a")), "");
    assert!(Settings::parse(&none).unwrap_err().contains("rotate-secret"));
    assert!(Settings::parse("").unwrap_err().contains("app add"));
    assert!(Settings::parse("[[app]").unwrap_err().contains("line 1,"));
    assert!(Settings::parse(&(least("a") + &least("a"))).unwrap_err().contains("\"a\" twice"));
}

#[test]
fn issuers_stand_beside_apps_and_are_refused_with_their_line_too() {
    let issuer = r#"
[[issuer]]
issuer = "https://id.example.com"
audience = "scanlogin"
jwks = "https://id.example.com/keys"
user_pool_id = "customers"
[issuer.claims]
nickname = "given_name"
"#;
    let parse = |issuers: &str| Settings::parse(&(least("shop") + issuers));
    assert!(!parse(issuer).unwrap().issuers.is_empty());
    assert!(parse("").unwrap().issuers.is_empty());
    for (right, wrong, words) in [
        ("audience = \"scanlogin\"", "audience = []", "audience: is empty"),
        ("https://id.example.com/keys", "http://id.example.com/keys", "is not https"),
        ("user_pool_id = \"customers\"", "", "user_pool_id, user_pool_claim"),
        ("nickname", "nick", "unknown field `nick`"),
    ] {
        let error = parse(&issuer.replace(right, wrong)).unwrap_err();
        assert!(error.contains(words) && error.contains("line "), "{wrong}: {error}");
    }
    assert!(parse(&issuer.repeat(2)).unwrap_err().contains("stands there twice"));
}

#[test]
fn who_names_no_app_means_the_only_one() {
    let apps = |text: &str| Apps::new(Settings::parse(text).unwrap().apps);
    assert_eq!(apps(&least("a")).only().map(|app| app.id.clone()), Some("a".to_owned()));
    let two = apps(&(least("a") + &least("b")));
    assert!(two.only().is_none() && two.find("b").is_some() && two.find("c").is_none());
}
