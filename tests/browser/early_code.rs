//! The request for the first code, which `js/early_code.js` sends before the wasm is loaded.

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Device, GENE, Page, TOUCH, advance, pending_timers, run, settle, start_received};

#[wasm_bindgen(module = "/js/early_code.js")]
extern "C" {
    #[wasm_bindgen(js_name = requestCode)]
    fn request_code(options: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = givenResponse)]
    fn given_response(options: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = drawableCode)]
    fn drawable_code(received: &JsValue, options: &JsValue) -> JsValue;
}

/// The fields that the two requests must have in common.
const FIELDS: [&str; 8] = ["method", "url", "body", "credentials", "cache", "redirect", "mode", "headers"];

/// All that a server could see of a request, as text. `modules` is left out of the body.
fn request_text(page: &Page, n: u32) -> String {
    let fields = FIELDS.map(|name| format!("{name}: {}", page.server.field(n, name)));
    fields.join("\n").replace(r#","modules":"M""#, "").replace(r#","modules":"Q""#, "")
}

fn options_of(page: &Page, extra: &str) -> JsValue {
    let extra = run(&format!("return {extra}"), &JsValue::NULL).unwrap();
    page.server.options(&page.callback_log, &extra)
}

/// The response that the wasm gets.
async fn received_of(early: &JsValue) -> JsValue {
    let received = Reflect::get(early, &"received".into()).unwrap();
    JsFuture::from(received.unchecked_into::<Promise>()).await.unwrap()
}

fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

/// A response with modules. They are those of any code of version 1.
fn gene_with_modules() -> String {
    GENE.replace(r#""url":"#, &format!(r#""modules":"{}=","url":"#, "/".repeat(75)))
}

/// Values of each option: usual, empty, unusual and invalid ones. The first nine are not left to the wasm.
const VALUES: [(&str, &[&str]); 17] = [
    (
        "host",
        &["'https://a.test'", "'https://a.test/x//'", "''", "'http://a.test:1?q'", "'a.test'", "'https://é.test'", "7"],
    ),
    ("appHost", &["'https://b.test/'", "''", "'ftp://b.test'", "null"]),
    ("appId", &["'app'", "''", "'é'", "7", "'a b'"]),
    ("lang", &["'ja-JP'", "''", "'fr'", "'日本'", "5"]),
    ("tips", &["{}", "{ title: 'Hola' }", "[]", "null"]),
    (
        "customData",
        &["{ z: 1, a: ['<b>', null, undefined] }", "[1]", "'text'", "() => 1", "{ toJSON: () => ({ b: 2 }) }", "10n"],
    ),
    ("logo", &["'/logo.svg'", "''", "5"]),
    ("colors", &["{}", "{ dark: '#0b5a62' }", "{ light: 'white' }", "null"]),
    (
        "returnUrl",
        &[
            "false",
            "'https://www.example.com/login?a=\"'",
            "true",
            "''",
            "'/login'",
            "'javascript:x'",
            "'https://a.test/#b'",
            "null",
        ],
    ),
    ("headers", &["{}", "{ 'app-id': 'x-my-app' }", "null"]),
    ("render", &["'svg'", "'img'", "'canvas'", "null"]),
    ("userPoolId", &["'pool'", "''", "[]"]),
    ("tenantId", &["'tenant'", "' t '"]),
    ("requestFrom", &["'widget'", "''", "null"]),
    ("context", &["{ 'é': '\\u2028', d: new Date(0) }", "null", "(() => { const a = {}; a.a = a; return a; })()"]),
    ("extIdpConnId", &["'idp'", "''", "1"]),
    ("withCustomData", &["true", "false", "0"]),
];

/// A pseudo-random sequence, the same in each run.
struct Sequence(u32);

impl Sequence {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % below
    }
}

/// Options with some of the values.
fn random_options(sequence: &mut Sequence) -> String {
    let mut fields = String::new();
    for (index, (name, values)) in VALUES.into_iter().enumerate() {
        if sequence.next(if index < 9 { 2 } else { 20 }) == 0 {
            fields += &format!("{name}: {}, ", values[sequence.next(values.len())]);
        }
    }
    format!("{{ {fields} }}")
}

/// Sends the early request and that of the wasm. Returns both as text, or `None` for one that is not sent.
async fn both_requests(options: &str) -> [Option<String>; 2] {
    let page = Page::new();
    // The server of a test finds its requests by the app id. Those of these options can have any.
    page.server.set_takes_all(true);
    let options = run(&format!("return {options}"), &JsValue::NULL).unwrap();
    request_code(&options);
    settle().await;
    let early = (page.server.requests("gene") > 0).then(|| request_text(&page, 0));
    let first = page.server.requests("gene");
    let handle = start_received(page.target.clone().into(), options, JsValue::UNDEFINED);
    settle().await;
    let own = (page.server.requests("gene") > first).then(|| request_text(&page, first));
    if let Ok(handle) = handle {
        handle.destroy();
    }
    [early, own]
}

#[wasm_bindgen_test]
async fn early_request_is_byte_for_byte_that_of_the_wasm_except_for_modules() {
    let mut sequence = Sequence(1);
    let mut all: Vec<String> = (0..150).map(|_| random_options(&mut sequence)).collect();
    // Each value alone, too.
    for (name, values) in VALUES {
        all.extend(values.iter().map(|value| format!("{{ {name}: {value} }}")));
    }
    let (mut early_requests, mut return_urls) = (0, 0);
    for (n, options) in all.into_iter().enumerate() {
        // Every second one is for a touch device, which sends its address.
        let _device = Device::new(if n % 2 == 0 { TOUCH } else { "" });
        let [early, own] = both_requests(&options).await;
        let Some(early) = early else { continue };
        early_requests += 1;
        return_urls += usize::from(early.contains("returnUrl"));
        // With an invalid option that does not change the request, the wasm sends none, and reports the option.
        if let Some(own) = own {
            assert_eq!(early, own, "{options}");
        }
    }
    assert!(early_requests > 40 && return_urls > 20, "{early_requests} {return_urls}");
}

#[wasm_bindgen_test]
async fn options_that_are_left_to_the_wasm_send_no_early_request() {
    let page = Page::new();
    for (name, values) in &VALUES[9..] {
        let extra = format!("{{ {name}: {} }}", values[0]);
        assert!(request_code(&options_of(&page, &extra)).is_undefined(), "{extra}");
    }
    for extra in ["{ host: 'example.com' }", "{ appId: 7 }", "{ logo: 5 }", "{ tips: 5 }", "{ returnUrl: '/login' }"] {
        assert!(request_code(&options_of(&page, extra)).is_undefined(), "{extra}");
    }
    for options in [JsValue::from(5), Array::new().into(), "text".into()] {
        assert!(request_code(&options).is_undefined(), "{options:?}");
    }
    let inherited = run("return Object.create({ appId: 7, host: 'https://elsewhere.test' })", &JsValue::NULL).unwrap();
    page.server.set_app_id("");
    assert!(!request_code(&inherited).is_undefined());
    settle().await;
    assert_eq!(page.server.requests("gene"), 1);
    let origin = web_sys::window().unwrap().location().origin().unwrap();
    assert_eq!(page.server.field(0, "url"), [&origin, "/api/v2/qrcode/gene"].concat());
}

#[wasm_bindgen_test]
async fn modules_are_asked_for_with_the_level_that_the_page_needs() {
    let page = Page::new();
    for (n, (extra, level)) in (0..).zip([("{}", "M"), ("{ logo: '/logo.svg' }", "Q"), ("{ logo: '' }", "M")]) {
        request_code(&options_of(&page, extra));
        settle().await;
        let body = page.server.field(n, "body");
        assert!(body.ends_with(&format!(r#","modules":"{level}"}}"#)), "{extra} {body}");
    }
}

#[wasm_bindgen_test]
async fn aborted_in_the_same_task_it_sends_nothing() {
    let page = Page::new();
    let early = request_code(&options_of(&page, "{}"));
    run("argument.abort()", &early).unwrap();
    settle().await;
    assert_eq!(page.server.requests("gene"), 0);
    assert!(!field(&received_of(&early).await, "thrown").is_undefined());
}

#[wasm_bindgen_test]
async fn response_clears_the_timers_of_the_early_request() {
    for response in [Some(GENE), Some(""), None] {
        let page = Page::new();
        let timers = pending_timers();
        let early = request_code(&options_of(&page, "{}"));
        assert_eq!(pending_timers(), timers + 2, "for the timeout and for the head start");
        match response {
            Some(body) => page.server.respond("gene", 200, body),
            None => drop(run("argument.abort()", &early).unwrap()),
        }
        received_of(&early).await;
        assert_eq!(pending_timers(), timers, "{response:?}");
    }
}

#[wasm_bindgen_test]
async fn widget_takes_the_response_and_requests_no_second_code() {
    let mut page = Page::new();
    page.server.respond("gene", 200, &gene_with_modules());
    let options = options_of(&page, "{}");
    let received = received_of(&request_code(&options)).await;
    assert!(!drawable_code(&received, &options).is_undefined());
    page.handle = Some(start_received(page.target.clone().into(), options, received).unwrap());
    assert_eq!(page.handle().state(), "ready", "the code is shown without another task");
    settle().await;
    assert_eq!(page.callbacks()[..3], ["onCodeLoaded r1 /r1.png", "onCodeShow r1 /r1.png", "onStart handle"]);
    assert_eq!((page.server.requests("gene"), page.server.requests("check")), (1, 1));
    assert_eq!(page.server.field(1, "x-scanlogin-poll-token"), "secret");
}

#[wasm_bindgen_test]
async fn lifetime_counts_from_the_response() {
    let mut page = Page::new();
    page.server.respond("gene", 200, &gene_with_modules());
    let options = options_of(&page, "{}");
    let received = received_of(&request_code(&options)).await;
    advance(100_000.0).await;
    page.handle = Some(start_received(page.target.clone().into(), options, received).unwrap());
    page.script_polls(&[0; 400]);
    advance(19_000.0).await;
    assert_eq!(page.handle().state(), "ready");
    // 2 s after the end of the code, its status is asked for once more.
    advance(4_000.0).await;
    assert_eq!(page.last_callback(), "onExpired");
}

#[wasm_bindgen_test]
async fn failed_early_request_counts_as_the_first_attempt_of_the_widget() {
    let refusal = r#"{"code":1001,"message":"no","reason":"origin-not-allowed"}"#;
    let table = [
        (0, "", "unreachable", "onError ScanLoginError:network:undefined:false"),
        (429, "", "unreachable", "onError ScanLoginError:rate-limited:undefined:false"),
        (200, "<html>", "unreachable", "onError ScanLoginError:bad-answer:undefined:false"),
        (200, refusal, "failed", "onError ScanLoginError:refused:origin-not-allowed:true"),
    ];
    for (status, body, state, callback) in table {
        let mut page = Page::new();
        page.server.respond("gene", status, body);
        let options = options_of(&page, "{}");
        let received = received_of(&request_code(&options)).await;
        assert!(drawable_code(&received, &options).is_undefined());
        page.handle = Some(start_received(page.target.clone().into(), options, received).unwrap());
        assert_eq!(page.handle().state(), state, "{callback}");
        settle().await;
        assert!(page.last_callback().contains(callback.trim_start_matches("onError ")), "{:?}", page.callbacks());
        assert_eq!(page.server.requests("gene"), 1, "it is not repeated at once");
    }
    let mut page = Page::new();
    let nothing_in_time = run("return {}", &JsValue::NULL).unwrap();
    page.handle = Some(start_received(page.target.clone().into(), options_of(&page, "{}"), nothing_in_time).unwrap());
    settle().await;
    assert!(page.last_callback().contains("ScanLoginError:timeout"), "{:?}", page.callbacks());
}

#[wasm_bindgen_test]
fn response_with_modules_is_drawable_with_the_logo_of_the_page_or_the_app() {
    let modules = gene_with_modules();
    let drawable = |text: &str, options: &str| {
        let received = run("return { text: argument, at: 5 }", &text.into()).unwrap();
        drawable_code(&received, &run(&format!("return {options}"), &JsValue::NULL).unwrap())
    };
    let drawn = drawable(&modules, "{ logo: '/logo.svg' }");
    assert_eq!((field(&drawn, "logo"), field(&drawn, "end")), ("/logo.svg".into(), 120_005.into()));
    assert_eq!(field(&field(&drawn, "bits"), "length"), 56);
    let custom = modules.replace(r#""url":"#, r#""customLogo":"/app.svg","url":"#);
    assert_eq!(field(&drawable(&custom, "{}"), "logo"), "/app.svg");
    assert!(drawable(&modules, "{ render: 'img' }").is_undefined());
    // A code of version 8 has 57 modules with the quiet zone.
    let dense = modules.replace(&"/".repeat(75), &"/".repeat(402)).replace("/=", "/");
    assert!(!drawable(&dense, "{ size: { width: 116, height: 200 } }").is_undefined());
    assert!(drawable(&dense, "{ size: { width: 200, height: 113 } }").is_undefined());
    let broken = modules.replace("/=", "=");
    for text in [GENE, "", "null", "<html>", &broken, r#"{"code":1001,"message":"no"}"#] {
        assert!(drawable(text, "{}").is_undefined(), "{text}");
    }
}

#[wasm_bindgen_test]
async fn code_of_the_option_is_taken_once_and_requests_none() {
    let mut page = Page::new();
    let created = "new Date(Date.now() - 1_000).toISOString()";
    let given =
        format!("const code = {GENE}; code.data.createdAt = {created}; code.data.random = argument; return {{ code }}");
    let given = |random: &str| run(&given, &random.into()).unwrap();
    let options = page.server.options(&page.callback_log, &given("g1"));
    let received = given_response(&options);
    page.handle = Some(start_received(page.target.clone().into(), options.clone(), received).unwrap());
    assert_eq!(page.handle().state(), "ready");
    assert_eq!(page.callbacks(), [""; 0], "a callback may call the handle, which the page does not have yet");
    settle().await;
    assert_eq!(page.callbacks()[0], "onCodeLoaded g1 /r1.png");
    assert_eq!(page.server.requests("gene"), 0);
    assert!(given_response(&options).is_undefined(), "a second widget requests a code of its own");

    // Without a code, a refusal, and a code from a page in a cache.
    for change in [
        "delete options.code",
        "options.code = { code: 429, message: 'slow down', reason: 'rate-limited' }",
        "options.code.data.createdAt = new Date(Date.now() - 121_000).toISOString()",
        "delete options.code.data.createdAt",
        "options.code.code = 1001",
        "delete options.code.data.random",
        "options.code = 'text'",
    ] {
        let other = run(&format!("const options = argument; {change}; return options"), &given("g2")).unwrap();
        assert!(given_response(&other).is_undefined(), "{change}");
    }
    // A clock that is behind by a day does not make the code younger than now.
    let future = "argument.code.data.createdAt = new Date(Date.now() + 86_400_000).toISOString(); return argument";
    let received = given_response(&run(future, &given("g3")).unwrap());
    let now = run("return performance.now()", &JsValue::NULL).unwrap();
    assert_eq!(field(&received, "at"), now);
}
