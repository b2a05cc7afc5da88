//! The command line: defaults, parsing, and errors that name the flag.

use core::time::Duration;
use std::collections::HashSet;
use std::path::Path;

use clap::Parser as _;
use scanlogin_server::cli::args::Flags;
use scanlogin_server::config::Config;
use scanlogin_server::store::address::StoreAddress;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SETTINGS: &str = r#"
    [[app]]
    id = "shop"
    name = "The Shop"
    user_pool_id = "customers"
    secret_hashes = ["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
"#;

fn parse(flags: &[&str]) -> Result<Config, String> {
    let flags = Flags::try_parse_from([&["scanlogin-server"], flags].concat()).map_err(|error| error.to_string())?;
    Config::try_from(flags).map_err(|error| error.to_string())
}

/// Parses `flags` with valid settings and a JWT secret.
fn parse_valid(flags: &[&str]) -> Result<Config, String> {
    parse_with(SETTINGS, &[&["--jwt-secret", SECRET], flags].concat())
}

/// Parses `flags` with this settings file.
fn parse_with(settings: &str, flags: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scanlogin.toml");
    std::fs::write(&file, settings).unwrap();
    parse(&[&["--config", file.to_str().unwrap()], flags].concat())
}

#[test]
fn omitted_flags_have_defaults() {
    let config = parse_valid(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.base_url(), "http://127.0.0.1:8787");
    assert_eq!(config.store.to_string(), "sqlite:scanlogin.db");
    assert_eq!((config.redis_timeout, config.takeover_timeout), (Duration::from_secs(1), Duration::from_secs(5)));
    assert_eq!(config.max_connections, 20_000);
    assert_eq!(config.settings.apps[0].id, "shop");
    assert!(config.demo.is_none());
}

#[test]
fn timeout_flags_are_parsed_as_seconds() {
    let config = parse_valid(&["--redis-timeout", "3", "--takeover-timeout", "0"]).unwrap();
    assert_eq!((config.redis_timeout, config.takeover_timeout), (Duration::from_secs(3), Duration::ZERO));
}

#[test]
fn trusted_proxy_accepts_networks_and_addresses() {
    assert!(parse_valid(&[]).unwrap().trusted_proxies.is_empty());
    let flags = ["--trusted-proxy", "10.0.0.0/8,192.0.2.1", "--trusted-proxy", "2001:db8::/32"];
    let config = parse_valid(&flags).unwrap();
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn invalid_flag_values_fail_with_the_flag_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for (flag, value) in [
        ("--listen", "everywhere"),
        ("--listen", "127.0.0.1:99999"),
        ("--store", "postgres://"),
        ("--store", "sqlite:"),
        ("--store", "redis://"),
        ("--store", "redis://:hush@localhost:99999"),
        ("--store", "redis://:hush@localhost/shop"),
        ("--store", "rediss://:hush@localhost/#insecure"),
        ("--store", "redis://:hush@localhost?protocol=4"),
        ("--store", "redis+unix://:hush@/run/redis"),
        ("--redis-timeout", "0"),
        ("--redis-timeout", "soon"),
        ("--takeover-timeout", "soon"),
        ("--public-url", "login.example.com"),
        ("--public-url", "https://login.example.com/path"),
        ("--public-url", "https://user@login.example.com"),
        ("--public-url", "ftp://login.example.com"),
        ("--public-url", ""),
        ("--trusted-proxy", "everybody"),
        ("--trusted-proxy", "10.0.0.0/33"),
        ("--trusted-proxy", ""),
        ("--max-connections", "0"),
        ("--max-connections", "many"),
        ("--log-format", "xml"),
        ("--www", missing.to_str().unwrap()),
        ("--package", missing.to_str().unwrap()),
    ] {
        let error = parse_valid(&[flag, value]).unwrap_err();
        assert!(error.contains(flag), "{flag} {value}: {error}");
        assert!(!error.contains("hush"), "the error contains the password: {error}");
    }
}

#[test]
fn redis_password_is_used_but_never_printed() {
    for (given, shown) in [
        ("redis://localhost", "redis://localhost"),
        ("redis://:hush@localhost:6380/3", "redis://localhost:6380/3"),
        ("rediss://shop:hush@[::1]/", "rediss://[::1]/"),
    ] {
        let config = parse_valid(&["--store", given]).unwrap();
        assert_eq!(config.store.to_string(), shown);
        assert!(!format!("{config:?}").contains("hush"), "{config:?}");
        let StoreAddress::Redis(address) = config.store else { panic!("{given} is not parsed as a Redis address") };
        assert_eq!(address.expose(), given);
    }
}

#[test]
fn config_without_demo_requires_settings_and_a_jwt_secret_or_issuer() {
    let error = parse(&["--jwt-secret", SECRET, "--config", "no/such.toml"]).unwrap_err();
    assert!(error.contains("no/such.toml") && error.contains("app add"), "{error}");

    let error = parse_with(SETTINGS, &[]).unwrap_err();
    assert!(error.contains("--jwt-secret") && error.contains("[[issuer]]"), "{error}");
    let error = parse_with(SETTINGS, &["--jwt-secret", &SECRET[1..]]).unwrap_err();
    assert!(error.contains("--jwt-secret") && error.contains("32"), "the minimum length: {error}");
    let issuer = r#"
        [[issuer]]
        issuer = "https://id.example.com"
        audience = "scanlogin"
        jwks = "https://id.example.com/keys"
        user_pool_id = "customers"
    "#;
    assert!(parse_with(&(SETTINGS.to_owned() + issuer), &[]).unwrap().jwt_secret.is_none());
    let error = parse_with(&(SETTINGS.to_owned() + &issuer.replace("\"scanlogin\"", "[]")), &[]).unwrap_err();
    assert!(error.contains("audience") && error.contains("line"), "{error}");
}

#[test]
fn demo_generates_new_secrets_at_each_start_unless_one_is_given() {
    let (first, second) = (parse(&["--demo"]).unwrap(), parse(&["--demo"]).unwrap());
    let secrets = |config: &Config| {
        let app_secret = config.demo.as_ref().unwrap().app_secret.expose().to_owned();
        [app_secret, config.jwt_secret.as_ref().unwrap().expose().to_owned()]
    };
    assert!(first.settings.apps[0].has_secret(&secrets(&first)[0]));
    let distinct: HashSet<String> = [secrets(&first), secrets(&second)].into_iter().flatten().collect();
    assert_eq!(distinct.len(), 4);
    let given = parse(&["--demo", "--jwt-secret", SECRET]).unwrap().jwt_secret;
    assert_eq!(given.as_ref().map(|secret| secret.expose()), Some(SECRET));
}

#[test]
fn demo_with_config_adds_the_demo_app_to_the_apps_of_the_file() {
    let settings = SETTINGS.to_owned() + "allowed_origins = [\"https://shop.example\"]\n[limits]\nbody_timeout = 3\n";
    let config = parse_with(&settings, &["--demo"]).unwrap();
    let [shop, demo_app] = config.settings.apps.as_slice() else { panic!("{:?}", config.settings.apps) };
    assert_eq!((shop.id.as_str(), demo_app.id.as_str()), ("shop", "demo-app"));
    assert!(shop.allow_local_origins && demo_app.allow_local_origins);
    assert!(shop.allows(&"https://shop.example".parse().unwrap()));
    assert_eq!(config.settings.limits.body_timeout, Duration::from_secs(3));
    let demo = config.demo.as_ref().unwrap();
    assert!(demo_app.has_secret(demo.app_secret.expose()) && !shop.has_secret(demo.app_secret.expose()));
    let pools = [&shop.user_pool_id, &demo_app.user_pool_id, &demo.user_pool_id];
    assert_eq!(pools, ["customers"; 3], "alice and bob can sign in to the shop");
    assert!(config.settings_file.is_some(), "the file can be read again");

    let alone = parse(&["--demo"]).unwrap();
    assert_eq!((alone.settings.apps.len(), alone.settings_file), (1, None));
    assert!(parse(&["--demo", "--config", "no/such.toml"]).unwrap_err().contains("no/such.toml"));
}

#[test]
fn public_url_must_be_http_or_https() {
    for url in ["tauri://localhost", "https://*.example", "http://localhost:*"] {
        let error = parse_valid(&["--public-url", url]).unwrap_err();
        assert!(error.contains("--public-url") && error.contains("https://"), "{error}");
    }
}

#[test]
fn demo_rejects_public_listen_addresses_without_demo_public() {
    for address in ["0.0.0.0:8787", "192.0.2.1:8787", "[::]:8787"] {
        let flags = ["--demo", "--listen", address, "--public-url", "https://demo.example"];
        let error = parse(&flags).unwrap_err();
        assert!(error.contains("--demo") && error.contains("--demo-public"), "{error}");
        assert!(parse(&[&flags[..], &["--demo-public"]].concat()).is_ok());
    }
    assert!(parse(&["--demo", "--listen", "[::1]:0"]).is_ok());
}

#[test]
fn unspecified_listen_address_requires_public_url() {
    let error = parse_valid(&["--listen", "0.0.0.0:80"]).unwrap_err();
    assert!(error.contains("--public-url"), "{error}");
}

#[test]
fn debug_output_of_the_config_contains_no_secret() {
    let printed = format!("{:?}", parse_valid(&[]).unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
}

#[test]
fn help_lists_environment_variables_commands_and_signals() {
    let help = Flags::try_parse_from(["scanlogin-server", "--help"]).err().unwrap().to_string();
    for word in ["SCANLOGIN_STORE", "SCANLOGIN_DEMO", "app add", "check-config", "SIGHUP"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn public_url_is_normalised_and_a_directory_as_config_fails() {
    assert_eq!(parse_valid(&["--public-url", "https://A.example:443"]).unwrap().base_url(), "https://a.example");
    assert!(parse_valid(&["--config", Path::new("/").to_str().unwrap()]).is_err());
}
