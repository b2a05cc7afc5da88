// A server inside the page: it stands in for `fetch`, answers by script, and counts. Each page of a test has one, which
// knows its own requests by their app id.

const servers = [];
const fetch = globalThis.fetch;

globalThis.fetch = (request, ...rest) => {
  const id = request.headers?.get("x-authing-app-id");
  // A test may choose its own app id; then it has one server.
  const server = servers.find((server) => server.id === id) ?? servers.at(-1);
  return server ? server.answer(request) : fetch(request, ...rest);
};

export class Server {
  static #last = 0;

  constructor() {
    this.id = `app-${++Server.#last}`;
    this.scripts = { gene: [], check: [], userinfo: [] };
    this.log = [];
    this.aborted = 0;
    this.inFlight = 0;
    this.mostInFlight = 0;
    servers.push(this);
  }

  /** Adds an answer for a call. The last one of a call is repeated; a call without answers is held for ever. */
  on(call, status, body, retryAfter) {
    this.scripts[call].push({ status, body, headers: retryAfter ? { "retry-after": retryAfter } : {} });
  }

  /** Takes back all answers of a call. */
  hold(call) {
    this.scripts[call] = [];
  }

  /** Options of a widget of this server, whose callbacks write into `log`; `extra` has further ones. */
  options(log, extra) {
    const names =
      "onCodeLoaded onCodeShow onCodeLoadFailed onStart onResult onScanned onSuccess onCancel onExpired onMfa onAuthFlow onError onRetry onCodeDestroyed";
    const options = { appId: this.id, interval: 100, countdown: false };
    for (const name of names.split(" ")) {
      options[name] = (...values) => log.push([name, ...values.map(written)].join(" "));
    }
    return Object.assign(options, extra);
  }

  async answer(request) {
    const url = new URL(request.url);
    const call = url.pathname.split("/").pop();
    const body = request.method === "POST" ? await request.text() : "";
    this.log.push({ call, url: request.url, body, headers: Object.fromEntries(request.headers) });
    const aborted = this.#fly(request.signal);
    // Even the fastest server does not answer within the call.
    await Promise.race([aborted, new Promise((resolve) => setTimeout(resolve, 1))]);
    const script = this.scripts[call];
    if (script.length === 0) await aborted;
    const answer = script.length > 1 ? script.shift() : script[0];
    request.signal.dispatchEvent(new Event("landed"));
    if (answer.status === 0) throw new TypeError("Failed to fetch");
    return new Response(answer.body, answer);
  }

  /** Counts a request as in flight until it lands or is aborted; then the promise fails. */
  #fly(signal) {
    return new Promise((_, reject) => {
      const fail = () => reject(new DOMException("aborted", "AbortError"));
      if (signal.aborted) return fail();
      this.inFlight += 1;
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
      const over = new AbortController();
      const land = () => {
        this.inFlight -= 1;
        over.abort();
      };
      const abort = () => {
        this.aborted += 1;
        land();
        fail();
      };
      signal.addEventListener("landed", land, over);
      signal.addEventListener("abort", abort, over);
    });
  }

  requests(call) {
    return this.log.filter((entry) => entry.call === call).length;
  }

  /** A field of the n-th request. */
  field(n, name) {
    const entry = this.log[n];
    return String(name in entry ? entry[name] : entry.headers[name]);
  }

  close() {
    servers.splice(servers.indexOf(this), 1);
  }
}

function written(value) {
  if (value instanceof Error) return `${value.name}:${value.code}:${value.reason}:${value.fatal}`;
  if (typeof value === "object" && value !== null && "destroy" in value) return "handle";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Writes down what a screen reader announces: the live regions of a widget, as a whole, once for each task. */
export function listen(widget, heard) {
  const observer = new MutationObserver((changes) => {
    const regions = new Set(
      changes.map(({ target }) => (target.closest ? target : target.parentElement)?.closest("[role=status], [aria-live]")),
    );
    for (const region of regions) {
      if (region) heard.push(region.innerText.trim().replace(/\s*\n\s*/g, " · "));
    }
  });
  observer.observe(widget.shadowRoot, { subtree: true, childList: true, characterData: true, attributeFilter: ["hidden"] });
}

export function run(code, argument) {
  return new Function("argument", code)(argument);
}
