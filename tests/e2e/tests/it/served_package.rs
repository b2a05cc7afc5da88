//! The package as the server serves it: at the path of its version, and to isolated pages of other origins.

use std::fs;

use anyhow::Result;
use axum::Router;
use axum::http::HeaderName;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::site::{package, version};
use scanlogin_e2e::{Browser, Site};

/// A page with a script tag for `address`. `host` is the attribute with the server, if that is of another origin.
fn page(address: &str, host: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><title>The package</title><link rel=icon href=data:,><body><div id=qrcode></div>
         <script src='{address}' data-target=qrcode data-app-id=demo-app {host}></script>"
    ))
}

#[tokio::test]
async fn script_tag_of_a_version_loads_its_own_wasm_and_both_only_once() -> Result<()> {
    let version = version()?;
    // The operator has deployed another version since.
    let deployed = tempfile::tempdir()?;
    fs::create_dir(deployed.path().join(&version))?;
    for file in fs::read_dir(package().join(&version))? {
        let file = file?;
        fs::copy(file.path(), deployed.path().join(&version).join(file.file_name()))?;
        fs::write(deployed.path().join(file.file_name()), "of another version")?;
    }
    let faults = Faults::default();
    let folder = format!("/scanlogin/{version}");
    let page = get(page(&format!("{folder}/global.js"), ""));
    let site = Site::start_with(
        |config| config.package = Some(deployed.path().to_owned()),
        |app: Router| faults.wrap(app.route("/page", page)),
    )
    .await?;

    let browser = Browser::open().await?;
    for _ in 0..2 {
        browser.goto(&format!("{}/page", site.url)).await?;
        browser.read_code().await?;
    }
    for file in ["global.js", "scanlogin.wasm"] {
        let paths: Vec<_> = faults.requests(file).iter().map(|(_, uri)| uri.path().to_owned()).collect();
        assert_eq!(paths, [format!("{folder}/{file}")]);
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn isolated_page_of_another_origin_loads_the_package_by_a_script_tag() -> Result<()> {
    let server = Site::start().await?;
    let isolated = [
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    ];
    let address = format!("{}/scanlogin/global.js", server.url);
    let page = get((isolated, page(&address, &format!("data-host={}", server.url))));
    let own = Site::start_with(|_| {}, |app: Router| app.route("/page", page)).await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/page", own.url)).await?;
    browser.read_code().await?;
    assert_eq!(browser.run("return crossOriginIsolated").await?, true);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}
