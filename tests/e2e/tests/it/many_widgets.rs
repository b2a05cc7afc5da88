//! Many widgets, one after another and side by side: nothing stays behind, and none is in another's way.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::traffic::Seen;
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::{Value, json};

/// What the heap may grow by while V8 compiles what has become hot. One widget that stays is a kilobyte and more, so that
/// 450 of them are three times as much.
const HEAP_TOLERANCE: f64 = 131_072.0;
/// What the wasm's memory may grow by: a page of it, since the first fifty widgets may have left one nearly full, and what
/// lives on it is not packed. One widget that stays is a kilobyte and more here, too.
const WASM_TOLERANCE: f64 = 65_536.0;
/// How often garbage is collected before what is left counts as kept: one collection may miss what was just in use.
const COLLECTIONS: usize = 10;

/// A site with an empty page, so that all widgets on it are the test's own.
async fn start(traffic: &Traffic) -> Result<Site> {
    Site::start_with(|_| {}, |app| traffic.wrap(with_empty_page(app))).await
}

fn with_empty_page(app: Router) -> Router {
    app.route(
        "/empty",
        get(|| async {
            Html("<!doctype html><html lang=en><link rel=icon href=data:,><title>Empty</title><body></body></html>")
        }),
    )
}

/// Opens the empty page with the module in it; `before` runs before the module does.
async fn open(site: &Site, before: &str) -> Result<Browser> {
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/empty", site.url)).await?;
    browser.run(before).await?;
    browser.run("import('/scanlogin/index.js').then((scanlogin) => { window.scanlogin = scanlogin; })").await?;
    browser.until("window.scanlogin !== undefined").await?;
    Ok(browser)
}

/// What the browser counts, once it has collected its garbage.
#[derive(Debug)]
struct Counts {
    heap: f64,
    nodes: f64,
    listeners: f64,
    documents: f64,
    wasm: f64,
}

impl Counts {
    async fn take(browser: &Browser) -> Result<Self> {
        browser.command("HeapProfiler.collectGarbage", json!({})).await?;
        let metrics = browser.command("Performance.getMetrics", json!({})).await?;
        let metric = |name: &str| {
            let metrics = metrics["metrics"].as_array()?;
            metrics.iter().find(|metric| metric["name"] == name)?["value"].as_f64()
        };
        Ok(Self {
            heap: metric("JSHeapUsedSize").context("no heap")?,
            nodes: metric("Nodes").context("no nodes")?,
            listeners: metric("JSEventListeners").context("no listeners")?,
            documents: metric("Documents").context("no documents")?,
            wasm: browser.run("return memory.buffer.byteLength").await?.as_f64().context("no wasm")?,
        })
    }

    fn are_no_more_than(&self, first: &Self) -> bool {
        self.heap <= first.heap + HEAP_TOLERANCE
            && self.nodes <= first.nodes
            && self.listeners <= first.listeners
            && self.documents <= first.documents
            && self.wasm <= first.wasm + WASM_TOLERANCE
    }
}

#[tokio::test]
async fn five_hundred_widgets_leave_no_more_behind_than_fifty() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    let browser = open(&site, KEEP_MEMORY_AND_HOLDS).await?;
    browser.command("Performance.enable", json!({})).await?;
    browser.run(LIVES).await?;

    // Each look at the page from outside leaves something on its heap, so nobody looks while they live.
    browser.run("return live(50)").await?;
    let first = Counts::take(&browser).await?;
    for _ in 0..9 {
        browser.run("return live(50)").await?;
    }
    let mut last = Counts::take(&browser).await?;
    for _ in 1..COLLECTIONS {
        if last.are_no_more_than(&first) {
            break;
        }
        last = Counts::take(&browser).await?;
    }
    assert!(last.are_no_more_than(&first), "{last:?} is more than {first:?}");

    traffic.until(|seen| seen.held.is_empty()).await?;
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

/// Keeps the memory that is measured, and tells of a poll that is about to be held.
const KEEP_MEMORY_AND_HOLDS: &str = "
    WebAssembly.Instance = class extends WebAssembly.Instance {
      constructor(...values) {
        super(...values);
        window.memory = Object.values(this.exports).find((value) => value instanceof WebAssembly.Memory);
      }
    };
    const send = window.fetch;
    window.fetch = (request, ...rest) => {
      if (request.url?.includes('wait=')) setTimeout(() => window.onHold?.());
      return send(request, ...rest);
    };";

/// `live(n)`: that many widgets live in the page, one after another. Each is told to go at another moment (before the
/// wasm has sent anything, while it waits for a code, by its own callback, at rest, during a held poll), and in one of
/// three ways.
const LIVES: &str = "
    window.live = async (n) => {
      for (let i = 0; i < n; i += 1) await life(i % 5, Math.floor(i / 5) % 3);
    };
    async function life(moment, way) {
      const box = document.body.appendChild(document.createElement('div'));
      const aborter = new AbortController();
      const end = Promise.withResolvers();
      const at = (wanted) => () => { if (moment === wanted) end.resolve(); };
      const go = () => [() => handle.destroy(), () => box.remove(), () => aborter.abort()][way]();
      window.onHold = at(4);
      const handle = scanlogin.startScanning(box, {
        interval: 100,
        signal: aborter.signal,
        onCodeLoaded: () => setTimeout(at(1)),
        onCodeShow: () => { if (moment === 2) { go(); end.resolve(); } },
        onResult: () => setTimeout(at(3)),
      });
      at(0)();
      await end.promise;
      go();
      await new Promise((resume) => setTimeout(resume));
      box.remove();
      if (handle.state !== 'destroyed') throw new Error(`moment ${moment}, way ${way}: ${handle.state}`);
    }";

#[tokio::test]
async fn twenty_widgets_on_a_page_do_not_notice_each_other() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    let browser = open(&site, "").await?;
    browser
        .run(
            "window.told = [];
             window.codes = [];
             window.handles = Array.from({ length: 20 }, (_, i) => {
               told[i] = [];
               const box = document.body.appendChild(document.createElement('div'));
               return scanlogin.startScanning(box, {
                 onCodeShow: (random) => { codes[i] = random; },
                 onScanned: ({ nickname }) => told[i].push(`scanned by ${nickname}`),
                 onSuccess: () => told[i].push('success'),
                 onCancel: () => told[i].push('cancel'),
                 onExpired: () => told[i].push('expired'),
                 onError: (message) => told[i].push(message),
                 onCodeDestroyed: () => told[i].push('destroyed'),
               });
             })",
        )
        .await?;
    browser.until("handles.every(({ state }) => state === 'ready')").await?;
    let codes: Vec<String> = serde_json::from_value(browser.run("return codes").await?)?;
    // A browser has six connections to a server: with twenty polls held, fourteen widgets would hear nothing.
    let seen = traffic.until(|seen| codes.iter().all(|code| is_polled(seen, code))).await?;
    assert_eq!((seen.codes, seen.most_held), (20, 4));

    let text = |i: usize| json!({ "random": codes[i] }).to_string();
    let (alice, bob) = (Phone::sign_in(&site.url, "alice").await?, Phone::sign_in(&site.url, "bob").await?);
    alice.scan(&text(3)).await?;
    bob.scan(&text(7)).await?;
    bob.scan(&text(19)).await?;
    browser.until("[3, 7, 19].every((i) => told[i].length === 1)").await?;
    alice.confirm(&text(3)).await?;
    bob.cancel(&text(7)).await?;
    browser.run("handles[11].destroy()").await?;
    browser.until("[3, 7].every((i) => told[i].length === 2)").await?;

    let mut expected = vec![json!([]); 20];
    expected[3] = json!(["scanned by Alice", "success"]);
    expected[7] = json!(["scanned by Bob", "cancel"]);
    expected[11] = json!(["destroyed"]);
    expected[19] = json!(["scanned by Bob"]);
    assert_eq!(browser.run("return told").await?, Value::Array(expected));

    let states = browser.run("return handles.map(({ state }) => state)").await?;
    let mut expected = vec!["ready"; 20];
    (expected[3], expected[7], expected[11], expected[19]) = ("confirmed", "cancelled", "destroyed", "scanned");
    assert_eq!(states, json!(expected));
    traffic.forget();
    let over = [3, 7, 11].map(|i| &codes[i]);
    let seen = traffic.until(|seen| codes.iter().all(|code| over.contains(&code) || is_polled(seen, code))).await?;
    assert!(!seen.polled.iter().chain(&seen.held).any(|code| over.contains(&code)));
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

/// Whether a code is held at the moment, or polled so often that its next poll does not wait for another's end.
fn is_polled(seen: &Seen, code: &String) -> bool {
    seen.held.contains(code) || seen.polled.iter().filter(|polled| *polled == code).count() >= 3
}

#[tokio::test]
async fn an_effect_that_runs_twice_leaves_one_widget_with_one_code_and_one_poller() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    // The first time the wasm is still on its way, the second time it is there.
    let browser = open(&site, "").await?;
    for way in ["destroy", "abort", "destroy", "abort"] {
        traffic.forget();
        browser.run(EFFECTS).await?;
        browser.run(&format!("effects.{way}()(); window.cleanUp = effects.{way}();")).await?;
        let seen = traffic.until(|seen| !seen.held.is_empty()).await?;
        let shown = browser.run("return shown").await?;
        let shown: Vec<String> = serde_json::from_value(shown)?;
        assert_eq!(shown.len(), 1, "{way}");
        assert!(seen.polled.iter().all(|code| *code == shown[0]), "{way}: {shown:?} {seen:?}");
        assert_eq!(seen.held, shown, "{way}");
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, json!(1), "{way}");

        browser.run("cleanUp()").await?;
        traffic.until(|seen| seen.held.is_empty()).await?;
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, json!(0), "{way}");
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

/// What a component does when it appears; what it answers with, when it disappears.
const EFFECTS: &str = "
    window.shown = [];
    const onCodeShow = (random) => shown.push(random);
    window.effects = {
      destroy: () => {
        const handle = scanlogin.startScanning(document.body, { onCodeShow });
        return () => handle.destroy();
      },
      abort: () => {
        const aborter = new AbortController();
        scanlogin.startScanning(document.body, { onCodeShow, signal: aborter.signal });
        return () => aborter.abort();
      },
    };";
