// Code that must not compile: the compiler complains of a line below `@ts-expect-error` that is right. Nothing of it runs.

import { AuthenticationClient, init, type ScanLoginError, startScanning, type StartOptions } from "scanlogin";
import "scanlogin/element";

// @ts-expect-error a target is needed
startScanning();
// @ts-expect-error a number is no target
startScanning(1, {});
// @ts-expect-error querySelector may find nothing
startScanning(document.querySelector("#qrcode"), {});
// @ts-expect-error there is no such option
startScanning("qrcode", { appID: "shop" });
// @ts-expect-error milliseconds are a number
startScanning("qrcode", { interval: "800" });
// @ts-expect-error a size has two sides
startScanning("qrcode", { size: 240 });
// @ts-expect-error there is no such theme
startScanning("qrcode", { theme: "blue" });
// @ts-expect-error there is no such word
startScanning("qrcode", { tips: { heading: "Scan" } });
// @ts-expect-error there is no such header
startScanning("qrcode", { headers: { "app-secret": "x" } });
// @ts-expect-error the ticket is text
startScanning("qrcode", { onSuccess: (_userInfo, ticket: number) => ticket });
// @ts-expect-error the controller is not the signal
startScanning("qrcode", { signal: new AbortController() });
// @ts-expect-error a list of origins
startScanning("qrcode", { frameAncestors: "https://www.example.com" });
startScanning("qrcode", {
  // @ts-expect-error what a user has beyond nickname and photo is not known
  onSuccess: ({ email }) => email.trim(),
});
startScanning("qrcode", {
  // @ts-expect-error an error may come without a reason
  onError: (_message, error) => error.reason.trim(),
});

const handle = startScanning("qrcode");
// @ts-expect-error the state is read only
handle.state = "ready";
// @ts-expect-error there is no such state
handle.state === "waiting";
// @ts-expect-error a language is text
handle.setLanguage(1);
// @ts-expect-error what the wasm calls its own is nobody's business
handle.free();

// @ts-expect-error a number is no source
init(1);
// @ts-expect-error integrity is text
init({ integrity: true });
// @ts-expect-error it has no result
const wasm: object = await init();

// @ts-expect-error the callbacks are those of a widget
new AuthenticationClient({ onSuccess: () => {} });
const { qrcode } = new AuthenticationClient({ appId: "shop" });
// @ts-expect-error the code has an id
qrcode.checkStatus();
// @ts-expect-error the approver has a token
qrcode.confirm("random");
// @ts-expect-error a promise, not the text's content
qrcode.parseCode("{}").random;
// @ts-expect-error the id of a code is no handle
qrcode.stopPolling("random");

const element = document.createElement("scan-login");
// @ts-expect-error options are an object
element.options = "{}";
// @ts-expect-error there is no such option
element.options = { appID: "shop" };
// @ts-expect-error whoever scanned has no ticket yet
element.addEventListener("scanned", ({ detail }) => detail.ticket);

// @ts-expect-error an error says whether it is fatal
const error: ScanLoginError = Object.assign(new Error(), { name: "ScanLoginError" as const, code: "network" });
// @ts-expect-error a function is called, not named
const options: StartOptions = { onSuccess: "signIn" };
export { error, options, wasm };
