//! The view of the camera on the phone page: the frame around a code, the vibration, the light and the choice of the camera.

use anyhow::{Context as _, Result};
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::phone_page::{sign_in, wait_for_step};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::{Film, View};
use serde_json::{Value, json};

use super::{LOGIN_PAGE, open, open_phone, scan, start_camera};

/// Records vibrations, and each frame that is drawn around a code, with its place and that of the video on the screen.
const RECORD: &str = "
    window.vibrations = [];
    window.framed = [];
    navigator.vibrate = (duration) => vibrations.push(duration);
    const box = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2, width, height };
    };
    new MutationObserver((changes) => {
      for (const polygon of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
        const isVisible = polygon.checkVisibility({ opacityProperty: true, visibilityProperty: true });
        const { stroke } = getComputedStyle(polygon);
        const video = box(document.querySelector('#camera-video'));
        framed.push({ kind: polygon.getAttribute('class'), isVisible, stroke, code: box(polygon), video });
      }
    }).observe(document.querySelector('#camera-frame'), { childList: true });";

/// Two cameras that both see the film. `lightFails` is whether their light can't be switched.
const TWO_CAMERAS: &str = "
    window.opened = [];
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.enumerateDevices = async () => [
      { kind: 'audioinput', deviceId: 'microphone', label: 'Microphone' },
      { kind: 'videoinput', deviceId: 'front', label: 'Front camera' },
      { kind: 'videoinput', deviceId: 'back', label: '' },
    ];
    mediaDevices.getUserMedia = async ({ video: { deviceId, facingMode, ...video } }) => {
      opened.push(deviceId?.exact ?? facingMode.ideal);
      const stream = await open({ video });
      const [track] = stream.getVideoTracks();
      let torch = false;
      track.getCapabilities = () => ({ torch: true });
      track.getSettings = () => ({ deviceId: deviceId?.exact ?? 'back', torch });
      track.applyConstraints = async ({ advanced: [{ torch: on }] }) => {
        if (window.lightFails) throw new DOMException('', 'OverconstrainedError');
        torch = window.light = on;
      };
      return stream;
    };";

const IS_SCANNING: &str = "document.querySelector('#camera').dataset.state === 'scanning'";

/// Checks that a frame is drawn in sight around the code of [`View::STRAIGHT`], whatever part of the video is cut off.
fn check_frame(frame: &Value, kind: &str) -> Result<()> {
    assert_eq!((&frame["kind"], &frame["isVisible"]), (&json!(kind), &json!(true)), "{frame}");
    assert_ne!(frame["stroke"], "none", "{frame}");
    let number =
        |part: &str, name: &str| frame[part][name].as_f64().with_context(|| format!("no {part}.{name}: {frame}"));
    let scale = (number("video", "width")? / 1920.0).max(number("video", "height")? / 1080.0);
    let side = View::STRAIGHT.share * 1080.0 * scale;
    for length in ["width", "height"] {
        assert!((number("code", length)? / side - 1.0).abs() < 0.1, "{side} px expected: {frame}");
    }
    for axis in ["x", "y"] {
        assert!((number("code", axis)? - number("video", axis)?).abs() < 0.05 * side, "not in the center: {frame}");
    }
    Ok(())
}

#[tokio::test]
async fn code_is_framed_and_the_device_vibrates_for_the_code_of_a_page_only() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    phone.run(RECORD).await?;
    phone.point_camera_at(&ShownCode::drawn("WIFI:T:WPA;S:harbour;P:secret;;")?.film(&View::STRAIGHT))?;
    phone.wait_for("framed.length").await?;
    // The frame disappears while the code is still in sight.
    phone.wait_for("!document.querySelector('#camera-frame polygon')").await?;
    let frames = phone.run("return framed").await?;
    check_frame(&frames[0], "other")?;
    assert_eq!(phone.run("return [framed.length, vibrations]").await?, json!([1, []]));

    phone.run("framed.length = 0").await?;
    scan(&computer, &phone).await?;
    let frames = phone.run("return framed").await?;
    check_frame(&frames[0], "found")?;
    assert_eq!(phone.run("return [framed.length, vibrations]").await?, json!([1, [80]]));
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn code_is_not_opened_if_the_person_leaves_the_step_while_it_is_framed() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    let leave = "
        new MutationObserver((changes, observer) => {
          if (!document.querySelector('#camera-frame .found')) return;
          observer.disconnect();
          document.querySelector('#phone-sign-out').click();
          // The timer of the page has the same delay and was set before.
          setTimeout(() => (window.isOver = true), 400);
        }).observe(document.querySelector('#camera-frame'), { childList: true });";
    phone.run(leave).await?;
    phone.point_camera_at(&computer.shown_code().await?.film(&View::STRAIGHT))?;
    phone.wait_for("window.isOver").await?;
    wait_for_step(&phone, "sign-in").await?;
    assert!(faults.requests("scanned").is_empty());
    phone.close().await?;
    computer.close().await
}

#[tokio::test]
async fn light_is_switched_and_another_camera_is_chosen() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open_phone().await?;
    phone.point_camera_at(&Film::of_a_wall())?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    phone.run(TWO_CAMERAS).await?;
    start_camera(&phone).await?;

    let is_pressed = |pressed: &str| format!("document.querySelector('#camera-torch').ariaPressed === '{pressed}'");
    assert_eq!(phone.text_of("#camera-torch").await?, "Light");
    for pressed in ["true", "false", "true"] {
        phone.click("#camera-torch").await?;
        phone.wait_for(&is_pressed(pressed)).await?;
        assert_eq!(phone.run("return String(light)").await?, pressed);
    }

    let cameras = "const { options } = document.querySelector('#camera-choice');
      return [...options].map(({ text, value, selected }) => [text, value, selected]);";
    assert_eq!(phone.run(cameras).await?, json!([["Front camera", "front", false], ["Camera 2", "back", true]]));
    let choose = "const choice = document.querySelector('#camera-choice');
      choice.value = 'front';
      choice.dispatchEvent(new Event('change'));";
    phone.run(choose).await?;
    phone.wait_for(&format!("{IS_SCANNING} && document.querySelector('#camera-choice').checkVisibility()")).await?;
    assert_eq!(phone.run("return opened").await?, json!(["environment", "front"]));
    assert_eq!(phone.run(cameras).await?, json!([["Front camera", "front", true], ["Camera 2", "back", false]]));

    // The light of the other camera is off. A light that can't be switched is not shown as on.
    phone.wait_for(&is_pressed("false")).await?;
    let fail = "window.lightFails = true;
      window.clicks = 0;
      document.querySelector('#camera-torch').addEventListener('click', () => setTimeout(() => clicks += 1));";
    phone.run(fail).await?;
    phone.click("#camera-torch").await?;
    phone.wait_for("clicks").await?;
    phone.wait_for(&is_pressed("false")).await?;
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn one_camera_without_a_light_needs_no_tools() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_phone(&site, "alice").await?;
    phone.wait_for(IS_SCANNING).await?;
    // The list of the cameras is filled when the tools are known.
    phone.wait_for("document.querySelector('#camera-choice').options.length === 1").await?;
    assert_eq!(phone.run("return document.querySelector('#camera-tools').checkVisibility()").await?, json!(false));
    phone.close().await
}
