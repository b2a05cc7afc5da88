//! The program `scanlogin-server`: runs a command, or serves until a signal stops it.

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

/// The number of files that are reserved for everything but connections: the listener, the store, static files.
const RESERVED_FILES: u64 = 256;
/// The length of the queue of connections that wait to be accepted. When it is full, a client has to retry after a second.
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
            "--public-url is https, but --trusted-proxy is not set; all clients behind the proxy count as one address"
        );
    }
    config.max_connections = raise_file_limit(config.max_connections);
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

/// Like [`TcpListener::bind`], but with a queue of [`BACKLOG`] connections instead of 128. 128 are too few when all
/// browsers of an office connect at the same time.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows this option would let other processes use the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the limit of open files for `connections`, and returns how many of them it allows. Many systems allow a process
/// 1,024 open files until it raises the limit.
fn raise_file_limit(connections: u32) -> u32 {
    let wanted = u64::from(connections) + RESERVED_FILES;
    let files = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files can't be read or raised");
        wanted
    });
    if files >= wanted {
        return connections;
    }
    let room = u32::try_from(files.saturating_sub(RESERVED_FILES).max(files / 2)).unwrap_or(connections);
    tracing::info!(connections = room, "fewer than --max-connections: the limit of open files is too low");
    room
}

enum Signal {
    Reload,
    Stop,
}

/// Ctrl-C and SIGTERM stop the server. SIGHUP reloads the settings.
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

/// Ctrl-C stops the server. No signal reloads the settings.
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
