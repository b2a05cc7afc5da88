// Code that must not compile. The compiler reports an error if the code below a `@ts-expect-error` is valid. It is never run.

import { AuthenticationClient, init, type ScanLoginError, startScanning, type StartOptions } from "scanlogin";
import "scanlogin/element";

// @ts-expect-error the target is missing
startScanning();
// @ts-expect-error a number is not a target
startScanning(1, {});
// @ts-expect-error querySelector may return null
startScanning(document.querySelector("#qrcode"), {});
// @ts-expect-error the option is unknown
startScanning("qrcode", { appID: "shop" });
// @ts-expect-error the interval is a number
startScanning("qrcode", { interval: "800" });
// @ts-expect-error a size is an object
startScanning("qrcode", { size: 240 });
// @ts-expect-error the address of the page is the default, and not `true`
startScanning("qrcode", { returnUrl: true });
// @ts-expect-error the theme is unknown
startScanning("qrcode", { theme: "blue" });
// @ts-expect-error the message is unknown
startScanning("qrcode", { tips: { heading: "Scan" } });
// @ts-expect-error the header is unknown
startScanning("qrcode", { headers: { "app-secret": "x" } });
// @ts-expect-error the ticket is a string
startScanning("qrcode", { onSuccess: (_userInfo, ticket: number) => ticket });
// @ts-expect-error a controller is not a signal
startScanning("qrcode", { signal: new AbortController() });
// @ts-expect-error the origins are a list
startScanning("qrcode", { frameAncestors: "https://www.example.com" });
startScanning("qrcode", {
  // @ts-expect-error the type of other fields than nickname and photo is unknown
  onSuccess: ({ email }) => email.trim(),
});
startScanning("qrcode", {
  // @ts-expect-error the reason is optional
  onError: (_message, error) => error.reason.trim(),
});

const handle = startScanning("qrcode");
// @ts-expect-error the state is read-only
handle.state = "ready";
// @ts-expect-error the state is unknown
handle.state === "waiting";
// @ts-expect-error a language is a string
handle.setLanguage(1);
// @ts-expect-error `free` of wasm-bindgen is not part of the API
handle.free();

// @ts-expect-error a number is not a source
init(1);
// @ts-expect-error the integrity is a string
init({ integrity: true });
// @ts-expect-error the promise has no value
const wasm: object = await init();

// @ts-expect-error a client has no `onSuccess`
new AuthenticationClient({ onSuccess: () => {} });
const { qrcode } = new AuthenticationClient({ appId: "shop" });
// @ts-expect-error the id of the code is missing
qrcode.checkStatus();
// @ts-expect-error the token of the approver is missing
qrcode.confirm("random");
// @ts-expect-error the result is a promise
qrcode.parseCode("{}").random;
// @ts-expect-error an address is text
qrcode.parseCode("{}", { codeUrl: new URL("https://pass.example.com/s") });
// @ts-expect-error the id of a code is not a handle
qrcode.stopPolling("random");

const element = document.createElement("scan-login");
// @ts-expect-error the options are an object
element.options = "{}";
// @ts-expect-error the option is unknown
element.options = { appID: "shop" };
// @ts-expect-error the event `scanned` has no ticket
element.addEventListener("scanned", ({ detail }) => detail.ticket);

// @ts-expect-error `fatal` is missing
const error: ScanLoginError = Object.assign(new Error(), { name: "ScanLoginError" as const, code: "network" });
// @ts-expect-error a callback is a function
const options: StartOptions = { onSuccess: "signIn" };
export { error, options, wasm };
