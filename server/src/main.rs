//! The program: flags in, a server until a signal or the end of a command, an exit code out.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser as _;
use scanlogin_server::cli::args::Flags;
use scanlogin_server::config::Config;
use scanlogin_server::config::origin::Origin;
use scanlogin_server::telemetry::log;
use scanlogin_server::{StartError, cli, start};
use tokio::net::{TcpListener, TcpSocket};

/// What is open besides connections: the listener, the store, pages that are being read.
const OTHER_FILES: u64 = 256;
/// How many connections may wait until they are accepted. Of those who find no place the system lets each wait a second.
const BACKLOG: u32 = 1_024;

fn main() -> ExitCode {
    let mut flags = Flags::parse();
    let outcome = match flags.command.take() {
        Some(command) => cli::run(command, flags).map_err(|error| error.to_string()),
        None => serve(flags).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(flags: Flags) -> Result<(), StartError> {
    let mut config = Config::try_from(flags)?;
    log::write_to_stderr(config.log_format);
    if config.public_url.as_ref().is_some_and(Origin::is_https) && config.trusted_proxies.is_empty() {
        tracing::warn!(
            "--public-url is https, so there is a proxy; name it by --trusted-proxy, or all visitors count as one"
        );
    }
    config.max_connections = make_room(config.max_connections);
    let mut signals = Signals::new()?;
    let listener = listen(config.listen)
        .map_err(|error| io::Error::new(error.kind(), format!("--listen {}: {error}", config.listen)))?;
    let running = start(config, listener).await?;
    tracing::info!(url = running.url, "listening");
    while let Signal::Reload = signals.next().await? {
        match running.state.reload() {
            Ok(apps) => tracing::info!(apps, "the settings have been read again"),
            Err(error) => tracing::error!(error = error.to_string(), "the settings stay as they are"),
        }
    }
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}

/// Like [`TcpListener::bind`], by which only 128 may wait: fewer than come at once when an office opens its browsers.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere it would let others take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How many of so many `connections` there can be. Many systems give a program 1,024 files, and more only when it asks.
fn make_room(connections: u32) -> u32 {
    let wanted = u64::from(connections) + OTHER_FILES;
    let files = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files can't be read");
        wanted
    });
    if files >= wanted {
        return connections;
    }
    let room = u32::try_from(files.saturating_sub(OTHER_FILES).max(files / 2)).unwrap_or(connections);
    tracing::info!(connections = room, "fewer than --max-connections: the system gives this program no more files");
    room
}

enum Signal {
    Reload,
    Stop,
}

/// Ctrl-C, and what a state manager sends.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, hang_up: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) -> io::Result<Signal> {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Signal::Stop),
            _ = self.terminate.recv() => Ok(Signal::Stop),
            _ = self.hang_up.recv() => Ok(Signal::Reload),
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> io::Result<Signal> {
        tokio::signal::ctrl_c().await.map(|()| Signal::Stop)
    }
}
