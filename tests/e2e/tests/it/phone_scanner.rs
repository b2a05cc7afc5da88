//! The scanner `www/lib/camera.js` by itself, with the camera of Chromium: what it calls, when the camera is on, and the names
//! of its problems. `phone_camera` tests it as part of the phone page.

use anyhow::{Context as _, Result};
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::{Film, View};
use serde_json::{Value, json};

/// A function that opens a scanner. It records the calls, and each stream that the page opens.
const SCAN: &str = "
    const { openScanner } = await import('/lib/camera.js');
    window.tracks ??= [];
    if (!window.calls && navigator.mediaDevices) {
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await open(constraints);
        tracks.push(...stream.getTracks());
        return stream;
      };
    }
    window.calls = [];
    window.states = [];
    window.video = document.createElement('video');
    document.body.append(video);
    window.scanner = openScanner(video, {
      isWanted: (text) => text.includes('APP_AUTH') || text.includes('#'),
      onText: (text, place) => calls.push(['text', text, place]),
      onOtherText: (text) => calls.push(['other', text]),
      onProblem: (problem) => calls.push(['problem', problem]),
      onStateChange: (state) => states.push(state),
    });";
/// Expressions about the tracks of the camera.
const IS_ON: &str = "tracks.filter(({ readyState }) => readyState === 'live').length === 1";
const IS_OFF: &str = "tracks.every(({ readyState }) => readyState === 'ended')";

/// The worker that reads frames and images.
const WORKER: &str = include_str!("../../../../www/lib/qr-worker.js");

/// A site whose worker has a `BarcodeDetector`, which Chromium has on Android and macOS only. `class` is the body of its class.
async fn site_with_detector(class: &str) -> Result<Site> {
    let worker = format!("globalThis.BarcodeDetector = class {{ {class} }};\n{WORKER}");
    let send = move || {
        let worker = worker.clone();
        async { ([(CONTENT_TYPE, "text/javascript")], worker) }
    };
    Site::start_with(|_| {}, |app| app.route("/lib/qr-worker.js", get(send))).await
}

/// Opens a page without a widget and starts a scanner.
async fn scan(phone: &Browser, site: &Site) -> Result<()> {
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    open_scanner(phone).await
}

async fn open_scanner(phone: &Browser) -> Result<()> {
    phone.run(&format!("return (async () => {{ {SCAN} }})()")).await.map(drop)
}

/// The login page and a film of its code.
async fn film_of_login_page(computer: &Browser, site: &Site) -> Result<(String, Film)> {
    computer.goto(&site.url).await?;
    let code = computer.shown_code().await?;
    Ok((code.text().to_owned(), code.film(&View::STRAIGHT)))
}

#[tokio::test]
async fn code_in_front_of_the_camera_is_read_once_and_the_camera_is_off() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = Browser::open_with_phone().await?;
    let (text, film) = film_of_login_page(&computer, &site).await?;
    phone.point_camera_at(&film)?;
    scan(&phone, &site).await?;
    phone.wait_for("scanner.state === 'found'").await?;
    let calls = phone.run("return calls").await?;
    assert_eq!((calls.as_array().map(Vec::len), &calls[0][1]), (Some(1), &json!(text)), "{calls}");
    assert_eq!(phone.run("return states").await?, json!(["starting", "scanning", "found"]));
    assert_eq!(phone.run(&format!("return {IS_OFF}")).await?, json!(true));

    // The code is in the center of the frame, and its side is the share of its height that the film asks for.
    let place = &calls[0][2];
    let side = |from: usize, to: usize| -> Option<f64> {
        let corner =
            |index: usize| Some((place["corners"][index]["x"].as_f64()?, place["corners"][index]["y"].as_f64()?));
        Some((corner(from)?.0 - corner(to)?.0).hypot(corner(from)?.1 - corner(to)?.1))
    };
    let height = place["height"].as_f64().context("the place has no height")?;
    let expected = View::STRAIGHT.share * height;
    for (from, to) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
        let side = side(from, to).context("a corner is missing")?;
        assert!((side / expected - 1.0).abs() < 0.1, "{side} instead of {expected}: {place}");
    }
    computer.close().await?;
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn other_code_is_reported_once_and_scanning_goes_on() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = Browser::open_with_phone().await?;
    let (text, film) = film_of_login_page(&computer, &site).await?;
    phone.point_camera_at(&film)?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let refuse = SCAN.replace("text.includes('APP_AUTH') || text.includes('#')", "window.accepts");
    phone.run(&format!("return (async () => {{ {refuse} }})()")).await?;
    phone.wait_for("calls.length").await?;
    // Some frames later the same code is still not reported again.
    phone.wait_for("video.getVideoPlaybackQuality().totalVideoFrames > 15").await?;
    assert_eq!(phone.run("return calls").await?, json!([["other", text]]));
    phone.run("window.accepts = true").await?;
    phone.wait_for("calls.length === 2 && calls[1][0] === 'text'").await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn camera_is_off_while_the_page_is_hidden_and_after_stop() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.point_camera_at(&Film::of_a_wall())?;
    scan(&phone, &site).await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && {IS_ON}")).await?;
    phone.minimize().await?;
    phone.wait_for(&format!("scanner.state === 'paused' && {IS_OFF}")).await?;
    phone.restore().await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && tracks.length === 2 && {IS_ON}")).await?;

    // Another camera is the same one here. The first stream ends before the next one starts.
    phone.run("return scanner.cameras().then(([{ id }]) => scanner.useCamera(id))").await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && tracks.length === 3 && {IS_ON}")).await?;
    let cameras = phone.run("return scanner.cameras()").await?;
    assert_eq!(cameras[0]["isUsed"], json!(true), "{cameras}");
    assert_eq!(phone.run("return scanner.hasTorch").await?, json!(false));
    assert_eq!(phone.run("return scanner.torch(true)").await?, json!(false));

    phone.run("scanner.stop(); scanner.stop()").await?;
    assert_eq!(phone.run(&format!("return scanner.state === 'stopped' && {IS_OFF}")).await?, json!(true));
    // A scanner that is stopped before the camera has started leaves no camera on.
    open_scanner(&phone).await?;
    phone.run("scanner.stop()").await?;
    phone.minimize().await?;
    phone.restore().await?;
    open_scanner(&phone).await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && {IS_ON}")).await?;
    assert_eq!(phone.run("return calls").await?, json!([]));
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

/// Waits for a problem, and checks that it is the only call and that no camera is on.
async fn expect_problem(phone: &Browser, problem: &str) -> Result<()> {
    phone.wait_for("calls.length").await?;
    assert_eq!(phone.run("return calls").await?, json!([["problem", problem]]));
    assert_eq!(phone.run(&format!("return scanner.state === 'stopped' && {IS_OFF}")).await?, json!(true), "{problem}");
    Ok(())
}

#[tokio::test]
async fn each_reason_for_no_camera_has_a_name() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open().await?;
    phone.point_camera_at(&Film::of_a_wall())?;

    // The errors are those of the specification. Chromium's fake camera raises none of them.
    for (error, problem) in [
        // The browser would ask again: the person has closed the question. A refusal is remembered.
        ("NotAllowedError", "dismissed"),
        ("NotFoundError", "no-camera"),
        ("OverconstrainedError", "no-camera"),
        ("NotReadableError", "in-use"),
        ("AbortError", "in-use"),
    ] {
        phone.goto(&format!("{}/phone.html", site.url)).await?;
        let fail =
            format!("navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}') }};");
        phone.run(&fail).await?;
        open_scanner(&phone).await?;
        expect_problem(&phone, problem).await?;
    }

    phone.goto(&format!("{}/phone.html", site.insecure_url())).await?;
    open_scanner(&phone).await?;
    expect_problem(&phone, "insecure").await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    open_scanner(&phone).await?;
    phone.wait_for("scanner.state === 'scanning'").await?;
    // A camera that is unplugged ends its track.
    phone.run("tracks.at(-1).dispatchEvent(new Event('ended'))").await?;
    expect_problem(&phone, "ended").await?;

    faults.inject("decoder.wasm", Fault::NotFound);
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    open_scanner(&phone).await?;
    expect_problem(&phone, "decoder").await?;
    faults.clear();
    // The next scanner loads it again.
    open_scanner(&phone).await?;
    phone.wait_for("scanner.state === 'scanning'").await?;
    phone.close().await
}

#[tokio::test]
async fn codes_that_the_detector_of_the_browser_finds_are_used() -> Result<()> {
    let site = site_with_detector(
        "static async getSupportedFormats() { return ['ean_13', 'qr_code']; }
        constructor({ formats }) { this.formats = formats; }
        async detect(source) {
          const text = `APP_AUTH: ${this.formats} in a ${source.constructor.name}`;
          const cornerPoints = [[10, 20], [110, 20], [110, 120], [10, 120]].map(([x, y]) => ({ x, y }));
          return [{ rawValue: text, format: 'qr_code', cornerPoints }];
        }",
    )
    .await?;
    let phone = Browser::open().await?;
    // The decoder would find no code.
    phone.point_camera_at(&Film::of_a_wall())?;
    scan(&phone, &site).await?;
    phone.wait_for("scanner.state === 'found'").await?;
    let corners = json!([{ "x": 10, "y": 20 }, { "x": 110, "y": 20 }, { "x": 110, "y": 120 }, { "x": 10, "y": 120 }]);
    let place = json!({ "corners": corners, "width": 1920, "height": 1080 });
    let calls = phone.run("return calls").await?;
    assert_eq!(calls, json!([["text", "APP_AUTH: qr_code in a VideoFrame", place]]));

    let read = "return (async () => {
      const { readQrImage } = await import('/lib/qr-image.js');
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
      canvas.getContext('2d').fillRect(0, 0, 40, 30);
      return readQrImage(await new Promise((resolve) => canvas.toBlob(resolve)), (text) => text.includes('APP_AUTH'));
    })()";
    assert_eq!(phone.run(read).await?, json!({ "text": "APP_AUTH: qr_code in a ImageBitmap" }));
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn decoder_reads_frames_in_which_the_detector_finds_no_code() -> Result<()> {
    const TEXT: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
    const READS_QR_CODES: &str = "static async getSupportedFormats() { return ['qr_code']; }";
    const FINDS_A_CODE: &str = "async detect() { return [{ rawValue: '#wrong', cornerPoints: [] }]; }";
    let phone = Browser::open().await?;
    for (name, class) in [
        ("none found", format!("{READS_QR_CODES} async detect() {{ return []; }}")),
        // Android without the service that detects.
        ("fails", format!("{READS_QR_CODES} async detect() {{ throw new DOMException('', 'NotSupportedError'); }}")),
        ("other formats", format!("static async getSupportedFormats() {{ return ['ean_13']; }} {FINDS_A_CODE}")),
        (
            "can't be asked",
            format!("static async getSupportedFormats() {{ throw new DOMException(''); }} {FINDS_A_CODE}"),
        ),
    ] {
        let site = site_with_detector(&class).await?;
        phone.point_camera_at(&ShownCode::drawn(TEXT)?.film(&View::STRAIGHT))?;
        scan(&phone, &site).await?;
        phone.wait_for("scanner.state === 'found'").await.context(name)?;
        assert_eq!(phone.run("return calls[0][1]").await?, json!(TEXT), "{name}");
    }
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn decoder_is_loaded_in_the_worker_only() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.point_camera_at(&Film::of_a_wall())?;
    scan(&phone, &site).await?;
    phone.wait_for("scanner.state === 'scanning'").await?;
    // These are the files that the page itself has loaded.
    let loaded: Value =
        phone.run("return performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)").await?;
    let paths: Vec<&str> = loaded.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(paths.contains(&"/lib/qr-worker.js"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("/decoder/")), "{paths:?}");
    phone.close().await
}
