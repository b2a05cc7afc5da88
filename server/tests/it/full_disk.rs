//! A server whose store can't be written, as on a full disk: it is not ready until the store can be written again.
//!
//! The test changes the limit of a child process, because the limit applies to a whole process. Only Linux can change
//! the limit of another process.
#![cfg(target_os = "linux")]

use std::process::Command;

use rlimit::{Resource, prlimit};

use crate::support::server_process::ServerProcess;
use crate::support::timeout::within_timeout;

#[tokio::test]
async fn readyz_is_503_while_the_sqlite_file_can_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    // A write above the limit then fails with an error. Otherwise the signal would end the process.
    command.args(["-c", "trap '' XFSZ && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_scanlogin-server"), "--demo"]);
    command.arg("--store").arg(format!("sqlite:{}", folder.path().join("codes.db").display()));
    let server = ServerProcess::start(command);
    let id = server.id().try_into().unwrap();
    let server = &server.client;
    let wait_for = async |status: u16| {
        within_timeout("the status of /readyz", async { while server.ready().await.unwrap().status != status {} })
            .await;
    };
    wait_for(200).await;
    server.gene().await.unwrap().code();

    let (mut soft, mut hard) = (0, 0);
    prlimit(id, Resource::FSIZE, None, Some((&mut soft, &mut hard))).unwrap();
    prlimit(id, Resource::FSIZE, Some((0, hard)), None).unwrap();
    assert!(server.gene().await.unwrap().is_unavailable(), "no person can sign in");
    wait_for(503).await;
    assert!(server.ready().await.unwrap().is_unavailable());

    prlimit(id, Resource::FSIZE, Some((soft, hard)), None).unwrap();
    wait_for(200).await;
    server.gene().await.unwrap().code();
}
