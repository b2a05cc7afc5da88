//! The elements, focus and announcements of the widget.

use scanlogin_protocol::display;
use scanlogin_qr::{Color, Level, Modules, QUIET_ZONE};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use crate::page::{CODE_TEXT, GENE, PIXEL, Page, advance, document, run, settle, start_scanning, suspend, wait_until};

#[wasm_bindgen(module = "/js/display.js")]
extern "C" {
    #[wasm_bindgen(js_name = displayName)]
    fn display_name(name: &str) -> String;
    #[wasm_bindgen(js_name = isPhotoAddress)]
    fn is_photo_address(address: &str) -> bool;
}

#[wasm_bindgen(module = "/js/painter.js")]
extern "C" {
    #[wasm_bindgen(js_name = Code)]
    type PaintedCode;
    #[wasm_bindgen(constructor, js_class = "Code")]
    fn new(bits: &[u8]) -> PaintedCode;
    #[wasm_bindgen(method)]
    fn fit(this: &PaintedCode, place: f64, room: f64) -> f64;
}

/// A page whose code has expired, and whose button has the focus.
async fn expired_page_with_focused_button(options: &str) -> Page {
    let mut page = Page::with_polls(&[-1]);
    page.start(options);
    page.wait_for_state("expired").await;
    page.find("button").unwrap().unchecked_into::<HtmlElement>().focus().unwrap();
    page.script_new_code(&[0]);
    page
}

/// The modules on the canvas of a page. Fails if the canvas has not the number of modules of `expected`.
fn painted_modules(page: &Page, expected: &Modules) -> Modules {
    let code = "const [canvas, side] = argument;
        const context = canvas.getContext('2d');
        const module = canvas.width / side;
        const bits = [];
        for (let y = 4; y < side - 4; y += 1) {
            for (let x = 4; x < side - 4; x += 1) {
                const [red] = context.getImageData((x + 0.5) * module, (y + 0.5) * module, 1, 1).data;
                bits.push(red < 128 ? 1 : 0);
            }
        }
        const bytes = new Uint8Array(Math.ceil(bits.length / 8));
        bits.forEach((bit, index) => { bytes[index >> 3] |= bit << (7 - (index & 7)); });
        return bytes;";
    let canvas = page.find(".code canvas").unwrap();
    let argument = js_sys::Array::of2(&canvas, &(expected.side + 2 * QUIET_ZONE).into());
    let bits: js_sys::Uint8Array = run(code, &argument).unwrap().unchecked_into();
    Modules::from_bits(&bits.to_vec()).unwrap()
}

#[wasm_bindgen_test]
async fn code_on_the_canvas_has_the_modules_of_the_text_of_the_protocol() {
    let page = Page::ready().await;
    let modules = Modules::new(CODE_TEXT, Level::M).unwrap();
    assert!(painted_modules(&page, &modules) == modules);
    assert_eq!(page.attribute(".code canvas", "aria-label").as_deref(), Some("QR code for signing in"));
}

#[wasm_bindgen_test]
fn code_has_whole_pixels_and_is_at_most_a_tenth_larger_than_its_place() {
    // 53 modules and the quiet zone.
    let code = PaintedCode::new(&[0; 352]);
    let widths = [
        (240.0, 264.0, 4.0 * 61.0),
        (300.0, 330.0, 5.0 * 61.0),
        (480.0, 528.0, 8.0 * 61.0),
        (335.0, 365.0, 5.0 * 61.0),
        // Rounded down, because there is no room.
        (470.0, 480.0, 7.0 * 61.0),
        (240.0, 243.0, 3.0 * 61.0),
        // Three pixels would make the code more than a tenth larger.
        (160.5, 200.0, 2.0 * 61.0),
        // Less than one pixel.
        (40.0, 60.0, 40.0),
    ];
    for (place, room, width) in widths {
        assert_eq!(code.fit(place, room), width, "{place} {room}");
    }
}

#[wasm_bindgen_test]
async fn code_is_an_svg_path_without_a_2d_context() {
    let prototype = "HTMLCanvasElement.prototype";
    let replace =
        format!("const {{ getContext }} = {prototype}; {prototype}.getContext = () => null; return getContext");
    let get_context = run(&replace, &JsValue::NULL).unwrap();
    let page = Page::ready().await;
    run(&format!("{prototype}.getContext = argument"), &get_context).unwrap();
    let modules = Modules::new(CODE_TEXT, Level::M).unwrap();
    let path = page.attribute(".code svg path", "d").unwrap();
    let dark = modules.rows().flatten().filter(|color| **color == Color::Dark).count();
    assert_eq!(path.matches('M').count(), dark);
    assert_eq!(page.attribute(".code svg", "viewBox"), Some(format!("0 0 {0} {0}", modules.side + 2 * QUIET_ZONE)));
    assert_eq!(page.attribute(".code svg", "aria-label").as_deref(), Some("QR code for signing in"));
    assert!(page.find(".code canvas").is_none());
}

#[wasm_bindgen_test]
async fn html_in_tips_is_shown_as_text_and_the_message_of_the_server_goes_to_callbacks_only() {
    let html = "<img src=x onerror=\"document.title='executed'\">";
    let mut page = Page::new();
    let message = html.replace('"', "\\\"");
    page.server.respond("gene", 200, &format!(r#"{{"code":1001,"message":"{message}"}}"#));
    page.start(&format!("tips: {{ failed: `{html}`, siteProblem: `{html}` }}"));
    page.wait_for_state("failed").await;
    assert_eq!((page.text(".headline").as_str(), page.text(".hint").as_str()), (html, html));
    assert!(page.find(".status img, .hint img").is_none());
    assert_eq!(
        page.callbacks(),
        [format!("onCodeLoadFailed {html}"), format!("onError {html} ScanLoginError:refused:undefined:true")]
    );
    assert_ne!(document().title(), "executed");
}

#[wasm_bindgen_test]
async fn focus_moves_to_the_frame_when_the_focused_button_is_hidden() {
    let page = expired_page_with_focused_button("").await;
    page.click();
    page.wait_for_state("ready").await;
    assert_eq!(page.widget().shadow_root().unwrap().active_element(), page.find(".frame"));
}

#[wasm_bindgen_test]
async fn page_may_call_the_handle_while_the_focus_moves() {
    let page = expired_page_with_focused_button("onStart: (handle) => { globalThis.handle = handle; }").await;
    let code = "argument.addEventListener('focusin', () => globalThis.handle.setLanguage('ja'), { once: true })";
    run(code, &page.find(".frame").unwrap()).unwrap();
    page.click();
    page.wait_for_state("ready").await;
    assert_eq!(page.text(".headline"), "アプリで読み取ってログイン");
}

#[wasm_bindgen_test]
async fn image_of_the_server_is_shown_or_replaced_by_a_drawn_code_if_it_fails() {
    for (url, selector) in [(PIXEL, ".code img"), ("/is-not-there.png", ".code canvas")] {
        let mut page = Page::new();
        page.server.respond(
            "gene",
            200,
            &format!(r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}"}}}}"#),
        );
        page.start("");
        // An image loads in real time.
        wait_until("ready", || page.has_shown("ready")).await;
        assert!(page.find(selector).is_some(), "{selector}");
        page.wait_for_callback("onStart").await;
    }
}

#[wasm_bindgen_test]
async fn unknown_target_gets_a_floating_shell() {
    let page = Page::with_polls(&[0]);
    let options = page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    let handle = start_scanning("no-such-id".into(), options, "qrcode").unwrap();
    wait_until("ready", || handle.state() == "ready").await;
    let floating = document().query_selector("body > [data-floating]").unwrap().unwrap();
    let left = floating.get_bounding_client_rect().left();
    assert!(left > 0.0, "{left}");
    handle.destroy();
    assert!(document().query_selector("[data-floating]").unwrap().is_none());
}

#[wasm_bindgen_test]
async fn each_state_is_announced_once_and_the_countdown_never() {
    let mut page = Page::with_polls(&[0, 1, 1, 3]);
    page.start("countdown: true");
    page.wait_for_state("cancelled").await;
    page.script_new_code(&[0]);
    page.click();
    page.wait_for_state("ready").await;
    assert_eq!(page.text(".countdown"), "Expires in 2:00");
    advance(15_500.0).await;
    assert_eq!(page.text(".countdown"), "Expires in 1:45");
    let ready = "Scan with the app to sign in";
    let scanned = "Alice <i> · Scanned · Confirm the sign-in on your phone";
    assert_eq!(page.announcements(), [ready, scanned, "Sign-in was declined", "Loading code…", ready]);
    assert!(page.find("[role=status] .countdown").is_none());
}

#[wasm_bindgen_test]
async fn countdown_changes_its_time_only_and_leaves_a_translated_page_alone() {
    let mut page = Page::with_polls(&[0]);
    page.start("countdown: true");
    page.wait_for_state("ready").await;
    advance(500.0).await;
    // A browser that translates the page puts each text into `<font>`.
    let translate = "for (const selector of ['.headline', '.countdown']) {
            const element = argument.shadowRoot.querySelector(selector);
            const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
            const font = document.createElement('font');
            text.replaceWith(font);
            font.textContent = `[${text.data}]`;
        }
        argument.shadowRoot.querySelector('canvas[role=img]').setAttribute('aria-label', '[QR]');";
    run(translate, &page.widget()).unwrap();
    settle().await;
    let before = page.announcements().len();
    advance(15_000.0).await;
    assert_eq!(page.text(".headline"), "[Scan with the app to sign in]");
    assert_eq!(page.text(".countdown"), "[Expires in ]1:45");
    assert_eq!(page.attribute("canvas[role=img]", "aria-label").as_deref(), Some("[QR]"));
    assert_eq!(page.announcements().len(), before);
    // Another message replaces the translated one.
    page.script_polls(&[1]);
    page.wait_for_state("scanned").await;
    assert_eq!(page.text(".headline"), "Scanned");
}

#[wasm_bindgen_test]
async fn waiting_widget_changes_its_time_ten_times_in_two_minutes_and_nothing_else() {
    let mut page = Page::with_polls(&[0, 0, 0, 0]);
    page.start("countdown: true, interval: 60000");
    page.wait_for_state("ready").await;
    let observe = "const root = argument.shadowRoot;
        globalThis.changes = [];
        const record = ({ type }) => globalThis.changes.push(`${type} ${root.querySelector('.countdown').textContent}`);
        new MutationObserver((records) => records.forEach(record))
            .observe(root, { subtree: true, childList: true, characterData: true, attributes: true });";
    run(observe, &page.widget()).unwrap();
    advance(120_500.0).await;
    let changes = run("return globalThis.changes.join()", &JsValue::NULL).unwrap().as_string().unwrap();
    let times = ["1:45", "1:30", "1:15", "1:00", "0:45", "0:30", "0:15", "0:10", "0:05", "0:00"];
    assert_eq!(changes, times.map(|time| format!("characterData Expires in {time}")).join(","));
}

#[wasm_bindgen_test]
async fn countdown_of_an_hour_or_more_is_not_shown() {
    let mut page = Page::new();
    page.server.respond("gene", 200, &GENE.replace("120", "86400"));
    page.script_polls(&[0]);
    page.start("countdown: true");
    page.wait_for_state("ready").await;
    assert!(page.find(".countdown").unwrap().has_attribute("hidden"));
    suspend(f64::from(86_400 - 3_580) * 1_000.0);
    advance(1.0).await;
    assert!(!page.find(".countdown").unwrap().has_attribute("hidden"));
    assert_eq!(page.text(".countdown"), "Expires in 59:45");
}

#[wasm_bindgen_test]
async fn code_that_can_not_be_scanned_is_hidden_from_screen_readers() {
    let page = Page::ready().await;
    assert_eq!(page.attribute(".code", "aria-hidden").as_deref(), Some("false"));
    page.script_polls(&[1]);
    page.wait_for_state("scanned").await;
    assert_eq!(page.attribute(".code", "aria-hidden").as_deref(), Some("true"));
}

#[wasm_bindgen_test]
async fn logo_raises_the_error_correction_and_covers_modules_until_it_fails() {
    let modules = Modules::new(CODE_TEXT, Level::Q).unwrap();
    let mut page = Page::with_polls(&[0]);
    page.start(&format!("logo: '{PIXEL}'"));
    page.wait_for_state("ready").await;
    let with_logo = painted_modules(&page, &modules);
    let differing =
        modules.rows().flatten().zip(with_logo.rows().flatten()).filter(|(left, right)| left != right).count();
    let share = differing as f64 / f64::from(modules.side).powi(2);
    assert!((0.01..0.03).contains(&share), "{share}");
    assert_eq!(page.attribute(".code .logo", "alt").as_deref(), Some(""));

    let mut page = Page::with_polls(&[0]);
    page.start("logo: '/is-not-there.svg'");
    page.wait_for_state("ready").await;
    wait_until("the removed logo", || page.find(".logo").is_none()).await;
    assert!(painted_modules(&page, &modules) == modules);
}

#[wasm_bindgen_test]
async fn code_fits_its_container_when_that_is_displayed_or_resized() {
    let mut page = Page::with_polls(&[0]);
    let target: HtmlElement = page.target.clone().unchecked_into();
    target.style().set_property("display", "none").unwrap();
    page.start("");
    page.wait_for_state("ready").await;
    target.style().remove_property("display").unwrap();
    let width = || page.find(".code canvas").unwrap().get_bounding_client_rect().width();
    wait_until("the displayed code", || width() >= 160.0).await;
    let before = width();
    target.style().set_property("width", "200px").unwrap();
    wait_until("a smaller code", || width() > 0.0 && width() < before).await;
}

#[wasm_bindgen_test]
async fn code_too_dense_for_its_size_is_an_error_that_names_the_size() {
    let mut page = Page::with_polls(&[0]);
    page.start("size: { width: 100, height: 100 }");
    page.wait_for_state("failed").await;
    let callbacks = page.callbacks();
    assert!(callbacks[0].starts_with("onCodeLoadFailed ") && callbacks[0].contains("100 pixels"), "{callbacks:?}");
    assert!(callbacks[1].ends_with("ScanLoginError:code-too-dense:undefined:true"), "{callbacks:?}");
}

#[wasm_bindgen_test]
async fn render_img_shows_the_image_of_the_server() {
    let mut page = Page::new();
    page.server.respond("gene", 200, &GENE.replace("/r1.png", PIXEL));
    page.script_polls(&[0]);
    page.start("render: 'img'");
    wait_until("ready", || page.has_shown("ready")).await;
    assert_eq!(page.attribute(".code img", "src").as_deref(), Some(PIXEL));
    assert_eq!(page.attribute(".code img", "aria-label").as_deref(), Some("QR code for signing in"));
}

#[wasm_bindgen_test]
async fn each_request_has_the_language_that_is_shown() {
    let root = document().document_element().unwrap();
    let mut page = Page::with_polls(&[]);
    page.start("longPoll: false");
    page.wait_for_state("ready").await;
    root.set_attribute("lang", "ja").unwrap();
    settle().await;
    page.script_polls(&[0]);
    advance(1_000.0).await;
    page.handle().set_language(&"zh-TW".into());
    page.script_polls(&[0]);
    advance(1_000.0).await;
    root.remove_attribute("lang").unwrap();
    let languages = [0, 1, 2, 3].map(|request| page.server.field(request, "x-authing-lang"));
    // The first poll is sent when the code is shown, before the language changes.
    assert_eq!(languages, ["en-US", "en-US", "ja-JP", "zh-TW"]);
}

#[wasm_bindgen_test]
async fn language_follows_the_page_until_an_option_or_set_language_selects_one() {
    let root = document().document_element().unwrap();
    let mut page = Page::with_polls(&[0]);
    page.start("tips: { title: 'Bonjour' }");
    page.wait_for_state("ready").await;
    root.set_attribute("lang", "ja").unwrap();
    wait_until("Japanese", || page.attribute(".frame", "lang").as_deref() == Some("ja-JP")).await;
    assert_eq!(page.text(".headline"), "Bonjour", "tips must stay");
    let code_name = || page.attribute(".code canvas", "aria-label");
    assert_eq!(code_name().as_deref(), Some("ログイン用QRコード"));
    page.handle().set_language(&"zh-TW".into());
    assert_eq!(code_name().as_deref(), Some("登入用 QR Code"));
    root.remove_attribute("lang").unwrap();
    settle().await;
    assert_eq!(code_name().as_deref(), Some("登入用 QR Code"), "the language of `setLanguage` must stay");
    page.handle().set_language(&"".into());
    assert_eq!(code_name().as_deref(), Some("QR code for signing in"));

    let mut page = Page::with_polls(&[0]);
    page.start("lang: 'zh-CN'");
    page.wait_for_state("ready").await;
    root.set_attribute("lang", "ja").unwrap();
    settle().await;
    assert_eq!(page.text(".headline"), "请使用 App 扫码登录");
    root.remove_attribute("lang").unwrap();
}

#[wasm_bindgen_test]
async fn theme_is_set_by_an_option_or_data_theme_and_the_code_keeps_its_colors() {
    let mut page = Page::with_polls(&[0]);
    page.start("theme: 'dark', colors: { dark: '#0b5a62', light: '#f4fbfa' }");
    page.wait_for_state("ready").await;
    let style = |selector: &str, property: &str| {
        let window = web_sys::window().unwrap();
        let (selector, pseudo_element) = selector.split_at(selector.find("::").unwrap_or(selector.len()));
        let element = page.find(selector).unwrap();
        let style = window.get_computed_style_with_pseudo_elt(&element, pseudo_element).unwrap().unwrap();
        style.get_property_value(property).unwrap()
    };
    assert_eq!(style(".frame", "background-color"), "rgb(26, 29, 36)");
    assert_eq!(style(".stage::before", "background-color"), "rgb(244, 251, 250)");
    let code = "const { data } = argument.getContext('2d').getImageData(0, 0, argument.width, argument.width);
        const colors = new Set();
        for (let at = 0; at < data.length; at += 4) colors.add(data.slice(at, at + 4).join(' '));
        return Array.from(colors).join(', ');";
    let colors = run(code, &page.find(".code canvas").unwrap()).unwrap();
    assert_eq!(colors.as_string().as_deref(), Some("244 251 250 255, 11 90 98 255"));
    page.widget().set_attribute("data-theme", "light").unwrap();
    assert_eq!(style(".frame", "background-color"), "rgb(255, 255, 255)");
}

/// A page that shows the user `user` after a scan. `user` is JSON.
async fn scanned_page(user: &JsValue) -> Page {
    let mut page = Page::with_polls(&[]);
    let user = js_sys::JSON::stringify(user).unwrap();
    page.server.respond("check", 200, &format!(r#"{{"code":200,"data":{{"status":1,"userInfo":{user}}}}}"#));
    page.start("");
    page.wait_for_state("scanned").await;
    page
}

#[wasm_bindgen_test]
async fn name_of_the_user_is_one_short_text_without_invisible_characters() {
    let plain = scanned_page(&run("return { nickname: 'Alice' }", &JsValue::NULL).unwrap()).await;
    let height = |page: &Page| page.widget().get_bounding_client_rect().height();
    let names = [
        ("'Al\\u202e\\u0007\\u001bice\\u2028\\u{e0041}\\u3164'.padEnd(1920, ' Mallory')", "Alice Mallory"),
        ("'W'.repeat(4620)", "WWWW"),
        ("('W' + '\\u0301'.repeat(40)).repeat(100)", "W\u{301}\u{301}\u{301}W"),
    ];
    for (name, start) in names {
        let page = scanned_page(&run(&format!("return {{ nickname: {name} }}"), &JsValue::NULL).unwrap()).await;
        let shown = page.text(".name");
        assert!(shown.starts_with(start), "{shown}");
        assert!(shown.chars().count() <= 64, "{}", shown.chars().count());
        assert!(height(&page) <= height(&plain) + 40.0, "{} {}", height(&page), height(&plain));
    }
}

#[wasm_bindgen_test]
async fn photo_of_the_user_is_loaded_from_absolute_https_or_loopback_addresses_only() {
    let photos = [
        ("/demo/logout", None),
        ("//photos.test/a.png", None),
        ("http://192.168.0.1/reboot", None),
        ("javascript:alert(1)", None),
        ("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", None),
        ("https://photos.test/a.png", Some("https://photos.test/a.png")),
        ("http://localhost:1/a.png", Some("http://localhost:1/a.png")),
    ];
    for (photo, src) in photos {
        let user = run("return { nickname: 'Alice', photo: argument }", &photo.into()).unwrap();
        let page = scanned_page(&user).await;
        assert_eq!(page.attribute(".photo", "src").as_deref(), src, "{photo}");
        assert_eq!(page.text(".name"), "Alice");
    }
}

#[wasm_bindgen_test]
fn names_and_photo_addresses_are_filtered_as_by_the_server() {
    let invisible = "\0\u{7}\u{1b}\u{7f}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200d}\u{202e}\
        \u{2061}\u{2065}\u{206f}\u{2800}\u{3164}\u{e000}\u{feff}\u{ffa0}\u{fff9}\u{ffff}\u{e0001}\u{e0061}\u{e0100}\u{f0000}\u{10ffff}";
    let names = [
        "Alice <i> O'B \"\\",
        "Nguye\u{302}\u{303}n",
        "สมชาย น้ำ",
        "शर्मा",
        "שָׁלוֹם",
        "❤\u{fe0f} 👍🏽 🇨🇭",
        "نامه\u{200c}ها 👨\u{200d}👩\u{200d}👧",
        "é\u{200d}\u{200c}é\u{200c}\u{200d}é \u{200d}é\u{200d} \u{301}\u{200d}é",
        "a\u{301}\u{200d}\u{301}\u{301}\u{301}b\u{200c}é\u{301}\u{301}\u{301}\u{200c}é",
        "ﾊﾞ\u{3000}a\r\n\u{85}\u{2028}b",
        "\u{301} \u{301}a\u{301}\u{202e}\u{301}\u{301}\u{301}\u{301} \u{301}b",
    ];
    let variants = invisible.chars().flat_map(|c| [format!("a{c}b"), format!(" {c} \u{301}{c}\u{301}a {c} ")]);
    for name in names.into_iter().map(str::to_owned).chain(variants) {
        for name in [name.repeat(100), name] {
            assert_eq!(display_name(&name), display::display_name(&name), "{name:?}");
        }
    }
    let schemes =
        ["", "/", "//", "https:", "https:/", "https://", "HTTPS://", "http://", "ht\ttps://", " https://", "data:"];
    let hosts = [
        "",
        "/",
        "a.test",
        "a.test:80",
        "localhost",
        "localhost:80",
        "localhost.test",
        "127.0.0.1",
        "127.0.0.1.test",
        "[::1]:1",
        "[::1",
        "a@b",
        "localhost:1@b",
        "localhost\\@b",
        "照片.test",
        "a\u{85}b",
        "a\u{7f}",
    ];
    for (scheme, host) in schemes.iter().flat_map(|scheme| hosts.map(|host| (scheme, host))) {
        for end in ["", "/a.png", "?a@b", "#\n", "/头像.png", &"/x".repeat(1_100)] {
            let address = [scheme, host, end].concat();
            assert_eq!(is_photo_address(&address), display::is_photo_address(&address), "{address:?}");
        }
    }
}
