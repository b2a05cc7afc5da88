//! The Content Security Policy of README.md: a page of another origin than the server's signs in under it, and without one
//! of its lines comes what the table says.

use std::fs;

use anyhow::{Context as _, Error, Result};
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use tokio::net::TcpListener;

use super::{between, plain, root, rows, section};

const HEAD: &str =
    "<!doctype html><html lang=en><title>Policy</title><link rel=icon href=https://login.example.com/favicon.svg>
    <body><div id=qrcode></div>";
const TAG: &str = "<script src=https://login.example.com/scanlogin/global.js></script><script src=/script.js></script>";
const MODULE: &str = "<script src=/module.js type=module></script>";
const SCRIPT: &str = "
    window.told = [];
    window.start = (options) => ScanLogin.startScanning('qrcode', {
      host: 'https://login.example.com',
      onSuccess: () => told.push('success'),
      onError: (_message, error) => told.push(error.code),
      ...options,
    });
    start();";
/// With the wasm inside, so that nothing but the server's answers comes from elsewhere.
const IMPORT: &str = "import * as ScanLogin from '/inline.js';";
/// What browsers write of a page that is not as its policy wants it.
const VIOLATIONS: &[&str] = &["Content Security Policy", "ScanLogin is not defined"];

/// What a line of the table leaves out of the policy, and what is left to look at.
struct Case {
    /// The beginning of the line in the table.
    line: &'static str,
    /// What is not in the policy any more: whole lines by their names, or single words.
    without: &'static [&'static str],
    outcome: Outcome,
}

enum Outcome {
    /// Everything works.
    Same,
    /// The script does not run.
    NoScript,
    /// The page is told this with the script tag, and that with the wasm inside.
    Errors(&'static str, &'static str),
    /// People sign in, and there are no pictures.
    NoPictures,
}

const CASES: [Case; 6] = [
    Case { line: "default-src", without: &["default-src"], outcome: Outcome::Same },
    Case {
        line: "script-src with the server",
        without: &["script-src https://login.example.com"],
        outcome: Outcome::NoScript,
    },
    Case {
        line: "script-src with 'wasm-unsafe-eval'",
        without: &["script-src 'wasm-unsafe-eval'"],
        outcome: Outcome::Errors("wasm-blocked", "wasm-blocked"),
    },
    Case { line: "connect-src", without: &["connect-src"], outcome: Outcome::Errors("wasm-unreachable", "network") },
    Case { line: "img-src", without: &["img-src"], outcome: Outcome::NoPictures },
    Case {
        line: "require-trusted-types-for",
        without: &["require-trusted-types-for", "trusted-types"],
        outcome: Outcome::Same,
    },
];

/// The policy without some of its lines, or of their words.
fn policy_without(policy: &str, without: &[&str]) -> String {
    let mut lines: Vec<_> = policy.split(';').map(|line| line.trim().to_owned()).collect();
    for missing in without {
        match missing.split_once(' ') {
            None => lines.retain(|line| line.split(' ').next() != Some(missing)),
            Some((name, word)) => {
                for line in lines.iter_mut().filter(|line| line.starts_with(name)) {
                    *line = line.replace(&format!(" {word}"), "");
                }
            }
        }
    }
    lines.join("; ")
}

/// Pages under the policies on an origin of their own, by the place of the policy and the way of loading; and their server.
async fn start(policies: Vec<String>) -> Result<(String, Site)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let pages = format!("http://{}", listener.local_addr()?);
    let origin = pages.parse().map_err(Error::msg)?;
    let site = Site::start_with(|config| demo_app(config).allowed_origins = vec![origin], |app| app).await?;

    let at_site = |text: &str| text.replace("https://login.example.com", &site.url);
    let policies: Vec<_> = policies.iter().map(|policy| at_site(policy)).collect();
    let (head, tag, script) = (at_site(HEAD), at_site(TAG), at_site(SCRIPT));
    let module = format!("{IMPORT} {script}");
    let inline = fs::read(root().join("pkg/dist/inline.js"))?;
    let page = async move |Path((place, way)): Path<(usize, String)>| {
        let scripts = if way == "tag" { &tag } else { MODULE };
        ([(CONTENT_SECURITY_POLICY, policies[place].clone())], Html([&head, scripts].concat())).into_response()
    };
    let router = Router::new()
        .route("/{place}/{way}", get(page))
        .route("/script.js", get(async || ([(CONTENT_TYPE, "text/javascript")], script)))
        .route("/module.js", get(async || ([(CONTENT_TYPE, "text/javascript")], module)))
        .route("/inline.js", get(async || ([(CONTENT_TYPE, "text/javascript")], inline)));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok((pages, site))
}

/// Signs in, and sees the photo of who scanned or a symbol.
async fn sign_in(browser: &Browser, phone: &Phone, has_photo: bool) -> Result<()> {
    let code = browser.read_code().await?;
    phone.scan(&code).await?;
    browser.until_state("scanned").await?;
    let photo = format!("{WIDGET}.querySelector('.photo')");
    let seen = if has_photo { format!("{photo}.naturalWidth") } else { format!("{photo}.hidden") };
    browser.until(&seen).await?;
    phone.confirm(&code).await?;
    browser.until("told.at(-1) === 'success'").await.map(drop)
}

#[tokio::test]
async fn the_policy_is_enough_and_each_of_its_lines_does_what_the_table_says() -> Result<()> {
    let text = section("README.md", "Content Security Policy")?;
    let policy = between(&text, "```\n", "```")?.replace('\n', " ");
    let table = rows(&text);
    let mut policies: Vec<_> = CASES.iter().map(|case| policy_without(&policy, case.without)).collect();
    assert!(!policies.contains(&policy_without(&policy, &[])), "{policies:?}");
    policies.push(policy);
    let (pages, site) = start(policies).await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;

    browser.goto(&format!("{pages}/{}/tag", CASES.len())).await?;
    sign_in(&browser, &phone, true).await?;
    browser.expect_quiet_console(&[]).await?;

    for (place, case) in CASES.iter().enumerate() {
        let row = table.iter().find(|row| plain(&row[0]).starts_with(case.line));
        let told = row.map(|row| plain(&row[2])).with_context(|| format!("the table has no {}", case.line))?;
        let goto = async |way| browser.goto(&format!("{pages}/{place}/{way}")).await;
        goto("tag").await?;
        match case.outcome {
            Outcome::Same => {
                sign_in(&browser, &phone, true).await?;
                browser.expect_quiet_console(&[]).await?;
                assert_eq!(told, "the widget is the same", "{}", case.line);
            }
            Outcome::NoScript => {
                browser.until("document.readyState === 'complete'").await?;
                assert_eq!(browser.run("return typeof ScanLogin").await?, "undefined");
                assert_eq!(told, "there is no ScanLogin");
            }
            Outcome::Errors(with_tag, with_wasm_inside) => {
                browser.until(&format!("told[0] === '{with_tag}'")).await?;
                goto("module").await?;
                browser.until(&format!("told[0] === '{with_wasm_inside}'")).await?;
                assert!(told.contains(with_tag) && told.contains(with_wasm_inside), "{told}");
            }
            Outcome::NoPictures => {
                sign_in(&browser, &phone, false).await?;
                // The server's image can't be shown, but what it shows can be drawn.
                browser.run("start({ render: 'img' })").await?;
                browser.read_code().await?;
                assert!(told.starts_with("a symbol instead of the photo, no logo, and a drawn code"), "{told}");
            }
        }
        browser.expect_quiet_console(VIOLATIONS).await?;
    }
    browser.close().await
}
