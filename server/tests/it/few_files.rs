//! A system that has no file left to give: the server waits for better times, and does not spin.
//!
//! Deliberately alone in its process, since the limit is the process's.
#![cfg(unix)]
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, and clippy takes no helper for one")]

use core::time::Duration;
use std::fs::File;
use std::io;
use std::sync::Mutex;

use rlimit::Resource;
use scanlogin_server::{Config, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn complaints() -> usize {
    String::from_utf8_lossy(&LOG.lock().unwrap()).matches("no connection can be accepted").count()
}

#[tokio::test]
async fn a_server_that_gets_no_more_files_goes_on_when_there_are_some_again() {
    tracing_subscriber::fmt().with_writer(|| Log).init();
    let config = Config::demo().unwrap();
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let running = start(config, listener).await.unwrap();
    let address = running.url.strip_prefix("http://").unwrap().to_owned();

    let (_, hard) = Resource::NOFILE.get().unwrap();
    Resource::NOFILE.set(64, hard).unwrap();
    let mut files: Vec<File> = core::iter::repeat_with(|| File::open("/dev/null")).map_while(Result::ok).collect();
    // The last one is the client's, so that there is none for the server's end.
    drop(files.pop().unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    while complaints() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    // A loop that spins would have complained thousands of times by then.
    sleep(Duration::from_millis(200)).await;
    assert!(complaints() < 10, "{} complaints", complaints());

    drop(files);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    running.shutdown().await;
}
