//! `check-config`: its flags, and the keys of issuers that it fetches.

use std::fs;

use axum::http::StatusCode;

use super::{ADD_SHOP, run, run_err, run_ok};
use crate::support::oidc_provider::{JwksResponse, Key, Provider};

#[test]
fn check_config_accepts_flags_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let flags = ["--listen", "127.0.0.1:1234", "--public-url", "https://login.example", "--trusted-proxy", "127.0.0.1"];
    let before = run(folder, &[&flags[..], &["check-config"]].concat());
    let after = run(folder, &[&["check-config"], &flags[..]].concat());
    for output in [before, after] {
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.contains("127.0.0.1:1234"), "{stderr}");
    }
    let error = run_err(folder, &["check-config", "--www", "no/such/folder"]);
    assert!(error.contains("--www") && error.contains("no/such/folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_fetches_key_sets_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let provider = Provider::start(&[&Key::es256("a")]).await;
    let issuer = format!(
        "\n[[issuer]]\nissuer = \"https://id.example.com\"\naudience = \"scanlogin\"\njwks = {:?}\n\
         user_pool_id = \"customers\"\n",
        provider.url
    );
    let file = folder.join("scanlogin.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap() + &issuer).unwrap();

    run_ok(folder, &["check-config"]);
    assert_eq!(provider.fetch_count(), 0);
    let (_, stderr) = run_ok(folder, &["check-config", "--fetch-keys"]);
    assert!(stderr.contains("https://id.example.com") && stderr.contains(" 1 "), "the number of keys: {stderr}");
    assert_eq!(provider.fetch_count(), 1);

    provider.set_response(JwksResponse::Status(StatusCode::NOT_FOUND));
    run_ok(folder, &["check-config"]);
    let error = run_err(folder, &["check-config", "--fetch-keys"]);
    assert!(error.contains("https://id.example.com") && error.contains("404"), "{error}");
}
