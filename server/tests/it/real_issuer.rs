//! Tokens of a real OpenID Connect provider, the npm package `oidc-provider`. `tests/issuer/` has its configuration.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scanlogin_server::Config;
use scanlogin_server::auth::Identity;
use scanlogin_server::auth::error::TokenProblem;
use scanlogin_server::clock::Clock;
use scanlogin_server::config::issuer::Issuers;
use serde_json::{Value, json};

/// The provider. It ends when this value is dropped, because its input ends.
struct OidcProvider {
    issuer: String,
    _process: Child,
}

impl OidcProvider {
    fn start() -> Self {
        let mut command = Command::new("node");
        command.arg("issuer.js").current_dir(install()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Node.js is installed");
        let mut issuer = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http://127.0.0.1:"), "{issuer}");
        Self { issuer: issuer.trim_end().to_owned(), _process: process }
    }

    /// An access token of the client `phone`.
    fn token(&self, algorithm: &str) -> String {
        let mut response = ureq::post(format!("{}/token", self.issuer))
            .header("authorization", format!("Basic {}", STANDARD.encode("phone:secret")))
            .send_form([("grant_type", "client_credentials"), ("resource", &format!("urn:algorithm:{algorithm}"))])
            .unwrap();
        let response: Value = serde_json::from_reader(response.body_mut().as_reader()).unwrap();
        response["access_token"].as_str().unwrap().to_owned()
    }
}

/// The folder `tests/issuer/`, after the packages of its lock file are installed.
fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/issuer");
    let lock = fs::read(folder.join("package-lock.json")).unwrap();
    let installed = folder.join("node_modules/.installed-from");
    if !fs::read(&installed).is_ok_and(|from| from == lock) {
        let mut npm = Command::new("npm");
        let output = npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder).output();
        let output = output.expect("npm is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::write(installed, lock).unwrap();
    }
    folder
}

fn identity(issuer: &str, settings: Value) -> Identity {
    let mut entry = json!({ "issuer": issuer, "audience": "scanlogin", "user_pool_id": "customers" });
    entry.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let issuers: Issuers = serde_json::from_value(json!([entry])).unwrap();
    Identity::new(Config::demo().unwrap().jwt_secret.as_ref(), issuers, Clock::system())
}

#[tokio::test]
async fn tokens_of_oidc_provider_are_verified_with_discovered_keys() {
    let provider = OidcProvider::start();
    let discovered = identity(&provider.issuer, json!({ "required_claims": { "client_id": "phone" } }));
    for algorithm in ["RS256", "PS256", "ES384", "ES512"] {
        let user = discovered.verify(&provider.token(algorithm)).await.unwrap().user;
        assert_eq!((user.id.as_str(), user.user_pool_id.as_str()), ("phone", "customers"), "{algorithm}");
    }
    let token = provider.token("PS256");
    for (settings, problem) in [
        (json!({ "required_claims": { "client_id": "web" } }), TokenProblem::WrongClaim),
        (json!({ "audience": "web" }), TokenProblem::WrongAudience),
        (json!({ "algorithms": ["RS256"] }), TokenProblem::UnsupportedAlgorithm),
    ] {
        let error = identity(&provider.issuer, settings.clone()).verify(&token).await.unwrap_err();
        assert_eq!(error.problem, problem, "{settings}: {error}");
    }
}
