//! The built program: its commands, the reload of its settings on SIGHUP, and its use of system limits.

use core::time::Duration;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use axum::http::StatusCode;
use scanlogin_server::config::app::Apps;
use scanlogin_server::config::settings::Settings;
use scanlogin_server::store::Store as _;
use scanlogin_server::store::sqlite::SqliteStore;
use serde_json::Value;

use crate::support::oidc_provider::{JwksResponse, Key, Provider};
use crate::support::server_process::ServerProcess;
use crate::support::timeout::TIMEOUT;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
    command.args(arguments).current_dir(folder).env("SCANLOGIN_JWT_SECRET", SECRET);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

/// Runs a command that must succeed, and returns its stdout (without the last newline) and its stderr.
#[track_caller]
fn run_ok(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(folder, arguments);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    (stdout.trim_end().to_owned(), stderr)
}

/// Runs a command that must fail without output on stdout, and returns its stderr.
#[track_caller]
fn run_err(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const ADD_SHOP: [&str; 9] = [
    "app",
    "add",
    "shop",
    "--name",
    "The Shop",
    "--user-pool-id",
    "customers",
    "--allowed-origin",
    "https://shop.example",
];

fn settings(folder: &Path) -> Settings {
    Settings::read(&folder.join("scanlogin.toml")).unwrap()
}

#[test]
fn app_add_stores_a_secret_hash_and_prints_the_secret_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (secret, stderr) = run_ok(folder, &ADD_SHOP);
    assert_eq!(secret.len(), 43);
    assert!(stderr.contains("scanlogin.toml") && !stderr.contains(&secret), "{stderr}");

    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(text.starts_with('#') && !text.contains(&secret), "the file starts with a comment: {text}");
    let app = settings(folder).apps.remove(0);
    assert_eq!((app.id.as_str(), app.name.as_str()), ("shop", "The Shop"));
    assert!(app.has_secret(&secret));

    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.starts_with("shop") && listed.lines().count() == 1, "{listed}");
    for value in ["\"The Shop\"", "customers", "https://shop.example"] {
        assert!(listed.contains(value), "{value} in {listed}");
    }
    let (_, checked) = run_ok(folder, &["check-config"]);
    assert!(checked.contains("127.0.0.1:8787"), "the address that a server would listen on: {checked}");
}

#[test]
fn app_add_stores_the_address_of_links_and_rejects_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let with = |code_url: &'static str| [&ADD_SHOP[..], &["--code-url", code_url]].concat();
    let error = run_err(folder, &with("http://pass.example.com/s"));
    assert!(error.contains("--code-url") && error.contains("https://"), "{error}");
    assert!(!folder.join("scanlogin.toml").exists());

    run_ok(folder, &with("https://pass.example.com/s"));
    assert_eq!(settings(folder).apps[0].code_url.as_ref().unwrap().as_str(), "https://pass.example.com/s");
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.contains("with links to https://pass.example.com/s"), "{listed}");

    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap() + "\n[native_apps]\nios = [\"ABCDE12345.com.example.pass\"]\n";
    fs::write(&file, text).unwrap();
    let (_, checked) = run_ok(folder, &["check-config"]);
    assert!(checked.contains("ABCDE12345.com.example.pass"), "{checked}");
}

#[test]
fn app_commands_preserve_manual_edits_of_the_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap() + "code_lifetime = 60 # shorter than the default\n";
    fs::write(&file, &text).unwrap();
    run_ok(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&text));
    let listed = run_ok(folder, &["app", "list"]).0;
    let blog = listed.lines().last().unwrap();
    assert!(blog.starts_with("blog") && blog.contains("\"Blog\"") && blog.contains("customers"), "{listed}");
    assert!(!blog.contains("https://"), "no origin is allowed: {listed}");
    run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert!(fs::read_to_string(&file).unwrap().contains("code_lifetime = 60 # shorter than the default\n"));
    assert_eq!(settings(folder).apps.len(), 2);
}

#[test]
fn app_list_tells_how_phones_confirm_and_how_many_pages_have_links() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(!listed.contains("same device") && !listed.contains("number"), "{listed}");
    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap()
        + "confirmation = \"number\"\ncode_url = \"https://pass.example/s\"\n\
           return_urls = [\"https://shop.example/login\"]\n";
    fs::write(&file, text).unwrap();
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.contains("1 page has links for the same device"), "{listed}");
    assert!(listed.contains("phones ask for the number"), "{listed}");
}

#[test]
fn rotate_secret_keeps_the_previous_secret_valid_unless_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (first, _) = run_ok(folder, &ADD_SHOP);
    let (second, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    let is_accepted = |secret: &str| settings(folder).apps[0].has_secret(secret);
    assert!(is_accepted(&first) && is_accepted(&second));
    let (third, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert!(!is_accepted(&first) && is_accepted(&second) && is_accepted(&third));
    let (fourth, _) = run_ok(folder, &["app", "rotate-secret", "shop", "--revoke"]);
    assert!(!is_accepted(&third) && is_accepted(&fourth));
}

#[test]
fn invalid_commands_fail_with_a_cause_and_change_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(run_err(folder, &["app", "list"]).contains("app add"));
    assert!(run_err(folder, &["app", "rotate-secret", "shop"]).contains("scanlogin.toml"));
    let with_colon: Vec<&str> = ADD_SHOP.iter().map(|word| if *word == "shop" { "sh:op" } else { word }).collect();
    assert!(run_err(folder, &with_colon).contains("colon"));
    assert!(!folder.join("scanlogin.toml").exists());

    run_ok(folder, &ADD_SHOP);
    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(run_err(folder, &ADD_SHOP).contains("\"shop\""));
    assert!(run_err(folder, &["app", "rotate-secret", "shap"]).contains("\"shap\""));
    assert!(run_err(folder, &["app", "add", "blog", "--name", " ", "--user-pool-id", "p"]).contains("empty"));
    assert_eq!(fs::read_to_string(folder.join("scanlogin.toml")).unwrap(), text);

    fs::write(folder.join("scanlogin.toml"), text.replace("name = ", "nome = ")).unwrap();
    assert!(run_err(folder, &["check-config"]).contains("`nome`"));
    assert!(run_err(folder, &[]).contains("`nome`"), "the server does not start either");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "there is no other file, such as a temporary one");
}

#[test]
fn concurrent_app_commands_lose_no_app_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let ids: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    let add = |id: &String| program(folder, &["app", "add", id, "--name", id, "--user-pool-id", "customers"]);
    let commands = ids.iter().map(add).chain([program(folder, &["app", "rotate-secret", "shop"])]);
    let processes: Vec<_> =
        commands.map(|mut command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let outputs: Vec<Output> = processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();

    let apps = Apps::new(settings(folder).apps);
    let is_stored = |id: &str, output: &Output| {
        let secret = String::from_utf8(output.stdout.clone()).unwrap();
        apps.find(id).is_some_and(|app| app.has_secret(secret.trim_end()))
    };
    let stored = ids.iter().map(String::as_str).chain(["shop"]).zip(&outputs).filter(|(id, out)| is_stored(id, out));
    let succeeded = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!((succeeded, stored.count()), (21, 21), "commands that succeeded, secrets that are stored");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "there is no other file");
}

#[cfg(unix)]
#[test]
fn app_commands_keep_owner_mode_and_symbolic_link_of_the_settings_file() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (folder, target) = (folder.path(), folder.path().join("shared/settings.toml"));
    run_ok(folder, &ADD_SHOP);
    fs::create_dir(folder.join("shared")).unwrap();
    fs::rename(folder.join("scanlogin.toml"), &target).unwrap();
    symlink("shared/settings.toml", folder.join("scanlogin.toml")).unwrap();
    // Only root can give a file to another user. For other users the owner is their own.
    let _ = chown(&target, Some(12_345), Some(12_346));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    let state = || {
        let metadata = fs::metadata(&target).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode())
    };
    let before = state();

    let (secret, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert_eq!(fs::read_link(folder.join("scanlogin.toml")).unwrap(), Path::new("shared/settings.toml"));
    assert_eq!(state(), before, "owner, group and mode");
    assert!(settings(folder).apps[0].has_secret(&secret));
    assert_eq!(fs::read_dir(folder).unwrap().chain(fs::read_dir(folder.join("shared")).unwrap()).count(), 3);

    fs::remove_file(&target).unwrap();
    assert!(run_err(folder, &ADD_SHOP).contains("symbolic link"), "the link leads to no file");
}

#[cfg(unix)]
#[test]
fn app_commands_write_through_no_symbolic_link_beside_the_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let victim = folder.join("victim");
    fs::write(&victim, "untouched").unwrap();
    for name in ["scanlogin.new", "scanlogin.toml.new"] {
        std::os::unix::fs::symlink(&victim, folder.join(name)).unwrap();
    }
    run_ok(folder, &ADD_SHOP);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(!fs::symlink_metadata(folder.join("scanlogin.toml")).unwrap().is_symlink());
}

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

#[test]
fn keys_list_and_rotate_use_the_store_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(run_err(folder, &["keys", "rotate"]).contains("--store scanlogin.db"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "a wrong path creates no store");

    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let (first, _) = run_ok(folder, &["keys", "list"]);
    assert!(first.ends_with(" signs") && first.lines().count() == 1, "{first}");
    let (id, stderr) = run_ok(folder, &["keys", "rotate"]);
    assert!(!stderr.is_empty(), "the command explains when servers use the key");
    let (both, _) = run_ok(folder, &["keys", "list"]);
    let (new, old) = both.split_once('\n').unwrap();
    assert!(new.starts_with(&format!("{id} EdDSA ")) && new.ends_with(" published"), "{both}");
    assert_eq!(old, first);
}

#[tokio::test]
async fn user_show_block_and_unblock_use_the_store_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let user = |action| ["user", action, "alice", "--user-pool-id", "customers"];
    assert!(run_err(folder, &user("show")).contains("--store scanlogin.db"));
    assert!(!folder.join("scanlogin.db").exists(), "a wrong path creates no store");

    let server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let is_blocked = async || server.account("customers", "alice").await.unwrap().map(|account| account.is_blocked);
    let (unknown, _) = run_ok(folder, &user("show"));
    assert_eq!(unknown.lines().count(), 1, "{unknown}");
    assert_eq!(is_blocked().await, None);

    let (blocked, _) = run_ok(folder, &user("block"));
    assert_eq!(is_blocked().await, Some(true));
    assert_ne!(blocked, unknown);
    assert!(blocked.contains(" 0 "), "the number of sign-ins: {blocked}");
    assert_eq!(run_ok(folder, &user("show")).0, blocked);
    let (in_other_pool, _) = run_ok(folder, &["user", "show", "alice", "--user-pool-id", "others"]);
    assert_eq!(in_other_pool, unknown);

    let (unblocked, _) = run_ok(folder, &user("unblock"));
    assert_eq!(is_blocked().await, Some(false));
    assert_ne!(unblocked, blocked);
    assert!(unblocked.contains(" 0 "), "the number of sign-ins: {unblocked}");
    assert_eq!(run_ok(folder, &user("show")).0, unblocked);
}

#[test]
fn second_server_on_a_file_fails_after_the_takeover_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let start = Instant::now();
    let stderr = run_err(folder, &["--listen", "127.0.0.1:0", "--takeover-timeout", "1", "--log-format", "json"]);
    assert!(start.elapsed() >= Duration::from_secs(1), "{stderr}");
    let (log, error) = stderr.trim_end().rsplit_once('\n').unwrap();
    let waits_for_file = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["level"] == "WARN" && line["file"] == "scanlogin.db"
    };
    assert!(log.lines().any(waits_for_file), "{stderr}");
    assert!(error.contains("--store sqlite:scanlogin.db") && error.contains("another server"), "{stderr}");
}

/// Starts a server with the settings in `folder`.
fn start_server(folder: &Path) -> ServerProcess {
    ServerProcess::start(program(folder, &["--store", "sqlite::memory:"]))
}

/// Waits until `server` has read its settings again. The log line has the number of apps.
fn wait_for_reload(server: &ServerProcess) -> Value {
    server.wait_for_log_line("the number of apps after a reload", |line| line["apps"].is_number())
}

/// The raw response to `gene` for the app `id`.
fn gene(server: &ServerProcess, id: &str) -> String {
    let address = server.client.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(
        stream,
        "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: {address}\r\nx-authing-app-id: {id}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn sighup_applies_valid_settings_and_rejects_invalid_ones() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let server = start_server(folder);
    assert!(gene(&server, "shop").contains("\"code\":200"));
    assert!(gene(&server, "blog").contains("unknown-app"));

    run_ok(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    assert!(gene(&server, "blog").contains("unknown-app"), "a change of the file alone has no effect");
    server.signal("HUP");
    let line = wait_for_reload(&server);
    assert_eq!(line["apps"], 2, "{line}");
    assert!(gene(&server, "blog").contains("\"code\":200"));

    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[[app]]", "[[app]")).unwrap();
    server.signal("HUP");
    let line = server.wait_for_log_line("invalid settings", |line| line["level"] == "ERROR");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("scanlogin.toml") && error.contains("line"), "{error}");
    assert!(gene(&server, "blog").contains("\"code\":200"), "the previous settings stay in effect");

    fs::write(&file, text + "\n[limits]\nconnections_per_address = 7\n").unwrap();
    server.signal("HUP");
    let line = server.wait_for_log_line("changed limits", |line| line["level"] == "WARN");
    assert!(line["message"].as_str().unwrap().contains("limits"), "{line}");
    wait_for_reload(&server);
}

#[test]
fn demo_with_config_reads_the_file_again_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let arguments = ["--demo", "--config", "scanlogin.toml", "--store", "sqlite::memory:"];
    let server = ServerProcess::start(program(folder, &arguments));
    for id in ["shop", "demo-app"] {
        assert!(gene(&server, id).contains("\"code\":200"), "{id}");
    }
    run_ok(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    server.signal("HUP");
    assert_eq!(wait_for_reload(&server)["apps"], 3);
    for id in ["shop", "demo-app", "blog"] {
        assert!(gene(&server, id).contains("\"code\":200"), "{id}");
    }
}

#[cfg(unix)]
#[test]
fn connections_are_limited_by_the_open_file_limit() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &ADD_SHOP);
    let unlimited = program(folder.path(), &["--store", "sqlite::memory:"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""]).arg(unlimited.get_program()).args(unlimited.get_args());
    limited.current_dir(folder.path()).env("SCANLOGIN_JWT_SECRET", SECRET);
    let server = ServerProcess::start(limited);

    let mut connections: Vec<_> = (0..200).map(|_| TcpStream::connect(server.client.address()).unwrap()).collect();
    let mut one_too_many = connections.pop().unwrap();
    one_too_many.set_read_timeout(Some(TIMEOUT)).unwrap();
    let read = one_too_many.read(&mut [0]);
    assert_eq!(read.expect("the server closes the connection before the timeout"), 0, "the server sent data");
    let first = &mut connections[0];
    first.set_read_timeout(Some(TIMEOUT)).unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    first.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "the other connections are served: {response}");
}

#[cfg(unix)]
#[test]
fn accept_backlog_holds_500_connections_while_the_server_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    run_ok(folder.path(), &ADD_SHOP);
    let server = start_server(folder.path());
    server.signal("STOP");
    let address = server.client.address().parse().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, TIMEOUT).expect("the accept backlog has room");
    let connections: Vec<_> = (0..500).map(connect).collect();
    assert_eq!(connections.len(), 500);
}
