// Code with `<scan-login>` and the script tag that must compile. It is never run.

/// <reference types="scanlogin/global.js" />

import "scanlogin/element";
import { ScanLoginElement } from "scanlogin/element";

declare function signIn(ticket: string): void;

const element = document.createElement("scan-login");
element.appId = "shop";
element.size = { width: 200, height: 200 };
element.lang = "ja-JP";
element.returnUrl = "https://www.example.com/login";
element.options = { customData: { hello: "world" }, onSuccess: (_userInfo, ticket) => signIn(ticket) };
element.addEventListener("success", ({ detail }) => signIn(detail.ticket));
element.addEventListener("scanned", ({ detail }) => detail.userInfo.nickname?.trim());
element.addEventListener("cancel", ({ detail }) => detail satisfies null);
element.addEventListener("error", ({ detail }) => detail.error.code.trim());
element.addEventListener("click", ({ clientX }) => clientX.toFixed());
element.addEventListener("custom-event", (event) => event.preventDefault());
if (element.state === "expired") element.refresh();
document.querySelector("scan-login")?.refresh();
document.body.append(new ScanLoginElement());

ScanLogin.startScanning("qrcode", { onSuccess: (_userInfo, ticket) => signIn(ticket) }).destroy();
new ScanLogin.AuthenticationClient({ appId: "shop" }).qrcode.startScanning("qrcode");
window.ScanLogin.init({ integrity: "sha384-abc" }).then(() => {});
document.addEventListener("scanlogin:success", ({ detail }) => signIn(detail.ticket));
document.addEventListener("scanlogin:error", ({ detail }) => detail.error.code.trim());
