//! The memory that clients can make the server hold.
//!
//! The server is a child process, because the memory of this process belongs to all tests. Only Linux reports the peak.
#![cfg(target_os = "linux")]

use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::server_process::ServerProcess;
use crate::support::timeout::within_timeout;

const CONNECTIONS: usize = 500;
/// The size of a request body that is larger than any call needs.
const LARGE: usize = 64_000;
/// The maximum size of a request body.
const MAX: usize = 16 * 1024;

/// A field of `/proc/ID/status`, in KB.
fn memory(server: &ServerProcess, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Sends the request of `gene` with a body of `length` bytes, except its last byte.
async fn send_all_but_one_byte(server: &ServerProcess, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.client.address()).await.unwrap();
    let head = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {length}\r\n\r\n{{\"context\":\"{}", "x".repeat(length - 13));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn unfinished_bodies_take_at_most_64_kb_of_memory_each() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("scanlogin.toml");
    let app = "[[app]]\nid = \"a\"\nname = \"A\"\nuser_pool_id = \"p\"\nallowed_origins = []\n";
    let hash = scanlogin_server::secrets::Hash::of("secret");
    let limits = "[limits]\nbody_timeout = 3\n";
    std::fs::write(&settings, format!("{app}secret_hashes = [\"{hash}\"]\n{limits}")).unwrap();
    for length in [MAX, LARGE] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
        command.args(["--store", "sqlite::memory:", "--config"]).arg(&settings);
        command.env("SCANLOGIN_JWT_SECRET", "x".repeat(40));
        let server = ServerProcess::start(command);
        // The first request allocates what all requests share.
        server.client.gene().await.unwrap().data();
        let before = memory(&server, "VmRSS");
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            streams.push(send_all_but_one_byte(&server, length).await);
        }
        for mut stream in streams {
            let mut response = String::new();
            within_timeout("the response to an unfinished body", stream.read_to_string(&mut response)).await.unwrap();
            assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        }
        let each = memory(&server, "VmHWM").saturating_sub(before) / CONNECTIONS;
        assert!(each <= 64, "{each} KB for each body of {length} bytes");
    }
}
