//! A server without free file descriptors: it backs off between attempts to accept, and recovers.
//!
//! The test changes the limit of a child process, because the limit applies to a whole process. Only Linux can change
//! the limit of another process.
#![cfg(target_os = "linux")]

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use jiff::Timestamp;
use rlimit::{Resource, prlimit};
use serde_json::Value;

use crate::support::server_process::ServerProcess;
use crate::support::timeout::TIMEOUT;

/// Waits until `server` logs that it can't accept a connection, and returns the timestamp of that line.
fn wait_for_accept_error(server: &ServerProcess) -> Timestamp {
    // EMFILE, the error of a process without free file descriptors.
    let is_accept_error = |line: &Value| line["error"].as_str().is_some_and(|error| error.contains("os error 24"));
    let line = server.wait_for_log_line("a failed accept", is_accept_error);
    line["timestamp"].as_str().unwrap().parse().unwrap()
}

#[test]
fn accept_without_free_file_descriptors_backs_off_and_recovers() {
    let server = ServerProcess::demo("sqlite::memory:");
    let id = server.id().try_into().unwrap();
    let (mut soft, mut hard) = (0, 0);
    prlimit(id, Resource::NOFILE, None, Some((&mut soft, &mut hard))).unwrap();
    // The limit does not close descriptors that are already open.
    prlimit(id, Resource::NOFILE, Some((0, hard)), None).unwrap();

    let mut stream = TcpStream::connect(server.client.address()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let [first, second] = [(); 2].map(|()| wait_for_accept_error(&server));
    let delay = second.duration_since(first).unsigned_abs();
    // The server waits for half a second, but the log uses another clock, so this allows for a difference. Without the
    // delay there would be microseconds between the attempts.
    assert!(delay >= Duration::from_millis(250), "{delay:?}");

    prlimit(id, Resource::NOFILE, Some((soft, hard)), None).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.0 200 "), "{response}");
}
