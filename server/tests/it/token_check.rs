//! `scanlogin-server token check`: it explains why a server would accept or reject a token.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::oidc_provider::{ISSUER, Key};

/// A folder with the settings of a server and the published key of an issuer.
fn folder(key: &Key) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys.json"), json!({ "keys": [key.jwk] }).to_string()).unwrap();
    let settings = format!(
        "[[app]]\nid = \"shop\"\nname = \"The Shop\"\nuser_pool_id = \"staff\"\n\
         secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n\
         [[issuer]]\nissuer = {ISSUER:?}\naudience = \"scanlogin\"\nuser_pool_claim = \"org.id\"\njwks = \"keys.json\"\n\
         claims = {{ nickname = \"names.nick\" }}\n"
    );
    fs::write(folder.path().join("scanlogin.toml"), settings).unwrap();
    folder
}

fn claims(changes: &Value) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": ISSUER, "aud": "scanlogin", "sub": "alice", "iat": now - 600, "exp": now + 3_000, "org": { "id": "staff" },
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

/// Runs the command with `token` on its standard input.
fn check(folder: &Path, arguments: &[&str], token: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
    command.args(["token", "check"]).args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may end without reading its input.
    let _ = child.stdin.take().unwrap().write_all(token.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn accepted_token_is_explained_with_its_user_and_apps() {
    let key = Key::eddsa("a");
    let folder = folder(&key);
    let token = key.sign(&claims(&json!({ "names": { "nick": "Al" } })));
    let from_stdin = check(folder.path(), &[], &format!("Bearer {token}\n"));
    assert!(from_stdin.status.success(), "{}", text(&from_stdin.stderr));
    let report = text(&from_stdin.stdout);
    for expected in [
        "EdDSA",
        "\"a\"",
        ISSUER,
        "keys.json",
        "\"scanlogin\"",
        "10 minutes ago",
        "in 50 minutes",
        "\"alice\"",
        "names.nick",
        "\"Al\"",
        "org.id",
        "\"staff\"",
        "shop",
        "accepted",
    ] {
        assert!(report.contains(expected), "{expected} in {report}");
    }
    assert!(!report.contains(&token) && !report.contains(token.rsplit('.').next().unwrap()), "{report}");

    fs::write(folder.path().join("token.txt"), &token).unwrap();
    let from_file = check(folder.path(), &["token.txt"], "");
    assert!(from_file.status.success() && text(&from_file.stdout) == report, "{}", text(&from_file.stdout));
}

#[test]
fn rejected_token_is_explained_by_the_check_that_failed() {
    let (key, other) = (Key::eddsa("a"), Key::eddsa("b"));
    let folder = folder(&key);
    let future = Timestamp::now().as_second() + 95;
    for (token, expected) in [
        (key.sign(&claims(&json!({ "aud": "web" }))), vec!["wrong-audience", "\"web\"", "\"scanlogin\""]),
        (
            key.sign(&claims(&json!({ "iss": "https://b.example" }))),
            vec!["unknown-issuer", "https://b.example", ISSUER],
        ),
        (other.sign(&claims(&json!({}))), vec!["unknown-key", "\"b\"", "\"a\""]),
        (key.sign(&claims(&json!({ "exp": 1_000_000_000 }))), vec!["expired", "2001-09-09", "login-expired"]),
        (key.sign(&claims(&json!({ "iat": future }))), vec!["not-yet-valid", "clock", "seconds ahead"]),
        ("garbage".to_owned(), vec!["malformed-token", "opaque"]),
    ] {
        let output = check(folder.path(), &[], &token);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        let report = text(&output.stdout) + &text(&output.stderr);
        for expected in expected {
            assert!(report.contains(expected), "{expected} in {report}");
        }
        assert!(!report.contains(&token) || token == "garbage", "{report}");
    }
}

#[test]
fn accepted_token_of_a_pool_without_an_app_is_a_warning() {
    let key = Key::eddsa("a");
    let folder = folder(&key);
    let output = check(folder.path(), &[], &key.sign(&claims(&json!({ "org": {} }))));
    let report = text(&output.stdout);
    assert!(report.contains("org.id") && report.contains("absent") && report.contains("wrong-pool"), "{report}");
}

#[test]
fn sign_in_that_is_too_weak_for_an_app_is_explained() {
    let key = Key::eddsa("a");
    let folder = folder(&key);
    let settings = folder.path().join("scanlogin.toml");
    let with_step_up = fs::read_to_string(&settings).unwrap().replace(
        "user_pool_id = \"staff\"\n",
        "user_pool_id = \"staff\"\nstep_up = { max_age = 60, amr = [\"mfa\"] }\n",
    );
    fs::write(&settings, with_step_up).unwrap();
    let now = Timestamp::now().as_second();
    for (changes, expected) in [
        (json!({}), Some("confirm at shop gets the reason step-up-required: auth_time is absent")),
        (json!({ "auth_time": now, "amr": ["pwd"] }), Some("step-up-required: amr is [\"pwd\"]")),
        (json!({ "auth_time": now, "amr": ["pwd", "mfa"] }), None),
    ] {
        let output = check(folder.path(), &[], &key.sign(&claims(&changes)));
        let report = text(&output.stdout);
        assert!(output.status.success(), "{report}");
        assert_eq!(report.contains("step-up-required"), expected.is_some(), "{report}");
        assert!(report.contains(expected.unwrap_or("shop")), "{report}");
    }
}

#[test]
fn token_as_an_argument_is_refused_and_not_repeated() {
    let key = Key::eddsa("a");
    let folder = folder(&key);
    let token = key.sign(&claims(&json!({})));
    let output = check(folder.path(), &[&token], "");
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("standard input") && !error.contains(&token), "{error}");
}
