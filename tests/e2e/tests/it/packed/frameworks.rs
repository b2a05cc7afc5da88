//! The package with frameworks and tools whose installation or build takes long. `cargo xtask test --all` runs these
//! tests.

use anyhow::Result;
use scanlogin_e2e::site::Port;
use scanlogin_e2e::{Browser, Site};

use super::project::{Project, Server};
use super::{files_in, sign_in, signs_in, site_for};

#[tokio::test]
async fn angular_build_with_the_wasm_as_an_asset_signs_in() -> Result<()> {
    let project = Project::with_framework("angular")?;
    project.run("ng", &["build"], &[])?;
    signs_in(&project.folder.join("dist/browser"), None, &[]).await
}

#[tokio::test]
async fn angular_in_development_signs_in() -> Result<()> {
    signs_in_in_development("angular", "ng", &["serve"]).await
}

#[tokio::test]
async fn nuxt_in_development_signs_in() -> Result<()> {
    signs_in_in_development("nuxt", "nuxt", &["dev"]).await
}

#[tokio::test]
async fn astro_in_development_signs_in() -> Result<()> {
    signs_in_in_development("astro", "node", &["serve.mjs"]).await
}

#[tokio::test]
async fn sveltekit_in_development_signs_in() -> Result<()> {
    signs_in_in_development("sveltekit", "vite", &["dev", "--host", "localhost"]).await
}

#[tokio::test]
async fn parcel_build_copies_the_wasm_and_signs_in_with_an_inline_wasm() -> Result<()> {
    let project = Project::with_framework("parcel")?;
    let dist = project.folder.join("dist");
    project.run("parcel", &["build", "index.html", "file.html", "--no-cache", "--dist-dir", "dist"], &[])?;
    assert!(files_in(&dist)?.iter().any(|file| file.extension().is_some_and(|extension| extension == "wasm")));
    signs_in(&dist, None, &[]).await
}

#[tokio::test]
async fn rspack_build_signs_in() -> Result<()> {
    let project = Project::with_framework("rspack")?;
    project.run("rspack", &["build"], &[])?;
    signs_in(&project.folder, None, &[]).await
}

#[tokio::test]
async fn vitest_with_jsdom_runs_an_inline_wasm_and_reports_one_in_a_file() -> Result<()> {
    passes_its_own_tests("vitest", "vitest", &["run"], &[]).await
}

#[tokio::test]
async fn jest_with_jsdom_runs_an_inline_wasm_and_reports_what_is_missing() -> Result<()> {
    passes_its_own_tests("jest", "jest", &["--ci"], &[("NODE_OPTIONS", "--experimental-vm-modules")]).await
}

/// Runs the tests of a project, in which widgets call a site.
async fn passes_its_own_tests(
    project: &str,
    tool: &'static str,
    arguments: &'static [&str],
    variables: &'static [(&str, &str)],
) -> Result<()> {
    let project = Project::with_framework(project)?;
    let site = Site::start_with(|_| {}, |app| app).await?;
    let host = site.url.clone();
    // The site answers the requests of the tool while the tool runs.
    tokio::task::spawn_blocking(move || {
        project.run(tool, arguments, &[variables, &[("SCANLOGIN_HOST", host.as_str())]].concat())
    })
    .await?
}

/// Signs in on the page that the development server of a framework serves.
async fn signs_in_in_development(project: &str, tool: &str, arguments: &[&str]) -> Result<()> {
    let project = Project::with_framework(project)?;
    let server: Server = project.serve(tool, arguments, &[]).await?;
    let site = site_for(Port::reserve()?, &server.url, |app| app).await?;
    let browser = Browser::open().await?;
    sign_in(&browser, &format!("{}/?host={}", server.url, site.url), &site).await?;
    browser.close().await
}
