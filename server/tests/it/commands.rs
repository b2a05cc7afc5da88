//! The program as it is started: its commands, and what it does when it is told to read its settings again.

use core::time::Duration;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use scanlogin_server::config::settings::Settings;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::support::server_process::ServerProcess;

/// How long a test waits for the system before it fails. No test depends on it.
const TIMEOUT: Duration = Duration::from_secs(60);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
    command.args(arguments).current_dir(folder).env("SCANLOGIN_JWT_SECRET", SECRET);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

/// What a command that succeeds prints, and what it says.
#[track_caller]
fn good(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(folder, arguments);
    let (made, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}");
    (made.trim_end().to_owned(), said)
}

/// What a command that fails says.
#[track_caller]
fn bad(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const ADD: [&str; 9] = [
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
fn an_app_is_added_with_the_hash_of_a_secret_that_is_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (secret, said) = good(folder, &ADD);
    assert_eq!(secret.len(), 43);
    assert!(said.contains("scanlogin.toml") && !said.contains(&secret), "{said}");

    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(text.starts_with("# The apps that people sign in to") && !text.contains(&secret), "{text}");
    let app = settings(folder).apps.remove(0);
    assert_eq!((app.id.as_str(), app.name.as_str()), ("shop", "The Shop"));
    assert!(app.has_secret(&secret));

    let listed = good(folder, &["app", "list"]).0;
    assert_eq!(listed, "shop: \"The Shop\", for users of customers, on pages of https://shop.example");
    assert!(good(folder, &["check-config"]).1.contains("A server would start"));
}

#[test]
fn what_a_person_wrote_in_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    good(folder, &ADD);
    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap() + "code_lifetime = 60 # they are quick\n";
    fs::write(&file, &text).unwrap();
    good(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&text));
    let listed = good(folder, &["app", "list"]).0;
    assert!(listed.ends_with("blog: \"Blog\", for users of customers, on the server's own pages alone"), "{listed}");
    good(folder, &["app", "rotate-secret", "shop"]);
    assert!(fs::read_to_string(&file).unwrap().contains("code_lifetime = 60 # they are quick\n"));
    assert_eq!(settings(folder).apps.len(), 2);
}

#[test]
fn a_secret_is_exchanged_while_the_one_before_it_stays_good_or_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (first, _) = good(folder, &ADD);
    let (second, _) = good(folder, &["app", "rotate-secret", "shop"]);
    let is_good = |secret: &str| settings(folder).apps[0].has_secret(secret);
    assert!(is_good(&first) && is_good(&second));
    let (third, _) = good(folder, &["app", "rotate-secret", "shop"]);
    assert!(!is_good(&first) && is_good(&second) && is_good(&third));
    let (fourth, _) = good(folder, &["app", "rotate-secret", "shop", "--revoke"]);
    assert!(!is_good(&third) && is_good(&fourth));
}

#[test]
fn what_can_not_be_done_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(bad(folder, &["app", "list"]).contains("app add"));
    assert!(bad(folder, &["app", "rotate-secret", "shop"]).contains("scanlogin.toml"));
    let colon: Vec<&str> = ADD.iter().map(|word| if *word == "shop" { "sh:op" } else { word }).collect();
    assert!(bad(folder, &colon).contains("colon"));
    assert!(!folder.join("scanlogin.toml").exists());

    good(folder, &ADD);
    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(bad(folder, &ADD).contains("\"shop\" already"));
    assert!(bad(folder, &["app", "rotate-secret", "shap"]).contains("no app \"shap\""));
    assert!(bad(folder, &["app", "add", "blog", "--name", " ", "--user-pool-id", "p"]).contains("must not be empty"));
    assert_eq!(fs::read_to_string(folder.join("scanlogin.toml")).unwrap(), text);

    fs::write(folder.join("scanlogin.toml"), text.replace("name = ", "nome = ")).unwrap();
    assert!(bad(folder, &["check-config"]).contains("unknown field `nome`"));
    assert!(bad(folder, &[]).contains("unknown field `nome`"), "and a server does not start with it");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn the_keys_in_the_store_of_a_server_are_listed_and_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(bad(folder, &["keys", "rotate"]).contains("--store scanlogin.db: there is no such file"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "a wrong path makes no other store");

    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let (first, _) = good(folder, &["keys", "list"]);
    assert!(first.ends_with(" signs") && first.lines().count() == 1, "{first}");
    let (id, said) = good(folder, &["keys", "rotate"]);
    assert!(said.contains("publish"), "{said}");
    let (both, _) = good(folder, &["keys", "list"]);
    let (new, old) = both.split_once('\n').unwrap();
    assert!(new.starts_with(&format!("{id} EdDSA ")) && new.ends_with(" published"), "{both}");
    assert_eq!(old, first);
}

#[test]
fn a_user_is_looked_up_locked_out_and_let_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let user = |action| ["user", action, "alice", "--user-pool-id", "customers"];
    assert!(bad(folder, &user("show")).contains("--store scanlogin.db: there is no such file"));
    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    assert_eq!(good(folder, &user("show")).0, "has never signed in");
    let (blocked, _) = good(folder, &user("block"));
    assert!(blocked.ends_with(", 0 sign-ins; locked out"), "{blocked}");
    assert_eq!(good(folder, &user("show")).0, blocked);
    assert_eq!(good(folder, &["user", "show", "alice", "--user-pool-id", "others"]).0, "has never signed in");
    assert_eq!(format!("{}; locked out", good(folder, &user("unblock")).0), blocked);
}

#[test]
fn a_second_server_on_a_file_waits_for_the_first_and_then_refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    good(folder, &ADD);
    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let said = bad(folder, &["--listen", "127.0.0.1:0", "--takeover-timeout", "1"]);
    assert!(said.contains("waiting for that one to end"), "{said}");
    assert!(said.contains("--store sqlite:scanlogin.db: another server uses it; stop that one"), "{said}");
}

/// A server that runs with the settings in `folder`.
fn serving(folder: &Path) -> ServerProcess {
    ServerProcess::start(program(folder, &["--store", "sqlite::memory:"]))
}

/// The response of `gene` to a page of the app `id`.
fn gene(server: &ServerProcess, id: &str) -> String {
    let address = server.address.as_str();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: {address}\r\nx-authing-app-id: {id}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_running_server_takes_in_new_settings_and_refuses_broken_ones() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    good(folder, &ADD);
    let server = serving(folder);
    assert!(gene(&server, "shop").contains("\"code\":200"));
    assert!(gene(&server, "blog").contains("unknown-app"));

    good(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    assert!(gene(&server, "blog").contains("unknown-app"), "not before it is told");
    server.signal("HUP");
    server.line_with("have been read again");
    assert!(gene(&server, "blog").contains("\"code\":200"));

    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[[app]]", "[[app]")).unwrap();
    server.signal("HUP");
    let line = server.line_with("stay as they are");
    assert!(line.contains("scanlogin.toml") && line.contains("line"), "{line}");
    assert!(gene(&server, "blog").contains("\"code\":200"), "the old ones stay");

    fs::write(&file, text + "\n[limits]\nconnections_per_address = 7\n").unwrap();
    server.signal("HUP");
    server.line_with("count from the next start on");
    server.line_with("have been read again");
}

#[cfg(unix)]
#[test]
fn a_server_takes_no_more_connections_than_it_gets_files_for() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path(), &ADD);
    let unlimited = program(folder.path(), &["--store", "sqlite::memory:"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""]).arg(unlimited.get_program()).args(unlimited.get_args());
    limited.current_dir(folder.path()).env("SCANLOGIN_JWT_SECRET", SECRET);
    let server = ServerProcess::start(limited);

    let mut connections: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address.as_str()).unwrap()).collect();
    let mut one_too_many = connections.pop().unwrap();
    one_too_many.set_read_timeout(Some(TIMEOUT)).unwrap();
    let read = one_too_many.read(&mut [0]);
    assert_eq!(read.expect("it would wait until the system refuses it"), 0, "it is closed");
    let first = &mut connections[0];
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "and the others are served: {answer}");
}

#[cfg(unix)]
#[test]
fn connections_beyond_128_wait_while_the_server_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path(), &ADD);
    let server = serving(folder.path());
    server.signal("STOP");
    let address = server.address.as_str().parse().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, TIMEOUT).expect("the system lets so many wait");
    let connections: Vec<_> = (0..500).map(connect).collect();
    assert_eq!(connections.len(), 500);
}
