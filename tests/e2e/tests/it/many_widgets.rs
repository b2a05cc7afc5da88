//! Many widgets in sequence and at the same time: they leak no resources, and do not affect each other.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::traffic::TrafficSnapshot;
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::{Value, json};

/// The allowed growth of the heap in bytes: V8 compiles frequently used functions. A leaked widget takes more than 1
/// KB, so 450 of them take more than three times as much.
const HEAP_TOLERANCE: f64 = 131_072.0;
/// The allowed growth of the memory of the wasm in bytes: one page, since the first 50 widgets may have left one nearly
/// full and fragmented. A leaked widget takes more than 1 KB here, too.
const WASM_TOLERANCE: f64 = 65_536.0;
/// The maximum number of garbage collections before the rest counts as leaked. One collection may miss recent objects.
const COLLECTIONS: usize = 10;

/// A site with an empty page.
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

/// Opens the empty page and loads the module. `setup` is JavaScript that runs before.
async fn open(site: &Site, setup: &str) -> Result<Browser> {
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/empty", site.url)).await?;
    browser.run(setup).await?;
    browser.run("import('/scanlogin/index.js').then((scanlogin) => { window.scanlogin = scanlogin; })").await?;
    browser.wait_for("window.scanlogin !== undefined").await?;
    Ok(browser)
}

/// The counters of the browser after a garbage collection.
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
            heap: metric("JSHeapUsedSize").context("the heap is not counted")?,
            nodes: metric("Nodes").context("nodes are not counted")?,
            listeners: metric("JSEventListeners").context("listeners are not counted")?,
            documents: metric("Documents").context("documents are not counted")?,
            wasm: browser.run("return memory.buffer.byteLength").await?.as_f64().context("the wasm has no memory")?,
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
async fn counters_after_500_widgets_are_those_after_50() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    let browser = open(&site, EXPOSE_MEMORY_AND_HELD_POLLS).await?;
    browser.command("Performance.enable", json!({})).await?;
    browser.run(RUN_WIDGETS).await?;

    // Each script of the driver allocates on the heap of the page, so 50 widgets run in one script.
    browser.run("return runWidgets(50)").await?;
    let first = Counts::take(&browser).await?;
    for _ in 0..9 {
        browser.run("return runWidgets(50)").await?;
    }
    let mut last = Counts::take(&browser).await?;
    for _ in 1..COLLECTIONS {
        if last.are_no_more_than(&first) {
            break;
        }
        last = Counts::take(&browser).await?;
    }
    assert!(last.are_no_more_than(&first), "{last:?} exceeds {first:?}");

    traffic.wait_until(|snapshot| snapshot.held.is_empty()).await?;
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

/// Sets `memory` to the memory of the wasm, and calls `onHold` after a poll that the server will hold is sent.
const EXPOSE_MEMORY_AND_HELD_POLLS: &str = "
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

/// `runWidgets(n)` starts and ends `n` widgets in sequence. They end at five moments (before the first request, after
/// the code is received, in a callback, after a poll, during a held poll) and in three ways (`destroy`, removal,
/// abort).
const RUN_WIDGETS: &str = "
    window.runWidgets = async (n) => {
      for (let i = 0; i < n; i += 1) await runWidget(i % 5, Math.floor(i / 5) % 3);
    };
    async function runWidget(moment, way) {
      const target = document.body.appendChild(document.createElement('div'));
      const controller = new AbortController();
      const ended = Promise.withResolvers();
      const at = (reached) => () => { if (moment === reached) ended.resolve(); };
      const end = () => [() => handle.destroy(), () => target.remove(), () => controller.abort()][way]();
      window.onHold = at(4);
      const handle = scanlogin.startScanning(target, {
        interval: 100,
        signal: controller.signal,
        onCodeLoaded: () => setTimeout(at(1)),
        onCodeShow: () => { if (moment === 2) { end(); ended.resolve(); } },
        onResult: () => setTimeout(at(3)),
      });
      at(0)();
      await ended.promise;
      end();
      // A removed widget ends when it has not come back in the next task.
      for (let task = 0; task < 2; task += 1) await new Promise((resume) => setTimeout(resume));
      target.remove();
      if (handle.state !== 'destroyed') throw new Error(`moment ${moment}, way ${way}: ${handle.state}`);
    }";

#[tokio::test]
async fn twenty_widgets_on_a_page_are_independent() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    let browser = open(&site, "").await?;
    browser
        .run(
            "window.calls = [];
             window.codes = [];
             window.handles = Array.from({ length: 20 }, (_, i) => {
               calls[i] = [];
               const target = document.body.appendChild(document.createElement('div'));
               return scanlogin.startScanning(target, {
                 onCodeShow: (random) => { codes[i] = random; },
                 onScanned: ({ nickname }) => calls[i].push(`scanned by ${nickname}`),
                 onSuccess: () => calls[i].push('success'),
                 onCancel: () => calls[i].push('cancel'),
                 onExpired: () => calls[i].push('expired'),
                 onError: (message) => calls[i].push(message),
                 onCodeDestroyed: () => calls[i].push('destroyed'),
               });
             })",
        )
        .await?;
    browser.wait_for("handles.every(({ state }) => state === 'ready')").await?;
    let codes: Vec<String> = serde_json::from_value(browser.run("return codes").await?)?;
    // A browser has six connections to a server. With 20 held polls, 14 widgets would not be polled.
    let snapshot = traffic.wait_until(|snapshot| codes.iter().all(|code| is_polled(snapshot, code))).await?;
    assert_eq!((snapshot.codes, snapshot.max_held), (20, 4));

    let text = |i: usize| json!({ "random": codes[i] }).to_string();
    let (alice, bob) = (Phone::sign_in(&site.url, "alice").await?, Phone::sign_in(&site.url, "bob").await?);
    alice.scan(&text(3)).await?;
    bob.scan(&text(7)).await?;
    bob.scan(&text(19)).await?;
    browser.wait_for("[3, 7, 19].every((i) => calls[i].length === 1)").await?;
    alice.confirm(&text(3)).await?;
    bob.cancel(&text(7)).await?;
    browser.run("handles[11].destroy()").await?;
    browser.wait_for("[3, 7].every((i) => calls[i].length === 2)").await?;

    let mut expected = vec![json!([]); 20];
    expected[3] = json!(["scanned by Alice", "success"]);
    expected[7] = json!(["scanned by Bob", "cancel"]);
    expected[11] = json!(["destroyed"]);
    expected[19] = json!(["scanned by Bob"]);
    assert_eq!(browser.run("return calls").await?, Value::Array(expected));

    let states = browser.run("return handles.map(({ state }) => state)").await?;
    let mut expected = vec!["ready"; 20];
    (expected[3], expected[7], expected[11], expected[19]) = ("confirmed", "cancelled", "destroyed", "scanned");
    assert_eq!(states, json!(expected));
    traffic.reset();
    let ended = [3, 7, 11].map(|i| &codes[i]);
    let snapshot = traffic
        .wait_until(|snapshot| codes.iter().all(|code| ended.contains(&code) || is_polled(snapshot, code)))
        .await?;
    assert!(!snapshot.polled.iter().chain(&snapshot.held).any(|code| ended.contains(&code)));
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

/// Whether a poll of the code is held, or the code was polled at least three times.
fn is_polled(snapshot: &TrafficSnapshot, code: &String) -> bool {
    snapshot.held.contains(code) || snapshot.polled.iter().filter(|polled| *polled == code).count() >= 3
}

#[tokio::test]
async fn effect_that_runs_twice_leaves_one_widget_that_polls_one_code() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(&traffic).await?;
    // In the first iteration the wasm is not loaded yet.
    let browser = open(&site, "").await?;
    for way in ["destroy", "abort", "destroy", "abort"] {
        traffic.reset();
        browser.run(EFFECTS).await?;
        browser.run(&format!("effects.{way}()(); window.cleanUp = effects.{way}();")).await?;
        let snapshot = traffic.wait_until(|snapshot| !snapshot.held.is_empty()).await?;
        let shown = browser.run("return shown").await?;
        let shown: Vec<String> = serde_json::from_value(shown)?;
        assert_eq!(shown.len(), 1, "{way}");
        assert!(snapshot.polled.iter().all(|code| *code == shown[0]), "{way}: {shown:?} {snapshot:?}");
        assert_eq!(snapshot.held, shown, "{way}");
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, json!(1), "{way}");

        browser.run("cleanUp()").await?;
        traffic.wait_until(|snapshot| snapshot.held.is_empty()).await?;
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, json!(0), "{way}");
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

/// Effects of a component: each starts a widget, and returns its clean-up function.
const EFFECTS: &str = "
    window.shown = [];
    const onCodeShow = (random) => shown.push(random);
    window.effects = {
      destroy: () => {
        const handle = scanlogin.startScanning(document.body, { onCodeShow });
        return () => handle.destroy();
      },
      abort: () => {
        const controller = new AbortController();
        scanlogin.startScanning(document.body, { onCodeShow, signal: controller.signal });
        return () => controller.abort();
      },
    };";
