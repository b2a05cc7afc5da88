// Code of pages that must compile. It is never run.

import {
  AuthenticationClient,
  type CheckResult,
  type ErrorCode,
  init,
  type ScanHandle,
  type ScanLoginError,
  type ScanState,
  startScanning,
  type StartOptions,
  type UserInfo,
} from "scanlogin";
import { startScanning as startInline } from "scanlogin/inline";

declare function signIn(ticket: string): void;
declare function same<T>(value: T): T;

// All options are optional.
const handle: ScanHandle = startScanning("qrcode");
startInline(document.body, {});
startInline(document.body, { returnUrl: false, tips: { openApp: "Go on", number: "Choose" } });

// All options and callbacks.
const options: Required<StartOptions> = {
  appId: "shop",
  host: "https://login.example.com",
  appHost: "https://login.example.com",
  userPoolId: "customers",
  tenantId: "tenant",
  requestFrom: "sdk",
  headers: { "app-id": "x-app", lang: "x-lang" },
  timeout: 10_000,
  autoExchangeUserInfo: true,
  size: { width: 200 },
  containerSize: { width: 300, height: 300 },
  otherWays: document.createElement("a"),
  interval: 800,
  tips: { title: "Scan", failed: "Oh", retry: "Again" },
  customData: { hello: ["world", 1] },
  context: {},
  extIdpConnId: "connection",
  withCustomData: false,
  lang: "fr-CH",
  signal: new AbortController().signal,
  autoRefresh: 3,
  refreshOnCancel: true,
  longPoll: false,
  countdown: true,
  logo: "/logo.svg",
  render: "img",
  colors: { dark: "#123456" },
  theme: "dark",
  frameAncestors: ["https://www.example.com"],
  returnUrl: "https://www.example.com/login",
  code: { code: 200, message: "ok", data: { random: "r", expiresIn: 120, modules: "" } },
  onCodeLoaded: (random, url) => same<[string, string]>([random, url]),
  onCodeShow: (random, url) => same<[string, string]>([random, url]),
  onCodeLoadFailed: (message) => same<string>(message),
  onStart: (started) => started.stopPolling(),
  onResult: (result) => same<CheckResult>(result),
  onScanned: ({ nickname, photo }) => same<(string | undefined)[]>([nickname, photo]),
  onSuccess: (userInfo, ticket) => {
    same<UserInfo>(userInfo);
    signIn(ticket);
  },
  onCancel: () => {},
  onExpired: () => {},
  onMfa: (code, message, data) => same<[number | undefined, string | undefined, unknown]>([code, message, data]),
  onAuthFlow: (scannedResult) => same<unknown>(scannedResult),
  onError: (message, error) => {
    same<string>(message);
    same<ScanLoginError>(error);
    const code: ErrorCode = error.code;
    if (code === "wasm-blocked" && error.fatal) console.error(error.reason, error.serverCode, error.stack);
  },
  onRetry: () => {},
  onCodeDestroyed: (random) => same<string>(random),
};
startScanning(document.querySelector("#qrcode")!, options);

const state: ScanState = handle.state;
if (state === "ready") handle.refresh();
handle.setLanguage("ja-JP");
handle.stopPolling();
handle.destroy();

// All sources of the wasm.
await init();
await init("/scanlogin.wasm");
await init(new URL("./scanlogin.wasm", import.meta.url));
await init(await fetch("/scanlogin.wasm"));
await init(new Uint8Array());
await init(await WebAssembly.compile(new Uint8Array()));
await init({ source: await WebAssembly.compileStreaming(fetch("/scanlogin.wasm")) });
await init({ integrity: "sha384-abc" });
await init({ source: "/scanlogin.wasm", integrity: "sha384-abc" });

// The client, as in authing-js-sdk.
new AuthenticationClient();
const client = new AuthenticationClient({
  appId: "shop",
  onError: (code, message, error) => same<[number | string, string, ScanLoginError]>([code, message, error]),
});
for (const kind of [client.qrcode, client.wxqrcode, client.wechatmpqrcode]) {
  const { random, url, expiresIn } = await kind.geneCode({ customData: { hello: "world" } });
  same<[string, string | undefined, number | undefined]>([random, url, expiresIn]);
  const polling = kind.startPolling(random, { onSuccess: (_userInfo, ticket) => signIn(ticket) });
  kind.stopPolling(polling);
  const { status, ticket, number } = await kind.checkStatus(random);
  same<string | undefined>(number);
  if (status === 2 && ticket) same<UserInfo>(await kind.exchangeUserInfo(ticket));
  const { requester } = await kind.scanned(random, "token");
  if (requester) same<string>(requester.appName);
  same<number>((await kind.confirm(random, "token")).status);
  same<string>((await kind.cancel(random, "token")).description);
  same<string>((await kind.parseCode("{}")).random);
  const { sameDevice } = await kind.parseCode("https://pass.example.com/s#r", { codeUrl: ["https://pass.example.com/s"] });
  if (sameDevice) await kind.parseCode("{}", { codeUrl: "https://pass.example.com/s" });
  kind.startScanning("qrcode", { onExpired: () => {} }).destroy();
}
