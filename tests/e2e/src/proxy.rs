//! Real reverse proxies in front of a site: nginx and Caddy with the configuration of `server/deploy/`, and nginx and
//! HAProxy that cut held polls.
//!
//! `cargo xtask test` installs the programs. They listen on 127.0.0.1 only, and end with the test.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rcgen::generate_simple_self_signed;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::browser::root;
use crate::site::Port;

/// The maximum time for the start of a proxy. It only ends a run that hangs.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The host and the upstream in the files of `server/deploy/`.
const DEPLOYED: [&str; 2] = ["login.example.com", "127.0.0.1:8787"];

/// A proxy program and its configuration.
#[derive(Debug, Clone, Copy)]
pub enum ProxyKind {
    /// nginx with `server/deploy/nginx.conf`.
    DeployedNginx,
    /// Caddy with `server/deploy/Caddyfile`.
    DeployedCaddy,
    /// nginx that waits this long for a response, and then sends its own response with the status 504.
    CuttingNginx(Duration),
    /// HAProxy that does the same.
    CuttingHaproxy(Duration),
}

/// A running proxy. Dropping this kills it.
pub struct Proxy {
    _process: Child,
    _folder: TempDir,
    _port: Port,
}

impl ProxyKind {
    /// The URL of this proxy on `port`.
    pub fn url(self, port: &Port) -> String {
        let scheme = match self {
            Self::DeployedNginx | Self::DeployedCaddy => "https",
            Self::CuttingNginx(_) | Self::CuttingHaproxy(_) => "http",
        };
        format!("{scheme}://localhost:{}", port.number())
    }

    /// Starts the proxy on `port`, in front of the server at `upstream`.
    pub async fn start(self, port: Port, upstream: SocketAddr) -> Result<Proxy> {
        let folder = tempfile::tempdir()?;
        let mut command = match self {
            Self::DeployedNginx => nginx(folder.path(), &deployed_nginx(folder.path(), &port, upstream)?)?,
            Self::CuttingNginx(after) => nginx(folder.path(), &cutting_nginx(&port, upstream, after))?,
            Self::DeployedCaddy => caddy(folder.path(), &port, upstream)?,
            Self::CuttingHaproxy(after) => haproxy(folder.path(), &port, upstream, after)?,
        };
        let log = fs::File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let mut process =
            command.spawn().with_context(|| format!("{name} can't be started: `cargo xtask test` installs it"))?;
        let started = timeout(START_TIMEOUT, async {
            while TcpStream::connect(port.address()).await.is_err() {
                ensure!(process.try_wait()?.is_none(), "{name} ended");
                sleep(POLL_INTERVAL).await;
            }
            anyhow::Ok(())
        });
        if let Err(error) = started.await.map_err(Into::into).flatten() {
            return Err(error.context(fs::read_to_string(folder.path().join("log"))?));
        }
        Ok(Proxy { _process: process, _folder: folder, _port: port })
    }
}

/// The program in the environment variable `variable`, otherwise `name` on the PATH.
fn program(variable: &str, name: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| OsString::from(name)))
}

/// Reads a file of `server/deploy/`, and replaces host and upstream.
fn deployed(file: &str, host: &str, upstream: SocketAddr) -> Result<String> {
    let text = fs::read_to_string(root().join("server/deploy").join(file))?;
    for part in DEPLOYED {
        ensure!(text.contains(part), "server/deploy/{file} does not contain {part}");
    }
    Ok(text.replace(DEPLOYED[0], host).replace(DEPLOYED[1], &upstream.to_string()))
}

/// The deployed configuration with a certificate of its own, on `port` only.
fn deployed_nginx(folder: &Path, port: &Port, upstream: SocketAddr) -> Result<String> {
    let certificate = generate_simple_self_signed(vec!["localhost".to_owned()])?;
    fs::write(folder.join("fullchain.pem"), certificate.cert.pem())?;
    fs::write(folder.join("privkey.pem"), certificate.signing_key.serialize_pem())?;
    let text = deployed("nginx.conf", "localhost", upstream)?;
    let text = text.replace("/etc/letsencrypt/live/localhost", &folder.to_string_lossy());
    // The server that redirects from port 80 is not started.
    let (before, rest) = text.split_once("server {\n\tlisten 80;").context("nginx.conf has no server on port 80")?;
    let (_, after) = rest.split_once("\n}\n").context("nginx.conf is not complete")?;
    let after = after.replace("\tlisten [::]:443 ssl http2;\n", "");
    Ok(format!("{before}{after}").replace("listen 443 ", &format!("listen {} ", port.address())))
}

fn cutting_nginx(port: &Port, upstream: SocketAddr, after: Duration) -> String {
    format!(
        "server {{
           listen {};
           location / {{ proxy_pass http://{upstream}; proxy_http_version 1.1; proxy_read_timeout {}s; }}
         }}",
        port.address(),
        after.as_secs()
    )
}

/// nginx with the servers in `servers`. It is one process, so that killing it leaves no other process.
fn nginx(folder: &Path, servers: &str) -> Result<Command> {
    let configuration = folder.join("nginx.conf");
    let own = folder.to_string_lossy();
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {own}/{name};\n"))
        .concat();
    fs::write(
        &configuration,
        format!(
            "daemon off;\nmaster_process off;\npid {own}/nginx.pid;\nerror_log {own}/errors;\nevents {{}}\n\
             http {{\naccess_log {own}/access;\n{folders}{servers}\n}}\n"
        ),
    )?;
    let mut nginx = program("NGINX", "nginx");
    nginx.arg("-e").arg(folder.join("errors")).arg("-c").arg(configuration);
    Ok(nginx)
}

/// Caddy with a certificate of its own authority.
fn caddy(folder: &Path, port: &Port, upstream: SocketAddr) -> Result<Command> {
    let text = deployed("Caddyfile", &format!("https://localhost:{}", port.number()), upstream)?;
    let configuration = folder.join("Caddyfile");
    let options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n\tskip_install_trust\n}\n";
    fs::write(&configuration, format!("{options}{text}"))?;
    let mut caddy = program("CADDY", "caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration);
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        caddy.env(variable, folder);
    }
    Ok(caddy)
}

fn haproxy(folder: &Path, port: &Port, upstream: SocketAddr, after: Duration) -> Result<Command> {
    let configuration = folder.join("haproxy.cfg");
    fs::write(
        &configuration,
        format!(
            "defaults\n mode http\n timeout connect 60s\n timeout client 60s\n timeout server {}s\n\
             listen site\n bind {}\n option forwardfor\n server site {upstream}\n",
            after.as_secs(),
            port.address()
        ),
    )?;
    let mut haproxy = program("HAPROXY", "haproxy");
    haproxy.arg("-db").arg("-f").arg(configuration);
    Ok(haproxy)
}
