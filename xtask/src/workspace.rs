//! The paths of the repository and of the target folder, and the commands that run there.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The repository in which `cargo xtask` runs.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// The output of `cargo metadata`.
    metadata: Value,
    /// Whether [`Self::build_tools`] builds the tools with the dependencies of the tests.
    has_test_tools: bool,
}

impl Workspace {
    /// Finds the folders with `cargo metadata`, which reads `CARGO_TARGET_DIR` and the configuration.
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo did not start")?;
        if !output.status.success() {
            bail!("cargo can't read this workspace:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("the output of `cargo metadata` is not valid JSON")?;
        let folder = |key: &str| {
            let path = metadata.get(key).and_then(Value::as_str);
            path.map(PathBuf::from).with_context(|| format!("the output of `cargo metadata` has no {key}"))
        };
        let (root, target) = (folder("workspace_root")?, folder("target_directory")?);
        Ok(Self { root, target, metadata, has_test_tools: false })
    }

    /// Builds the tools together with the tests, so that both use the same builds of their dependencies. See
    /// [`Self::cargo_for_tests`].
    pub(crate) fn with_test_tools(self) -> Self {
        Self { has_test_tools: true, ..self }
    }

    /// `cargo test` or `cargo build` for the tests and their tools. Selects all packages, even if only some targets are
    /// built: with another selection, a dependency can get other features, and cargo then compiles it again.
    pub(crate) fn cargo_for_tests(&self, command: &str) -> Command {
        let mut cargo = self.cargo();
        cargo.args([command, "--workspace", "--features", "tools/test"]);
        cargo
    }

    /// `cargo build` for programs of `tools/`. The caller adds `--bin`.
    pub(crate) fn build_tools(&self) -> Command {
        if self.has_test_tools {
            let mut cargo = self.cargo_for_tests("build");
            // The workspace has no examples. This option gives the dependencies the features that tests need.
            cargo.arg("--examples");
            return cargo;
        }
        let mut cargo = self.cargo();
        cargo.args(["build", "--package", "tools"]);
        cargo
    }

    /// The path of a file or folder of the repository. `relative` is relative to the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The path of a generated file or folder. `relative` is relative to the target folder.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The path of a program that cargo builds. `profile` is the name of a folder: `debug` or `release`.
    pub(crate) fn built(&self, profile: &str, program: &str) -> PathBuf {
        self.target(profile).join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The names of the targets that `cargo test` runs. `kind` is `test` or `bin`.
    pub(crate) fn tested_targets(&self, kind: &str) -> Result<Vec<String>> {
        let array = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
        let packages = array(&self.metadata, "packages").context("the output of `cargo metadata` has no packages")?;
        let targets = packages.iter().filter_map(|package| array(package, "targets")).flatten();
        let is_tested = |target: &Value| {
            array(target, "kind").is_some_and(|kinds| kinds.contains(&kind.into()))
                && target.get("test").and_then(Value::as_bool) == Some(true)
        };
        let name = |target: Value| target.get("name").and_then(Value::as_str).map(str::to_owned);
        Ok(targets.filter(is_tested).filter_map(name).collect())
    }

    /// The public address of the repository: `repository` of the package `scanlogin`. `None` before it has one.
    pub(crate) fn repository(&self) -> Option<&str> {
        let packages = self.metadata.get("packages")?.as_array()?;
        let package = packages.iter().find(|package| package.get("name").is_some_and(|name| name == "scanlogin"))?;
        package.get("repository")?.as_str()
    }

    /// A command that runs a program in the root of the repository.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// A command that runs the same cargo as `cargo xtask`. It does not inherit the variables that cargo sets for the
    /// package `xtask`, because build scripts that read them would run again after each plain cargo command.
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
