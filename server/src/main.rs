//! The program: flags in, a server until a signal, an exit code out.

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use scanlogin_server::config::{Config, Flags};
use scanlogin_server::{StartError, log, start};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), StartError> {
    let config = Config::try_from(flags)?;
    log::write_to_stderr(config.log_format);
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("--listen {}: {error}", config.listen)))?;
    let running = start(config, listener).await?;
    tracing::info!(url = running.url, "listening");
    stop_signal().await?;
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C, or for what a service manager sends.
#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
