//! Where things are: the root of the repository, and the folder that cargo builds into.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The repository that `cargo xtask` was called in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// What cargo says of the packages.
    metadata: Value,
    has_test_tools: bool,
}

impl Workspace {
    /// Asks cargo, which knows of `CARGO_TARGET_DIR` and of configured folders.
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo could not be started")?;
        if !output.status.success() {
            bail!("cargo cannot read this workspace:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo describes the workspace unreadably")?;
        let folder = |key: &str| {
            let path = metadata.get(key).and_then(Value::as_str);
            path.map(PathBuf::from).with_context(|| format!("cargo does not say where the {key} is"))
        };
        let (root, target) = (folder("workspace_root")?, folder("target_directory")?);
        Ok(Self { root, target, metadata, has_test_tools: false })
    }

    /// Lets the tools have the dependencies that the tests have, see [`Self::cargo_for_tests`].
    pub(crate) fn with_test_tools(self) -> Self {
        Self { has_test_tools: true, ..self }
    }

    /// `cargo test` or `cargo build` for what tests need. All packages are selected, whatever is built of them: cargo
    /// compiles a dependency again when another selection gives it other features.
    pub(crate) fn cargo_for_tests(&self, command: &str) -> Command {
        let mut cargo = self.cargo();
        cargo.args([command, "--workspace", "--features", "tools/test"]);
        cargo
    }

    /// `cargo build` for programs of `tools/`.
    pub(crate) fn build_tools(&self) -> Command {
        if self.has_test_tools {
            let mut cargo = self.cargo_for_tests("build");
            // There are none. With them, cargo gives the dependencies the features that tests ask for.
            cargo.arg("--examples");
            return cargo;
        }
        let mut cargo = self.cargo();
        cargo.args(["build", "--package", "tools"]);
        cargo
    }

    /// A file or folder of the repository, by its path from the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file or folder that cargo generates, by its path from the target folder.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// A program that cargo built with this profile.
    pub(crate) fn built(&self, profile: &str, program: &str) -> PathBuf {
        self.target(profile).join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The names of all targets that `cargo test` runs, of a kind: `test` or `bin`.
    pub(crate) fn tested_targets(&self, kind: &str) -> Result<Vec<String>> {
        let array = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
        let packages = array(&self.metadata, "packages").context("cargo does not list the packages")?;
        let targets = packages.iter().filter_map(|package| array(package, "targets")).flatten();
        let is_tested = |target: &Value| {
            array(target, "kind").is_some_and(|kinds| kinds.contains(&kind.into()))
                && target.get("test").and_then(Value::as_bool) == Some(true)
        };
        let name = |target: Value| target.get("name").and_then(Value::as_str).map(str::to_owned);
        Ok(targets.filter(is_tested).filter_map(name).collect())
    }

    /// A program to be run in the root of the repository.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs us. What it has told us of our own package is not passed on: build scripts that look at these
    /// variables would run again whenever cargo is called with and without us.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = self.command(cargo());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                cargo.env_remove(name);
            }
        }
        cargo
    }
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
