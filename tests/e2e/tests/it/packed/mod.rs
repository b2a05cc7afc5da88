//! The npm package as `npm pack` makes it, in throw-away projects: each is built by its tool, opened in a browser, and
//! signs somebody in. What the projects say of scanlogin is all that a newcomer has to.
//!
//! Deliberately absent: the widget's behaviour, which other tests look at, and loading it under bad conditions.

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

/// What the tarball holds, and nothing else.
const FILES: [&str; 13] = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "dist/element.d.ts",
    "dist/element.js",
    "dist/global.d.ts",
    "dist/global.js",
    "dist/index.d.ts",
    "dist/index.js",
    "dist/inline.d.ts",
    "dist/inline.js",
    "dist/scanlogin.wasm",
    "package.json",
];

#[test]
fn the_tarball_holds_what_is_listed_and_nothing_else() -> Result<()> {
    assert_eq!(files_in(&installed()?.package)?, FILES.map(PathBuf::from).into());
    Ok(())
}

#[test]
fn every_file_that_the_package_names_is_in_the_tarball() -> Result<()> {
    let package = &installed()?.package;
    let manifest: Value = serde_json::from_slice(&fs::read(package.join("package.json"))?)?;
    let named: Vec<_> =
        ["exports", "types", "unpkg", "jsdelivr"].iter().flat_map(|field| strings_in(&manifest[field])).collect();
    assert!(named.len() > 1, "{manifest}");
    for file in named {
        assert!(package.join(file).is_file(), "there is no {file}");
    }
    Ok(())
}

#[tokio::test]
async fn a_script_tag_signs_in() -> Result<()> {
    signs_in_without_a_tool("script-tag").await
}

#[tokio::test]
async fn a_module_without_a_tool_signs_in() -> Result<()> {
    signs_in_without_a_tool("esm").await
}

#[tokio::test]
async fn the_element_signs_in() -> Result<()> {
    signs_in_without_a_tool("element").await
}

#[tokio::test]
async fn a_page_built_by_vite_signs_in() -> Result<()> {
    let project = Project::new("vite")?;
    project.run("vite", &["build"], &[])?;
    signs_in(&project.folder.join("dist"), None, &[]).await
}

#[tokio::test]
async fn a_page_built_by_webpack_signs_in() -> Result<()> {
    let project = Project::new("webpack")?;
    project.run("webpack", &["--mode", "production"], &[])?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn a_page_bundled_by_esbuild_signs_in_with_the_wasm_beside_it() -> Result<()> {
    let project = Project::new("esbuild")?;
    project.run("esbuild", &["main.js", "--bundle", "--format=esm", "--outdir=dist"], &[])?;
    project.copy_wasm()?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn a_classic_script_bundled_by_esbuild_signs_in_with_the_wasm_inside() -> Result<()> {
    let project = Project::new("inline")?;
    project.run("esbuild", &["main.js", "--bundle", "--outdir=dist"], &[])?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn a_page_bundled_by_rollup_signs_in_with_the_wasm_beside_it() -> Result<()> {
    let project = Project::new("rollup")?;
    project.run("rollup", &["--config", "rollup.config.mjs"], &[])?;
    project.copy_wasm()?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn a_react_app_signs_in() -> Result<()> {
    let project = Project::new("react")?;
    project.run("vite", &["build"], &[])?;
    signs_in(&project.folder.join("dist"), None, &[]).await
}

#[tokio::test]
async fn a_react_app_mounted_twice_asks_for_one_code_and_polls_it_once_at_a_time() -> Result<()> {
    let project = Project::new("react")?;
    let port = Port::take()?;
    let server = project.serve("vite", &["--host", "localhost"], &[("VITE_HOST", &port.url())]).await?;
    let traffic = Traffic::default();
    let site = site_for(port, &server.url, |app| traffic.wrap(app)).await?;

    let browser = Browser::open().await?;
    walk(&browser, &server.url, &site).await?;
    assert_eq!(browser.run("return mounts").await?, 2, "StrictMode mounts twice in development");
    let seen = traffic.seen();
    assert_eq!((seen.codes, seen.most_held), (1, 1));
    assert_eq!(seen.polled.iter().collect::<BTreeSet<_>>().len(), 1, "{seen:?}");
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_vue_app_signs_in() -> Result<()> {
    let project = Project::new("vue")?;
    project.run("vite", &["build"], &[])?;
    // Vue asks for a policy of its own, and does without.
    signs_in(&project.folder.join("dist"), None, &["TrustedTypePolicy named 'vue'"]).await
}

#[tokio::test]
async fn a_next_app_is_rendered_on_the_server_and_signs_in() -> Result<()> {
    let project = Project::new("next")?;
    let port = Port::take()?;
    let url = port.url();
    let host = [("NEXT_PUBLIC_HOST", &*url)];
    project.run("next", &["build"], &host)?;
    let server = project.serve("next", &["start"], &host).await?;
    expect_next_signs_in(&server, port).await
}

#[tokio::test]
async fn a_next_app_under_development_signs_in() -> Result<()> {
    let project = Project::new("next")?;
    let port = Port::take()?;
    let server = project.serve("next", &["dev"], &[("NEXT_PUBLIC_HOST", &port.url())]).await?;
    expect_next_signs_in(&server, port).await
}

async fn expect_next_signs_in(server: &Server, port: Port) -> Result<()> {
    let site = site_for(port, &server.url, |app| app).await?;
    let html = reqwest::get(&server.url).await?.text().await?;
    assert!(html.contains(r#"<main><h1>Sign in</h1><div></div><p id="welcome"></p></main>"#), "{html}");
    let browser = Browser::open().await?;
    walk(&browser, &server.url, &site).await?;
    browser.expect_quiet_console(&[]).await?;
    assert_eq!(server.complaints()?, "");
    browser.close().await
}

/// Signs in on a page that loads the files of the package as they are.
async fn signs_in_without_a_tool(project: &str) -> Result<()> {
    let project = Project::new(project)?;
    signs_in(&project.folder, Some(installed()?.package.join("dist")), &[]).await
}

/// Signs in at a site with these pages, under the strict policy that it has for all. Without `package`, they have to bring
/// the widget along. `expected` are parts of what others write to the console.
async fn signs_in(pages: &Path, package: Option<PathBuf>, expected: &[&str]) -> Result<()> {
    let set = |config: &mut Config| {
        config.www = Some(pages.to_owned());
        config.package = package;
    };
    // What the pages of the demo have besides.
    let with_pictures = |app: Router| app.route("/favicon.ico", get(picture)).route("/photos/alice.svg", get(picture));
    let site = Site::start_with(set, with_pictures).await?;
    let browser = Browser::open().await?;
    walk(&browser, &site.url, &site).await?;
    browser.expect_quiet_console(expected).await?;
    browser.close().await
}

async fn picture() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../../../../../www/photos/alice.svg"))
}

/// Walks the whole path, from the code on the page to the user whom the site's backend gets for the ticket.
async fn walk(browser: &Browser, page: &str, site: &Site) -> Result<()> {
    browser.goto(page).await?;
    let code = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&code).await?;
    browser.until_state("scanned").await?;
    phone.confirm(&code).await?;
    let welcome = browser.text_of("#welcome").await?;
    let ticket = welcome.strip_prefix("Alice, with the ticket ").with_context(|| welcome.clone())?;
    assert_eq!(site.exchange(ticket).await?["data"]["username"], "alice");
    Ok(())
}

/// A site for the pages of another origin, which know its address already.
async fn site_for(port: Port, origin: &str, wrap: impl FnOnce(Router) -> Router) -> Result<Site> {
    let origin = origin.parse().map_err(Error::msg)?;
    Site::start_on(port, |config| demo_app(config).allowed_origins = vec![origin], wrap).await
}

/// The files of a folder, by their paths from there.
fn files_in(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = PathBuf::from(path.file_name().context("an entry has a name")?);
        if path.is_dir() {
            files.extend(files_in(&path)?.into_iter().map(|file| name.join(file)));
        } else {
            files.insert(name);
        }
    }
    Ok(files)
}

/// All strings in a value, however deep.
fn strings_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings_in).collect(),
        Value::Object(fields) => fields.values().flat_map(strings_in).collect(),
        _ => Vec::new(),
    }
}
