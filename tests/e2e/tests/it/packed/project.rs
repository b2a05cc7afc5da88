//! Copies of the projects in `tests/packed`. The package is packed and installed by npm once for all tests, and each
//! test has a copy of its project.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::{NamedTempFile, TempDir};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// The maximum time for the start of a tool. It only ends a run that hangs.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The installed package and tools.
pub(crate) struct Installed {
    /// The folder of the unpacked tarball.
    pub(crate) package: PathBuf,
    /// The folder of the projects in the repository.
    sources: PathBuf,
    /// The parent folder of `projects`. Its `node_modules` contains only the tools.
    tools: PathBuf,
    projects: PathBuf,
    _lock: File,
}

/// Installs the package and the tools of `tests/packed`, once.
pub(crate) fn installed() -> Result<&'static Installed> {
    static INSTALLED: LazyLock<Result<Installed>> = LazyLock::new(|| install("packed"));
    INSTALLED.as_ref().map_err(|error| anyhow!("{error:#}"))
}

/// Installs the package and the tools of `tests/packed/frameworks`, once.
fn installed_frameworks() -> Result<&'static Installed> {
    static INSTALLED: LazyLock<Result<Installed>> = LazyLock::new(|| install("packed/frameworks"));
    INSTALLED.as_ref().map_err(|error| anyhow!("{error:#}"))
}

/// Installs the package and the tools of a folder of `tests`.
fn install(folder: &str) -> Result<Installed> {
    let package = Path::new(REPOSITORY).join("pkg");
    ensure!(package.join("dist/index.js").is_file(), "the package is not built: run `cargo xtask dist` first");
    let sources = Path::new(REPOSITORY).join("tests").join(folder);
    // Tools search for packages in the parent folders, so that no folder of tools may contain another one.
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder.replace('/', "-"));
    fs::create_dir_all(&tools)?;
    // Another run of these tests would delete the folders of this one.
    let lock = File::create(tools.join("lock"))?;
    lock.lock()?;
    install_tools(&sources, &tools)?;

    let projects = tools.join("projects");
    if projects.exists() {
        fs::remove_dir_all(&projects)?;
    }
    fs::create_dir(&projects)?;
    let tarball = run(npm(&package, "pack").args(["--silent", "--pack-destination"]).arg(&projects))?;
    // Without a prefix, npm searches for a package.json in the parent folders.
    run(npm(&projects, "install").args(["--no-package-lock", "--prefix", ".", tarball.trim()]))?;
    Ok(Installed { package: projects.join("node_modules/scanlogin"), sources, tools, projects, _lock: lock })
}

/// Installs the packages of the lock file, unless they are installed.
fn install_tools(sources: &Path, tools: &Path) -> Result<()> {
    let lock = fs::read(sources.join("package-lock.json"))?;
    // npm deletes this file before it installs, so an incomplete installation does not have it.
    let installed_from = tools.join("node_modules/.installed-from");
    if fs::read(&installed_from).is_ok_and(|from| from == lock) {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(file), tools.join(file))?;
    }
    run(npm(tools, "ci").arg("--ignore-scripts"))?;
    Ok(fs::write(installed_from, lock)?)
}

/// The crates that the widget consists of, with their versions, as `cargo tree` resolves them: `itoa 1.0.18`.
pub(crate) fn crates_of_the_widget() -> Result<Vec<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(REPOSITORY).args(["tree", "--locked", "--package", "scanlogin", "--prefix", "none"]);
    cargo.args(["--target", "wasm32-unknown-unknown", "--edges", "normal,no-proc-macro", "--format", "{p}"]);
    let lines = run(&mut cargo)?;
    // A line is `itoa v1.0.18`, and has more words for a crate of this repository.
    let name = |line: &str| {
        let (name, version) = line.split_once(" v")?;
        Some(format!("{name} {}", version.split(' ').next()?))
    };
    Ok(lines.lines().filter_map(name).collect())
}

fn npm(folder: &Path, command: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args([command, "--no-audit", "--no-fund"]);
    npm
}

/// Runs a program to its end, and returns its standard output.
fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} can't be started"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}:\n{text}{errors}", output.status);
    Ok(text)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(source, target)?;
        }
    }
    Ok(())
}

/// A copy of a project for one test.
pub(crate) struct Project {
    /// The folder of the copy.
    pub(crate) folder: PathBuf,
    installed: &'static Installed,
    _copy: TempDir,
}

impl Project {
    /// Copies a project of `tests/packed`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        Self::copy(installed()?, name)
    }

    /// Copies a project of `tests/packed/frameworks`, with the package in its own `node_modules`. Development servers
    /// serve only files of the project.
    pub(crate) fn with_framework(name: &str) -> Result<Self> {
        let project = Self::copy(installed_frameworks()?, name)?;
        copy_folder(&project.installed.package, &project.folder.join("node_modules/scanlogin"))?;
        Ok(project)
    }

    fn copy(installed: &'static Installed, name: &str) -> Result<Self> {
        // Tools search for packages in the parent folders.
        let copy = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(&installed.projects)?;
        let folder = copy.path().to_owned();
        copy_folder(&installed.sources.join(name), &folder)?;
        Ok(Self { folder, installed, _copy: copy })
    }

    /// Runs a tool to its end, with environment variables.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
        run(&mut self.tool(tool, arguments, variables)).map(drop)
    }

    /// Copies the wasm to the folder of the bundle, as is necessary for tools without support for assets.
    pub(crate) fn copy_wasm(&self) -> Result<()> {
        let wasm = "dist/scanlogin.wasm";
        fs::copy(self.installed.package.join(wasm), self.folder.join(wasm))?;
        Ok(())
    }

    /// Starts a tool that serves the project on a free port.
    pub(crate) async fn serve(&self, tool: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Server> {
        let errors = NamedTempFile::new()?;
        let mut command = self.tool(tool, arguments, variables);
        command.args(["--port", "0"]).stdout(Stdio::piped()).stderr(errors.reopen()?);
        // The tool may start other processes. A process group allows to end them together.
        let mut process = command.process_group(0).spawn()?;
        let output = process.stdout.take().context("the output of the tool is not captured")?;
        let mut server = Server { url: String::new(), process, errors };
        let (sender, mut printed) = unbounded_channel();
        // If nothing reads the pipe, it fills up and blocks the tool.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut lines = Vec::new();
        let url = timeout(START_TIMEOUT, async {
            while let Some(line) = printed.recv().await {
                if let Some(url) = url_in(&line) {
                    return Some(url);
                }
                lines.push(line);
            }
            None
        });
        let url = url.await.ok().flatten();
        server.url = url.with_context(|| format!("{tool} printed no address: {lines:#?}\n{:?}", server.errors()))?;
        Ok(server)
    }

    fn tool(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let installed = self.installed.tools.join("node_modules/.bin").join(name);
        // Node.js runs a script of the project.
        let mut command = Command::new(if name == "node" { PathBuf::from(name) } else { installed });
        command.current_dir(&self.folder).args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
        for telemetry in ["NEXT_TELEMETRY_DISABLED", "NUXT_TELEMETRY_DISABLED", "ASTRO_TELEMETRY_DISABLED"] {
            command.env(telemetry, "1");
        }
        // If `CI` is set, some tools print colors to a pipe, too.
        command.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
        command
    }
}

/// The address in the line that a tool prints when it listens: `Local: http://localhost:12345/`.
fn url_in(line: &str) -> Option<String> {
    let (_, address) = line.split_once("Local:")?;
    Some(address.trim().trim_end_matches('/').to_owned())
}

/// A tool that serves a project. Dropping this kills it.
pub(crate) struct Server {
    /// The URL of the tool.
    pub(crate) url: String,
    process: Child,
    errors: NamedTempFile,
}

impl Server {
    /// The errors and warnings so far, except the warning of Next.js about a slow disk.
    pub(crate) fn errors(&self) -> Result<String> {
        let written = fs::read_to_string(self.errors.path())?;
        // The warning has two lines.
        let is_slow_disk = |line: &str| line.contains("Slow filesystem detected") || line.contains("local-development");
        let lines: Vec<_> = written.lines().filter(|line| !is_slow_disk(line)).collect();
        Ok(lines.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("sh").args(["-c", &format!("kill -KILL -{}", self.process.id())]).status();
        let _ = self.process.wait();
    }
}
