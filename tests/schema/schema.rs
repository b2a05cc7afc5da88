//! schemathesis generates thousands of valid and invalid requests from `/openapi.json`, and checks the responses.
//! `hooks.py` makes some of the requests name existing codes.
//!
//! `cargo xtask test --only schema` installs schemathesis and sets `SCHEMATHESIS` to its path. Each run generates the
//! same requests, except for the ids of codes.
#![allow(missing_docs, reason = "the names of tests are documentation")]

use std::fs;
use std::num::NonZeroU32;

use futures_util::future::join_all;
use scanlogin_server::store::user::User;
use scanlogin_server::{Config, start};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Each seed generates other requests.
const SEEDS: [&str; 2] = ["1", "2"];
/// The minimum number of generated requests.
const MIN_REQUESTS: u64 = 5_000;
/// Each response must match the document, and must not be a server error.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance";

#[tokio::test(flavor = "multi_thread")]
async fn responses_to_generated_requests_match_the_openapi_document() {
    let schemathesis = std::env::var_os("SCHEMATHESIS").expect("run `cargo xtask test --only schema`");
    let mut config = Config::demo().unwrap();
    // Codes have links, so that `hooks.py` can complete sign-ins on the same device.
    let app = &mut config.settings.apps[0];
    app.code_url = Some("https://pass.example.com/s".to_owned().try_into().unwrap());
    app.return_urls = vec!["https://www.example.com/login".to_owned().try_into().unwrap()];
    // All requests come from one address and one user, and most are invalid, so the rate limits are disabled.
    let limits = &mut config.settings.limits;
    for rate in [
        &mut limits.codes_per_address,
        &mut limits.images_per_address,
        &mut limits.wrong_guesses_per_address,
        &mut limits.approver_calls_per_user,
    ] {
        rate.burst = NonZeroU32::MAX;
    }
    config.settings.native_apps = serde_json::from_value(json!({ "ios": ["ABCDE12345.com.example.pass"] })).unwrap();
    config.settings.apps[0].shown_custom_data = vec!["order".to_owned()];
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let running = start(config, listener).await.unwrap();

    let demo = running.state.config.demo.as_ref().unwrap();
    let alice = User { id: "alice".to_owned(), user_pool_id: demo.user_pool_id.clone(), ..User::default() };
    let token = running.state.identity.sign(&alice).unwrap();
    let (token, app_id, app_secret) = (token.expose(), &demo.app_id, demo.app_secret.expose());
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/hooks.py");
    // With a database, Hypothesis spends half of its time on selecting inputs to store.
    let settings = format!(
        "hooks = '{hooks}'\n\
         [auth.openapi]\n\
         user = {{ bearer = '{token}' }}\n\
         backend = {{ username = '{app_id}', password = '{app_secret}' }}\n\
         [generation]\n\
         database = 'none'\n\
         [phases.fuzzing.generation]\n\
         max-examples = 400\n\
         [phases.stateful.generation]\n\
         max-examples = 25\n"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("settings.toml"), settings).unwrap();
    // One process for each core: a process uses one core, whatever its number of workers.
    let runs = SEEDS.map(|seed| {
        let report = folder.path().join(format!("report-{seed}.json"));
        let mut command = Command::new(&schemathesis);
        command
            .current_dir(folder.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SCANLOGIN_URL", &running.url)
            .env("SCANLOGIN_TOKEN", token)
            .env("SCANLOGIN_SEED", seed)
            .args(["--config-file", "settings.toml", "run"])
            .arg(format!("{}/openapi.json", running.url))
            .args(["--checks", CHECKS, "--continue-on-failure", "--no-color", "--seed", seed])
            .args(["--report", "json", "--report-json-path"])
            .arg(&report);
        async move { (command.output().await.unwrap(), report) }
    });
    let outcomes = join_all(runs).await;
    let account = running.state.store.unmeasured().account(&alice.user_pool_id, &alice.id).await.unwrap();
    running.shutdown().await;

    let mut requests = 0;
    for (output, report) in outcomes {
        print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "schemathesis found problems: see its report above");
        let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        requests += report["test_cases"]["generated"].as_u64().unwrap();
    }
    println!("{requests} requests");
    assert!(account.is_some_and(|account| account.logins_count > 0), "no request has completed a sign-in");
    assert!(requests >= MIN_REQUESTS, "only {requests} requests were generated");
}
