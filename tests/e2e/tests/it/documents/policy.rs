//! The policy of docs/content-security-policy.md: a page of another origin than the server signs in under it, and without one
//! of its lines the page fails as the table says.

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

use super::{blocks, plain, read, root, rows};

const HEAD: &str =
    "<!doctype html><html lang=en><title>Policy</title><link rel=icon href=https://login.example.com/favicon.svg>
    <body><div id=qrcode></div>";
const TAG: &str = "<script src=https://login.example.com/scanlogin/global.js></script><script src=/script.js></script>";
const MODULE: &str = "<script src=/module.js type=module></script>";
const SCRIPT: &str = "
    window.events = [];
    window.start = (options) => ScanLogin.startScanning('qrcode', {
      host: 'https://login.example.com',
      onSuccess: () => events.push('success'),
      onError: (_message, error) => events.push(error.code),
      ...options,
    });
    start();";
/// The module that contains the wasm: only the responses of the server come from another origin.
const IMPORT: &str = "import * as ScanLogin from '/inline.js';";
/// The console messages of a page that violates its policy.
const VIOLATIONS: &[&str] = &["Content Security Policy", "ScanLogin is not defined"];

/// A row of the table, and how to check it.
struct Case {
    /// The beginning of the first cell.
    line: &'static str,
    /// What is removed from the policy: whole lines, by name, or a line's name and one of its values.
    without: &'static [&'static str],
    outcome: Outcome,
}

enum Outcome {
    /// The page signs in as before.
    Unchanged,
    /// The script does not run.
    NoScript,
    /// The codes of the errors with the script tag, and with the module that contains the wasm.
    Errors(&'static str, &'static str),
    /// The page signs in, and shows no images.
    NoImages,
}

const CASES: [Case; 6] = [
    Case { line: "default-src", without: &["default-src"], outcome: Outcome::Unchanged },
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
    Case { line: "img-src", without: &["img-src"], outcome: Outcome::NoImages },
    Case {
        line: "require-trusted-types-for",
        without: &["require-trusted-types-for", "trusted-types"],
        outcome: Outcome::Unchanged,
    },
];

/// The policy without some lines or values.
fn policy_without(policy: &str, without: &[&str]) -> String {
    let mut lines: Vec<_> = policy.split(';').map(|line| line.trim().to_owned()).collect();
    for missing in without {
        match missing.split_once(' ') {
            None => lines.retain(|line| line.split(' ').next() != Some(missing)),
            Some((name, value)) => {
                for line in lines.iter_mut().filter(|line| line.starts_with(name)) {
                    *line = line.replace(&format!(" {value}"), "");
                }
            }
        }
    }
    lines.join("; ")
}

/// Starts a server, and serves pages of another origin at `/INDEX/tag` and `/INDEX/module`, each under the policy with this
/// index. Returns the origin of the pages, and the server.
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
    let page = async move |Path((index, way)): Path<(usize, String)>| {
        let scripts = if way == "tag" { &tag } else { MODULE };
        ([(CONTENT_SECURITY_POLICY, policies[index].clone())], Html([&head, scripts].concat())).into_response()
    };
    let router = Router::new()
        .route("/{index}/{way}", get(page))
        .route("/script.js", get(async || ([(CONTENT_TYPE, "text/javascript")], script)))
        .route("/module.js", get(async || ([(CONTENT_TYPE, "text/javascript")], module)))
        .route("/inline.js", get(async || ([(CONTENT_TYPE, "text/javascript")], inline)));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok((pages, site))
}

/// Signs in. Checks that the widget shows the photo of the user, or that it hides the photo.
async fn sign_in(browser: &Browser, phone: &Phone, has_photo: bool) -> Result<()> {
    let code = browser.read_code().await?;
    phone.scan(&code).await?;
    browser.wait_for_state("scanned").await?;
    let photo = format!("{WIDGET}.querySelector('.photo')");
    let expected = if has_photo { format!("{photo}.naturalWidth") } else { format!("{photo}.hidden") };
    browser.wait_for(&expected).await?;
    phone.confirm(&code).await?;
    browser.wait_for("events.at(-1) === 'success'").await.map(drop)
}

#[tokio::test]
async fn the_policy_is_sufficient_and_each_missing_line_has_the_documented_effect() -> Result<()> {
    let text = read("docs/content-security-policy.md")?;
    let policy = blocks(&text, "").first().context("there is no policy")?.replace('\n', " ");
    let table = rows(&text);
    let mut policies: Vec<_> = CASES.iter().map(|case| policy_without(&policy, case.without)).collect();
    assert!(!policies.contains(&policy_without(&policy, &[])), "{policies:?}");
    policies.push(policy);
    let (pages, site) = start(policies).await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;

    browser.goto(&format!("{pages}/{}/tag", CASES.len())).await?;
    sign_in(&browser, &phone, true).await?;
    browser.expect_no_console_errors(&[]).await?;

    for (index, case) in CASES.iter().enumerate() {
        let row = table.iter().find(|row| plain(&row[0]).starts_with(case.line));
        let documented = row.map(|row| plain(&row[2])).with_context(|| format!("the table has no {}", case.line))?;
        let goto = async |way| browser.goto(&format!("{pages}/{index}/{way}")).await;
        goto("tag").await?;
        match case.outcome {
            Outcome::Unchanged => {
                sign_in(&browser, &phone, true).await?;
                browser.expect_no_console_errors(&[]).await?;
                assert_eq!(documented, "the widget works the same", "{}", case.line);
            }
            Outcome::NoScript => {
                browser.wait_for("document.readyState === 'complete'").await?;
                assert_eq!(browser.run("return typeof ScanLogin").await?, "undefined");
                assert_eq!(documented, "ScanLogin is not defined");
            }
            Outcome::Errors(with_tag, with_wasm_inside) => {
                browser.wait_for(&format!("events[0] === '{with_tag}'")).await?;
                goto("module").await?;
                browser.wait_for(&format!("events[0] === '{with_wasm_inside}'")).await?;
                assert!(documented.contains(with_tag) && documented.contains(with_wasm_inside), "{documented}");
            }
            Outcome::NoImages => {
                sign_in(&browser, &phone, false).await?;
                // The image of the server is blocked, and the widget draws the code.
                browser.run("start({ render: 'img' })").await?;
                browser.read_code().await?;
                let effect = "an icon instead of the photo, no logo, and a drawn code";
                assert!(documented.starts_with(effect), "{documented}");
            }
        }
        browser.expect_no_console_errors(VIOLATIONS).await?;
    }
    browser.close().await
}
