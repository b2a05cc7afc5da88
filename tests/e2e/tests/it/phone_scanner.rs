//! The scanner `www/lib/camera.js` by itself, with the camera of Chromium: what it calls, when the camera is on, and the names
//! of its problems. `phone_camera` tests it as part of the phone page.

use anyhow::{Context as _, Result};
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::{Film, View};
use scanlogin_qr::{Color, Level, Modules};
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
      camera: window.chosen,
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
    site_with_worker(format!("globalThis.BarcodeDetector = class {{ {class} }};\n{WORKER}")).await
}

/// A site with this script as the worker that reads frames and images.
async fn site_with_worker(script: String) -> Result<Site> {
    let send = move || {
        let script = script.clone();
        async { ([(CONTENT_TYPE, "text/javascript")], script) }
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

    // A camera that is not there any more is replaced by another one.
    phone.run("scanner.useCamera('unplugged')").await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && tracks.length === 4 && {IS_ON}")).await?;
    // Some browsers send no `visibilitychange` when they keep a page that is left.
    phone.run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))").await?;
    assert_eq!(phone.run(&format!("return scanner.state === 'paused' && {IS_OFF}")).await?, json!(true));
    phone.run("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))").await?;
    phone.wait_for(&format!("scanner.state === 'scanning' && tracks.length === 5 && {IS_ON}")).await?;

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
    for (error, problem, asked) in [
        // The browser would ask again: the person has closed the question. A refusal is remembered.
        ("NotAllowedError", "dismissed", json!(["chosen"])),
        // The camera that was chosen is not there any more, and neither is another one.
        ("NotFoundError", "no-camera", json!(["chosen", "environment"])),
        ("OverconstrainedError", "no-camera", json!(["chosen", "environment"])),
        ("NotReadableError", "in-use", json!(["chosen"])),
        ("AbortError", "in-use", json!(["chosen"])),
    ] {
        phone.goto(&format!("{}/phone.html", site.url)).await?;
        let fail = format!(
            "window.chosen = 'chosen';
             window.asked = [];
             navigator.mediaDevices.getUserMedia = async ({{ video: {{ deviceId, facingMode }} }}) => {{
               asked.push(deviceId?.exact ?? facingMode.ideal);
               throw new DOMException('', '{error}');
             }};"
        );
        phone.run(&fail).await?;
        open_scanner(&phone).await?;
        expect_problem(&phone, problem).await?;
        assert_eq!(phone.run("return asked").await?, asked, "{error}");
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
async fn other_code_is_reported_again_after_more_than_20_frames_without_it() -> Result<()> {
    // The frames with the code are 0, 1, 22 and 44: there are 20 frames without it, and then 21.
    let site = site_with_detector(
        "static async getSupportedFormats() { return ['qr_code']; }
        number = 0;
        async detect() {
          const text = { 0: 'other', 1: 'other', 22: 'other', 44: 'other', 45: 'APP_AUTH' }[this.number++];
          return text ? [{ rawValue: text, cornerPoints: [] }] : [];
        }",
    )
    .await?;
    let phone = Browser::open().await?;
    phone.point_camera_at(&Film::of_a_wall())?;
    scan(&phone, &site).await?;
    phone.wait_for("scanner.state === 'found'").await?;
    let calls = phone.run("return calls.map(([name, text]) => [name, text])").await?;
    assert_eq!(calls, json!([["other", "other"], ["other", "other"], ["text", "APP_AUTH"]]));
    phone.close().await
}

#[tokio::test]
async fn decoder_that_fails_at_6_pictures_in_a_row_is_unavailable() -> Result<()> {
    // The picture 0 can be read.
    let script = "onmessage = ({ data: { number } }) => postMessage(number === 0
        ? { codes: [{ text: 'read', corners: [] }], width: 1, height: 1, isComplete: true }
        : { failure: 'picture', message: 'unreadable' });";
    let site = site_with_worker(script.to_owned()).await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let outcomes = phone
        .run(
            "return (async () => {
               const { QrReader } = await import('/lib/qr-reader.js');
               const reader = new QrReader();
               const read = async (number) => {
                 const frame = await createImageBitmap(new ImageData(1, 1));
                 return reader.readFrame(frame, number).then(({ codes }) => codes.length, (error) => error.constructor.name);
               };
               const outcomes = [];
               for (const number of [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]) outcomes.push(await read(number));
               reader.close();
               return outcomes;
             })()",
        )
        .await?;
    assert_eq!(outcomes, json!([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, "DecoderUnavailable"]));
    phone.close().await
}

#[tokio::test]
async fn dark_modules_on_a_transparent_ground_are_read() -> Result<()> {
    const TEXT: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let modules = Modules::new(TEXT, Level::M).context("the text is too long")?;
    let rows: Vec<Vec<bool>> =
        modules.rows().map(|row| row.iter().map(|color| *color == Color::Dark).collect()).collect();
    let read = format!(
        "return (async () => {{
           const {{ readQrImage }} = await import('/lib/qr-image.js');
           const rows = {};
           const side = (rows.length + 8) * 6;
           const canvas = Object.assign(document.createElement('canvas'), {{ width: side, height: side }});
           const context = canvas.getContext('2d');
           rows.forEach((row, y) => row.forEach((isDark, x) => isDark && context.fillRect((x + 4) * 6, (y + 4) * 6, 6, 6)));
           return readQrImage(await new Promise((resolve) => canvas.toBlob(resolve)), () => true);
         }})()",
        json!(rows)
    );
    assert_eq!(phone.run(&read).await?, json!({ "text": TEXT }));
    phone.close().await
}

#[tokio::test]
async fn decoder_reads_frames_in_which_the_detector_finds_no_code() -> Result<()> {
    const TEXT: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
    const READS_QR_CODES: &str = "static async getSupportedFormats() { return ['qr_code']; }";
    const FINDS_A_CODE: &str = "async detect() { return [{ rawValue: '#wrong', cornerPoints: [] }]; }";
    let phone = Browser::open().await?;
    // A browser may end each row of gray values with bytes that are no pixels.
    let padded = "
        const rows = ({ visibleRect: { width, height } }) => [
          { offset: 0, stride: width + 64 },
          { offset: (width + 64) * height, stride: width + 64 },
          { offset: (width + 64) * height * 2, stride: width + 64 },
        ];
        const { allocationSize, copyTo } = VideoFrame.prototype;
        VideoFrame.prototype.allocationSize = function () {
          return allocationSize.call(this, { layout: rows(this) });
        };
        VideoFrame.prototype.copyTo = function (planes) {
          return copyTo.call(this, planes, { layout: rows(this) });
        };";
    let detector = |class: &str| format!("globalThis.BarcodeDetector = class {{ {READS_QR_CODES} {class} }};");
    for (name, script) in [
        ("none found", detector("async detect() { return []; }")),
        // Android without the service that detects.
        ("fails", detector("async detect() { throw new DOMException('', 'NotSupportedError'); }")),
        (
            "other formats",
            detector(&format!("static async getSupportedFormats() {{ return ['ean_13']; }} {FINDS_A_CODE}")),
        ),
        (
            "can't be asked",
            detector(&format!("static async getSupportedFormats() {{ throw new DOMException(''); }} {FINDS_A_CODE}")),
        ),
        ("no detector, padded rows", padded.to_owned()),
    ] {
        let site = site_with_worker(format!("{script}\n{WORKER}")).await?;
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
