//! The npm package as `npm pack` creates it, in small projects. Each project is built by its tool and opened in a
//! browser, and signs a user in.

mod frameworks;
mod project;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use scanlogin_e2e::site::{Port, demo_app};
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use scanlogin_server::Config;
use serde_json::Value;

use self::project::{Project, Server, installed};

/// All files of the tarball.
const FILES: [&str; 17] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "THIRD-PARTY-NOTICES.txt",
    "dist/element.d.ts",
    "dist/element.js",
    "dist/global.d.ts",
    "dist/global.js",
    "dist/index.d.ts",
    "dist/index.js",
    "dist/inline.d.ts",
    "dist/inline.js",
    "dist/scanlogin.wasm",
    "element/package.json",
    "inline/package.json",
    "package.json",
];

#[test]
fn tarball_contains_exactly_the_listed_files() -> Result<()> {
    assert_eq!(files_in(&installed()?.package)?, FILES.map(PathBuf::from).into());
    Ok(())
}

#[test]
fn tarball_contains_each_file_that_package_json_names() -> Result<()> {
    for folder in [".", "element", "inline"] {
        let folder = installed()?.package.join(folder);
        let manifest = manifest(&folder)?;
        let fields = ["exports", "main", "types", "unpkg", "jsdelivr"];
        let named: Vec<_> = fields.iter().flat_map(|field| strings_in(&manifest[field])).collect();
        assert!(named.len() > 1, "{manifest}");
        for file in named {
            assert!(folder.join(file).is_file(), "the tarball does not contain {file}");
        }
    }
    Ok(())
}

#[test]
fn tools_without_support_for_exports_find_the_same_files() -> Result<()> {
    let package = &installed()?.package;
    let exports = &manifest(package)?["exports"];
    for (name, folder) in [(".", "."), ("./element", "element"), ("./inline", "inline")] {
        let folder = package.join(folder);
        let manifest = manifest(&folder)?;
        for (field, export) in [("main", "default"), ("types", "types")] {
            let file = |value: &Value| value.as_str().map(PathBuf::from).context(format!("{name} has no {field}"));
            let found = fs::canonicalize(folder.join(file(&manifest[field])?))?;
            assert_eq!(found, fs::canonicalize(package.join(file(&exports[name][export])?))?);
        }
    }
    Ok(())
}

#[test]
fn notices_name_each_crate_in_the_wasm_and_have_its_licence() -> Result<()> {
    let notices = fs::read_to_string(installed()?.package.join("THIRD-PARTY-NOTICES.txt"))?;
    let sections: Vec<_> = notices.split(&"-".repeat(80)).skip(1).collect();
    let mut crates = project::crates_of_the_widget()?;
    crates.retain(|name| !name.starts_with("scanlogin"));
    assert!(crates.len() > 10, "{crates:?}");
    for name in crates.iter().map(String::as_str).chain(["the Rust standard library", "esbuild"]) {
        let is_listed = |[names, _]: &&[&str; 2]| names.lines().any(|line| line.starts_with(name));
        let section = sections.as_chunks().0.iter().find(is_listed);
        let [_, licence] = section.with_context(|| format!("the notices do not name {name}"))?;
        assert!(licence.contains("free of charge"), "the notices have no licence of {name}: {licence}");
    }
    Ok(())
}

#[tokio::test]
async fn script_tag_signs_in() -> Result<()> {
    signs_in_without_bundler("script-tag").await
}

#[tokio::test]
async fn module_without_a_bundler_signs_in() -> Result<()> {
    signs_in_without_bundler("esm").await
}

#[tokio::test]
async fn element_signs_in() -> Result<()> {
    signs_in_without_bundler("element").await
}

#[tokio::test]
async fn vite_build_signs_in() -> Result<()> {
    let project = Project::new("vite")?;
    project.run("vite", &["build"], &[])?;
    signs_in(&project.folder.join("dist"), None, &[]).await
}

#[tokio::test]
async fn webpack_build_signs_in() -> Result<()> {
    let project = Project::new("webpack")?;
    project.run("webpack", &["--mode", "production"], &[])?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn esbuild_bundle_with_a_copied_wasm_signs_in() -> Result<()> {
    let project = Project::new("esbuild")?;
    project.run("esbuild", &["main.js", "--bundle", "--format=esm", "--outdir=dist"], &[])?;
    project.copy_wasm()?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn classic_esbuild_bundle_with_an_inline_wasm_signs_in() -> Result<()> {
    let project = Project::new("inline")?;
    project.run("esbuild", &["main.js", "--bundle", "--outdir=dist"], &[])?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn rollup_bundle_with_a_copied_wasm_signs_in() -> Result<()> {
    let project = Project::new("rollup")?;
    project.run("rollup", &["--config", "rollup.config.mjs"], &[])?;
    project.copy_wasm()?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn react_app_signs_in() -> Result<()> {
    let project = Project::new("react")?;
    project.run("vite", &["build"], &[])?;
    signs_in(&project.folder.join("dist"), None, &[]).await
}

#[tokio::test]
async fn react_app_in_strict_mode_requests_one_code_and_polls_it_once_at_a_time() -> Result<()> {
    let project = Project::new("react")?;
    let port = Port::reserve()?;
    let server = project.serve("vite", &["--host", "localhost"], &[("VITE_HOST", &port.url())]).await?;
    let traffic = Traffic::default();
    let site = site_for(port, &server.url, |app| traffic.wrap(app)).await?;

    let browser = Browser::open().await?;
    sign_in(&browser, &server.url, &site).await?;
    assert_eq!(browser.run("return mounts").await?, 2, "StrictMode must mount twice in development");
    let snapshot = traffic.snapshot();
    assert_eq!((snapshot.codes, snapshot.max_held), (1, 1));
    assert_eq!(snapshot.polled.iter().collect::<BTreeSet<_>>().len(), 1, "{snapshot:?}");
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn vue_app_signs_in() -> Result<()> {
    let project = Project::new("vue")?;
    project.run("vite", &["build"], &[])?;
    // Vue tries to create a Trusted Types policy, and continues without one.
    signs_in(&project.folder.join("dist"), None, &["TrustedTypePolicy named 'vue'"]).await
}

#[tokio::test]
async fn next_app_in_production_is_rendered_on_the_server_and_signs_in() -> Result<()> {
    let project = Project::new("next")?;
    let port = Port::reserve()?;
    let url = port.url();
    let host = [("NEXT_PUBLIC_HOST", &*url)];
    project.run("next", &["build"], &host)?;
    let server = project.serve("next", &["start"], &host).await?;
    expect_next_signs_in(&server, port).await
}

#[tokio::test]
async fn next_app_in_development_signs_in() -> Result<()> {
    let project = Project::new("next")?;
    let port = Port::reserve()?;
    let server = project.serve("next", &["dev"], &[("NEXT_PUBLIC_HOST", &port.url())]).await?;
    expect_next_signs_in(&server, port).await
}

/// Checks the HTML that the server renders, and signs in.
async fn expect_next_signs_in(server: &Server, port: Port) -> Result<()> {
    let site = site_for(port, &server.url, |app| app).await?;
    let html = reqwest::get(&server.url).await?.text().await?;
    assert!(html.contains(r#"<main><h1>Sign in</h1><div></div><p id="welcome"></p></main>"#), "{html}");
    let browser = Browser::open().await?;
    sign_in(&browser, &server.url, &site).await?;
    browser.expect_no_console_errors(&[]).await?;
    assert_eq!(server.errors()?, "");
    browser.close().await
}

/// Signs in on a page that loads the files of the package without a bundler.
async fn signs_in_without_bundler(project: &str) -> Result<()> {
    let project = Project::new(project)?;
    signs_in(&project.folder, Some(installed()?.package.join("dist")), &[]).await
}

/// Signs in at a site with these pages, under the strict policy of the server. Without `package`, the pages contain the
/// widget. Console messages that contain one of `expected` are ignored.
async fn signs_in(pages: &Path, package: Option<PathBuf>, expected: &[&str]) -> Result<()> {
    let set = |config: &mut Config| {
        config.www = Some(pages.to_owned());
        config.package = package;
    };
    // The pages of the demo also have these files.
    let with_pictures = |app: Router| app.route("/favicon.ico", get(picture)).route("/photos/alice.svg", get(picture));
    let site = Site::start_with(set, with_pictures).await?;
    let browser = Browser::open().await?;
    sign_in(&browser, &site.url, &site).await?;
    browser.expect_no_console_errors(expected).await?;
    browser.close().await
}

async fn picture() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../../../../../www/photos/alice.svg"))
}

/// Signs Alice in on the page at `page`, and exchanges the ticket as the backend of the site.
async fn sign_in(browser: &Browser, page: &str, site: &Site) -> Result<()> {
    browser.goto(page).await?;
    let code = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&code).await?;
    browser.wait_for_state("scanned").await?;
    phone.confirm(&code).await?;
    let welcome = browser.text_of("#welcome").await?;
    let ticket = welcome.strip_prefix("Alice, with the ticket ").with_context(|| welcome.clone())?;
    assert_eq!(site.exchange(ticket).await?["data"]["username"], "alice");
    Ok(())
}

/// A site on a reserved port, whose app allows the pages of `origin`.
async fn site_for(port: Port, origin: &str, wrap: impl FnOnce(Router) -> Router) -> Result<Site> {
    let origin = origin.parse().map_err(Error::msg)?;
    Site::start_on(port, |config| demo_app(config).allowed_origins = vec![origin], wrap).await
}

fn manifest(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(folder.join("package.json"))?)?)
}

/// The files in a folder, by their relative paths.
fn files_in(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = PathBuf::from(path.file_name().context("the entry has no name")?);
        if path.is_dir() {
            files.extend(files_in(&path)?.into_iter().map(|file| name.join(file)));
        } else {
            files.insert(name);
        }
    }
    Ok(files)
}

/// All strings in a value, at any depth.
fn strings_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings_in).collect(),
        Value::Object(fields) => fields.values().flat_map(strings_in).collect(),
        _ => Vec::new(),
    }
}
