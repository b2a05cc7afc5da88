//! The lock of the phone: `www/lib/passkey.js` and the demo's identity provider, with a virtual authenticator of Chromium.

use anyhow::{Context as _, Result};
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, ask, sign_in, wait_for_notice, wait_for_step};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

/// The authenticator of a device whose lock is opened at once.
struct Lock<'a> {
    browser: &'a Browser,
    id: Value,
}

impl<'a> Lock<'a> {
    async fn add(browser: &'a Browser) -> Result<Self> {
        browser.command("WebAuthn.enable", json!({})).await?;
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        });
        let added = browser.command("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await?;
        Ok(Self { browser, id: added["authenticatorId"].clone() })
    }

    /// Lets the person open the lock from now on, or fail to.
    async fn set_opens(&self, opens: bool) -> Result<()> {
        let parameters = json!({ "authenticatorId": self.id, "isUserVerified": opens });
        self.browser.command("WebAuthn.setUserVerified", parameters).await.map(drop)
    }

    /// How many challenges the passkeys of the device have signed.
    async fn signatures(&self) -> Result<Vec<u64>> {
        let parameters = json!({ "authenticatorId": self.id });
        let credentials = self.browser.command("WebAuthn.getCredentials", parameters).await?;
        let credentials = credentials["credentials"].as_array().context("no credentials")?;
        Ok(credentials.iter().filter_map(|credential| credential["signCount"].as_u64()).collect())
    }
}

/// A demo whose app demands a sign-in of the last minute with two factors.
async fn strict_site() -> Result<Site> {
    let step_up = serde_json::from_value(json!({ "max_age": 60, "amr": ["mfa"] }))?;
    Site::start_with(|config| demo_app(config).step_up = Some(step_up), |app| app).await
}

/// The address of the phone page at a name. A passkey belongs to a name; `site.url` has an address.
fn phone_page(site: &Site) -> String {
    format!("{}/phone.html", site.url.replace("127.0.0.1", "localhost"))
}

/// Runs `code` in the page, with the modules of the phone page, alice and bob, and a function for calls that returns the
/// reason of a refusal.
async fn run(browser: &Browser, code: &str) -> Result<Value> {
    let script = format!(
        "return (async () => {{
           const lock = await import('/lib/passkey.js');
           const {{ post }} = await import('/lib/api.js');
           const signIn = (name) => post('/demo/login', {{ username: name, password: name }});
           const reasonOf = (promise) => promise.then(() => 'ok', (error) => error.reason ?? error.constructor.name);
           const call = (name, code, token) => post('/api/v2/qrcode/' + name, {{ random: code.random }}, token);
           const gene = () => post('/api/v2/qrcode/gene');
           const statusOf = async ({{ random, pollToken }}) => (await (await fetch('/api/v2/qrcode/check?random=' + random, {{
             headers: {{ 'x-scanlogin-poll-token': pollToken }},
           }})).json()).data.status;
           {code}
         }})()"
    );
    browser.run(&script).await
}

#[tokio::test]
async fn lock_of_the_phone_gives_the_token_for_a_confirm() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let lock = Lock::add(&phone).await?;
    let outcome = run(
        &phone,
        "const code = await gene();
         const { token, user } = await signIn('alice');
         const { stepUp } = await call('scanned', code, token);
         const withoutLock = await reasonOf(call('confirm', code, token));
         const before = [await statusOf(code), lock.hasPasskey(user), await lock.hasLock()];
         const first = await lock.tokenForConfirm(user, token, stepUp);
         await call('confirm', code, first);
         const second = await gene();
         await call('scanned', second, token);
         await call('confirm', second, await lock.tokenForConfirm(user, token, stepUp));
         return [stepUp, withoutLock, before, lock.hasPasskey(user), await statusOf(code), await statusOf(second)]",
    )
    .await?;
    let step_up = json!({ "maxAge": 60, "amr": ["mfa"] });
    assert_eq!(outcome, json!([step_up, "step-up-required", [1, false, true], true, 2, 2]));
    assert_eq!(lock.signatures().await?.len(), 1, "one passkey: it was created first, and signed then");
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn lock_that_stays_closed_changes_nothing_and_can_be_opened_later() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let lock = Lock::add(&phone).await?;
    lock.set_opens(false).await?;
    let attempt = "globalThis.code ??= await gene();
         globalThis.session ??= await signIn('alice');
         const { token, user } = globalThis.session;
         const { stepUp } = await call('scanned', code, token);
         const confirm = async () => call('confirm', code, await lock.tokenForConfirm(user, token, stepUp));
         return [await reasonOf(confirm()), lock.hasPasskey(user), await statusOf(code)]";
    assert_eq!(run(&phone, attempt).await?, json!(["cancelled", false, 1]), "the registration is cancelled");
    lock.set_opens(true).await?;
    run(&phone, "await lock.register(session.user, session.token)").await?;
    lock.set_opens(false).await?;
    assert_eq!(run(&phone, attempt).await?, json!(["cancelled", true, 1]), "the verification is cancelled");
    lock.set_opens(true).await?;
    assert_eq!(run(&phone, attempt).await?, json!(["ok", true, 2]));
    phone.close().await
}

#[tokio::test]
async fn passkey_that_only_one_side_knows_and_a_lock_that_fails_end_in_a_token() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let virtual_lock = Lock::add(&phone).await?;
    let outcome = run(
        &phone,
        "const alice = await signIn('alice');
         await lock.register(alice.user, alice.token);
         // The page has forgotten the passkey, the device has not.
         lock.forgetPasskey(alice.user);
         const proof = await lock.register(alice.user, alice.token);
         const code = await gene();
         await call('scanned', code, proof);
         const again = [lock.hasPasskey(alice.user), await reasonOf(call('confirm', code, proof))];
         // The page remembers a passkey that the server does not know.
         const bob = await signIn('bob');
         const remember = () => localStorage.setItem('quaymark-pass-passkeys', JSON.stringify([bob.user.id]));
         remember();
         const unknown = [await reasonOf(lock.verify(bob.user, bob.token)), lock.hasPasskey(bob.user)];
         remember();
         const token = await lock.tokenForConfirm(bob.user, bob.token, null);
         // The device fails. The server decides whether the token of the password is enough.
         navigator.credentials.create = async () => {
           throw new DOMException('', 'SecurityError');
         };
         const failed = await lock.tokenForConfirm(bob.user, bob.token, { amr: ['mfa'] });
         return [again, unknown, token === bob.token, failed === bob.token]",
    )
    .await?;
    assert_eq!(outcome, json!([[true, "ok"], ["unavailable", false], true, true]));
    assert_eq!(virtual_lock.signatures().await?.len(), 1, "the passkey of alice is the only one");
    phone.close().await
}

#[tokio::test]
async fn answer_of_the_lock_counts_once_and_for_its_user() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let _lock = Lock::add(&phone).await?;
    let outcome = run(
        &phone,
        "const bodies = [];
         const { fetch } = window;
         window.fetch = (path, init) => {
           if (path === '/demo/step-up') bodies.push(JSON.parse(init.body));
           return fetch(path, init);
         };
         const alice = await signIn('alice');
         const bob = await signIn('bob');
         await lock.register(alice.user, alice.token);
         await lock.verify(alice.user, alice.token);
         const replayed = await reasonOf(post('/demo/step-up', bodies[0], alice.token));
         // The browser of bob answers with the passkey of alice.
         await lock.register(bob.user, bob.token);
         const { publicKey } = await post('/demo/step-up/options', {}, alice.token);
         const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
         const allowCredentials = publicKey.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) }));
         const get = navigator.credentials.get.bind(navigator.credentials);
         navigator.credentials.get = (options) => get({ publicKey: { ...options.publicKey, allowCredentials } });
         const foreign = await reasonOf(lock.verify(bob.user, bob.token));
         return [replayed, foreign]",
    )
    .await?;
    assert_eq!(outcome, json!(["passkey-rejected", "passkey-rejected"]));
    phone.close().await
}

#[tokio::test]
async fn device_without_a_lock_confirms_where_the_app_does_not_demand_one() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    let _lock = Lock::add(&phone).await?;
    // At an address there are no passkeys, whatever the device has.
    for (page, has_lock) in [(format!("{}/phone.html", site.url), false), (phone_page(&site), true)] {
        phone.goto(&page).await?;
        let outcome = run(
            &phone,
            "const code = await gene();
             const { token, user } = await signIn('alice');
             const { stepUp } = await call('scanned', code, token);
             await call('confirm', code, await lock.tokenForConfirm(user, token, stepUp));
             return [stepUp ?? null, await lock.hasLock(), lock.hasPasskey(user), await statusOf(code)]",
        )
        .await?;
        assert_eq!(outcome, json!([null, has_lock, false, 2]));
    }
    phone.close().await
}

#[tokio::test]
async fn phone_page_asks_for_the_lock_and_a_cancelled_prompt_can_be_tried_again() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let lock = Lock::add(&phone).await?;
    lock.set_opens(false).await?;
    // The page asks the browser for a lock when it is loaded. The app demands it also from a person who has declined it.
    phone.goto(&phone_page(&site)).await?;
    phone.click("#use-lock").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.click("#confirm").await?;
    assert_eq!(wait_for_notice(&phone).await?, "The lock of this phone was not opened. Try again.");
    assert_eq!(code.status(&site).await?, json!(1), "nothing has changed");

    lock.set_opens(true).await?;
    phone.click("#step-approve [role=alert] button").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    assert_eq!(lock.signatures().await?.len(), 1);
    // The demo's photos are at the address of the server, which is another origin than `localhost`.
    phone.expect_no_console_errors(&["/photos/alice.svg"]).await?;
    phone.close().await
}

#[tokio::test]
async fn lock_is_asked_for_unless_the_person_has_chosen_otherwise_at_the_sign_in() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let lock = Lock::add(&phone).await?;
    // The page asks the browser for a lock when it is loaded.
    phone.goto(&phone_page(&site)).await?;
    phone.click("#use-lock").await?;
    sign_in(&phone, "bob").await?;
    wait_for_step(&phone, "scan").await?;
    assert!(lock.signatures().await?.is_empty(), "bob has taken the choice back");
    ask(&phone, &Code::create(&site).await?).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;

    phone.click("#phone-sign-out").await?;
    phone.goto(&phone_page(&site)).await?;
    lock.set_opens(false).await?;
    sign_in(&phone, "alice").await?;
    assert_eq!(wait_for_notice(&phone).await?, "The lock of this phone was not opened. Try again.");
    wait_for_step(&phone, "sign-in").await?;
    lock.set_opens(true).await?;
    phone.click("#step-sign-in [role=alert] button").await?;
    wait_for_step(&phone, "scan").await?;
    let before = lock.signatures().await?;
    assert_eq!(before.len(), 1, "the passkey is registered");

    let confirms = faults.requests("confirm").len();
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    lock.set_opens(false).await?;
    phone.click("#confirm").await?;
    wait_for_notice(&phone).await?;
    assert_eq!(faults.requests("confirm").len(), confirms, "the page confirms only with the lock");
    lock.set_opens(true).await?;
    phone.click("#step-approve [role=alert] button").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    let after = lock.signatures().await?;
    assert!(after > before);

    // The choice counts also for a user who had the lock before.
    phone.click("#phone-sign-out").await?;
    phone.goto(&phone_page(&site)).await?;
    phone.click("#use-lock").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(lock.signatures().await?, after);

    // An app demands more than the lock proves. After the second sign-in, the page says so.
    let demand_more = "
        const { fetch } = window;
        const refusal = { code: 401, message: 'sign in again', reason: 'step-up-required' };
        window.fetch = async (path, init) => (path.endsWith('/confirm') ? Response.json(refusal) : fetch(path, init));";
    phone.run(demand_more).await?;
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "sign-in").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    phone.click("#confirm").await?;
    let notice = wait_for_notice(&phone).await?;
    assert!(notice.starts_with("The lock of this phone is not enough for this app."), "{notice}");
    phone.close().await
}

#[tokio::test]
async fn refused_passkey_does_not_end_the_sign_in() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open().await?;
    phone.goto(&phone_page(&site)).await?;
    let _lock = Lock::add(&phone).await?;
    let code = Code::create(&site).await?;
    phone.goto("about:blank").await?;
    phone.goto(&code.link(&site)).await?;
    let refuse =
        |response: &mut Value| *response = json!({ "code": 500, "message": "no", "reason": "passkey-rejected" });
    faults.inject("passkeys", Fault::Modified(refuse));
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    phone.close().await
}

#[tokio::test]
async fn old_sign_in_is_renewed_and_comes_back_to_the_question() -> Result<()> {
    let site = strict_site().await?;
    let phone = Browser::open().await?;
    // Without a lock, and at an address without passkeys, a token of a password is not enough.
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(phone.run("return document.querySelector('#lock-choice').checkVisibility()").await?, json!(false));
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "sign-in").await?;
    let notice = wait_for_notice(&phone).await?;
    assert!(notice.starts_with("This app wants proof that it is you."), "{notice}");
    assert_eq!(code.status(&site).await?, json!(1), "nothing has changed");
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;

    // The new sign-in does not help either. The page says why, and does not ask for a third one.
    phone.click("#confirm").await?;
    let notice = wait_for_notice(&phone).await?;
    assert!(notice.starts_with("This device has no lock that the page can ask for"), "{notice}");
    wait_for_step(&phone, "approve").await?;
    phone.click("#decline").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(3));
    phone.close().await
}
