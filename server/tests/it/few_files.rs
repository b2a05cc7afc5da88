//! A server that the system gives no more files: it waits, does not spin, and goes on when there are files again.
//!
//! On Linux alone, where the limit of another process can be set. The server is a process of its own, since the limit
//! is the whole process's.
#![cfg(target_os = "linux")]

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use jiff::Timestamp;
use rlimit::{Resource, prlimit};
use serde_json::Value;

use crate::support::server_process::ServerProcess;

/// When a line of a log for programs was written.
fn time_of(line: &str) -> Timestamp {
    let line: Value = serde_json::from_str(line).unwrap();
    line["timestamp"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_server_without_free_files_rests_between_attempts_to_accept_and_recovers() {
    let server = ServerProcess::demo("sqlite::memory:");
    let id = server.id().try_into().unwrap();
    let (mut soft, mut hard) = (0, 0);
    prlimit(id, Resource::NOFILE, None, Some((&mut soft, &mut hard))).unwrap();
    // The files that are open stay open.
    prlimit(id, Resource::NOFILE, Some((0, hard)), None).unwrap();

    let mut stream = TcpStream::connect(server.address.as_str()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let [first, second] = [(); 2].map(|()| time_of(&server.line_with("no connection can be accepted")));
    let rest = second.duration_since(first).unsigned_abs();
    // It rests for half a second, by another clock than that of the log. A loop that spins would rest for microseconds.
    assert!(rest >= Duration::from_millis(250), "{rest:?}");

    prlimit(id, Resource::NOFILE, Some((soft, hard)), None).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
}
