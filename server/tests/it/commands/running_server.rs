//! A running server: SIGHUP, and the limits of the system.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{ADD_SHOP, SECRET, program, run_ok};
use crate::support::server_process::ServerProcess;
use crate::support::timeout::TIMEOUT;

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
