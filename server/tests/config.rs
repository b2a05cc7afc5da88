//! A wrong value stops the start with a sentence that names the flag.
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, and clippy takes no helper for one"
)]

use clap::Parser as _;
use scanlogin_server::config::{Config, Flags, StoreAddress};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn parse(flags: &[&str]) -> Result<Config, String> {
    let flags = Flags::try_parse_from([&["scanlogin-server"], flags].concat()).map_err(|error| error.to_string())?;
    Config::try_from(flags).map_err(|error| error.to_string())
}

const WHOLE: [&str; 8] =
    ["--app-id", "shop", "--app-secret", SECRET, "--user-pool-id", "customers", "--jwt-secret", SECRET];

#[test]
fn what_is_not_given_has_the_defaults_of_the_contract() {
    let config = parse(&WHOLE).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.base_url(), "http://127.0.0.1:8787");
    assert_eq!(config.code_lifetime.as_secs(), 120);
    assert_eq!(config.ticket_lifetime.as_secs(), 300);
    assert_eq!(config.store, StoreAddress::Sqlite("scanlogin.db".into()));
    assert_eq!(config.app.name, "shop");
    assert!(!config.poll_without_token && !config.return_full_user_info && !config.allow_exchange_from_browser);
    assert!(!config.demo && config.allowed_origins.is_empty());
}

#[test]
fn origins_are_repeated_or_separated_by_commas_and_written_as_browsers_do() {
    let flags = ["--allowed-origin", "https://A.example:443,http://b.example:80/", "--allowed-origin", "http://c:81"];
    let config = parse(&[&WHOLE[..], &flags].concat()).unwrap();
    let origins: Vec<String> = config.allowed_origins.iter().map(ToString::to_string).collect();
    assert_eq!(origins, ["https://a.example", "http://b.example", "http://c:81"]);
}

#[test]
fn every_wrong_value_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for (flag, value) in [
        ("--listen", "everywhere"),
        ("--listen", "127.0.0.1:99999"),
        ("--store", "postgres://"),
        ("--store", "sqlite:"),
        ("--public-url", "login.example.com"),
        ("--public-url", "https://login.example.com/path"),
        ("--public-url", "ftp://login.example.com"),
        ("--allowed-origin", "*"),
        ("--allowed-origin", "https://user@example.com"),
        ("--allowed-origin", ""),
        ("--code-lifetime", "9"),
        ("--code-lifetime", "1801"),
        ("--code-lifetime", "soon"),
        ("--ticket-lifetime", "0"),
        ("--ticket-lifetime", "1801"),
        ("--app-name", " "),
        ("--log-format", "xml"),
        ("--www", missing.to_str().unwrap()),
        ("--package", missing.to_str().unwrap()),
    ] {
        let error = parse(&[&WHOLE[..], &[flag, value]].concat()).unwrap_err();
        assert!(error.contains(flag), "{flag} {value}: {error}");
    }
}

#[test]
fn outside_a_demo_the_app_and_its_secrets_must_be_given_and_be_long_enough() {
    for at in (0..WHOLE.len()).step_by(2) {
        let flag = WHOLE[at];
        let mut without = WHOLE.to_vec();
        without.drain(at..at + 2);
        assert!(parse(&without).unwrap_err().starts_with(&format!("{flag} is missing")), "{flag}");

        let mut empty = WHOLE.to_vec();
        empty[at + 1] = "";
        assert!(parse(&empty).unwrap_err().starts_with(&format!("{flag} is empty")), "{flag}");

        if flag.ends_with("-secret") {
            let mut short = WHOLE.to_vec();
            short[at + 1] = &SECRET[1..];
            assert!(parse(&short).unwrap_err().starts_with(&format!("{flag} is too short")), "{flag}");
        }
    }
    let with_colon: Vec<&str> = WHOLE.iter().map(|value| if *value == "shop" { "sh:op" } else { value }).collect();
    assert!(parse(&with_colon).unwrap_err().contains("--app-id"));
}

#[test]
fn a_demo_brings_its_own_app_with_secrets_that_differ_at_each_start() {
    let (first, second) = (parse(&["--demo"]).unwrap(), parse(&["--demo"]).unwrap());
    assert!(first.demo);
    assert_ne!(first.app.secret, second.app.secret);
    assert_ne!(first.jwt_secret, second.jwt_secret);
    assert_ne!(first.jwt_secret, first.app.secret);
    assert_eq!(parse(&["--demo", "--jwt-secret", SECRET]).unwrap().jwt_secret.expose(), SECRET);
}

#[test]
fn a_demo_stays_on_this_machine_unless_told_otherwise() {
    for address in ["0.0.0.0:8787", "192.0.2.1:8787", "[::]:8787"] {
        let flags = ["--demo", "--listen", address, "--public-url", "https://demo.example"];
        let error = parse(&flags).unwrap_err();
        assert!(error.contains("--demo") && error.contains("--demo-public"), "{error}");
        assert!(parse(&[&flags[..], &["--demo-public"]].concat()).is_ok());
    }
    assert!(parse(&["--demo", "--listen", "[::1]:0"]).is_ok());
}

#[test]
fn an_address_that_nobody_can_open_needs_a_public_one() {
    let error = parse(&[&WHOLE[..], &["--listen", "0.0.0.0:80"]].concat()).unwrap_err();
    assert!(error.contains("--public-url"), "{error}");
}

#[test]
fn a_printed_configuration_shows_no_secret() {
    let printed = format!("{:?}", parse(&WHOLE).unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
}

#[test]
fn the_help_names_the_environment_and_shows_an_example() {
    let help = Flags::try_parse_from(["scanlogin-server", "--help"]).err().unwrap().to_string();
    for word in ["SCANLOGIN_STORE", "SCANLOGIN_DEMO", "Example", "--compat-poll-without-token"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}
