// A scripted server inside the page. It replaces `fetch`, sends the responses of a script, and records the requests.
// Each page of a test has its own server, which gets the requests with its app id. A request without a scripted
// response is held until the test adds one, so a state of the widget lasts until the test continues.

const servers = [];
const fetch = globalThis.fetch;
/** The number of requests and responses whose body is being read. */
let reading = 0;
let lateRequests = 0;

globalThis.fetch = (request, ...rest) => {
  // The test runner calls `fetch` with an address.
  if (!(request instanceof Request)) return fetch(request, ...rest);
  const server = serverOf(request);
  if (server) return server.handle(request);
  // The page of this request has ended. Only a request that is already aborted is allowed.
  if (!request.signal.aborted) lateRequests += 1;
  return Promise.reject(new DOMException("the page has ended", "AbortError"));
};

function serverOf(request) {
  const appId = request.headers.get("x-authing-app-id") ?? "";
  // A failed test does not remove its server, so the last one is used.
  return servers.findLast((server) => server.takesAll || server.appId === appId);
}

/** The number of requests of ended pages since the last call. */
export function takeLateRequests() {
  const count = lateRequests;
  lateRequests = 0;
  return count;
}

/** Whether a body is being read. A test waits for this before it advances the clock. */
export function isReading() {
  return reading > 0;
}

export class Server {
  static #last = 0;
  #scripts = { gene: [], check: [], complete: [], userinfo: [] };
  /** The held requests of each call. */
  #held = { gene: [], check: [], complete: [], userinfo: [] };

  constructor() {
    /** A test may set another app id; an empty one for requests without an app id. */
    this.appId = `app-${++Server.#last}`;
    /** Whether the server gets the requests with any app id. */
    this.takesAll = false;
    this.log = [];
    this.aborted = 0;
    this.inFlight = 0;
    this.maxInFlight = 0;
    servers.push(this);
  }

  /** Adds a response for a call. Status 0 is a failed connection. */
  respond(call, status, body, retryAfter) {
    this.#scripts[call].push({ status, body, headers: retryAfter ? { "retry-after": retryAfter } : {} });
    this.#held[call].shift()?.();
  }

  /** Options of a widget for this server. Its callbacks are recorded in `log`. `extra` adds and replaces options. */
  options(log, extra) {
    const names =
      "onCodeLoaded onCodeShow onCodeLoadFailed onStart onResult onScanned onSuccess onCancel onExpired onMfa onAuthFlow onError onRetry onCodeDestroyed";
    const options = { appId: this.appId, interval: 100, countdown: false };
    for (const name of names.split(" ")) {
      options[name] = (...values) => log.push([name, ...values.map(toText)].join(" "));
    }
    return Object.assign(options, extra);
  }

  async handle(request) {
    const call = new URL(request.url).pathname.split("/").pop();
    const body = request.method === "POST" ? await read(request) : "";
    // A request that is aborted before it is sent does not reach a real server.
    request.signal.throwIfAborted();
    const { url, method, mode, credentials, cache, redirect } = request;
    this.log.push({ call, url, method, mode, credentials, cache, redirect, body, headers: Object.fromEntries(request.headers) });
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    try {
      await this.#waitForResponse(call, request.signal);
    } finally {
      this.inFlight -= 1;
    }
    const { status, body: text, headers } = this.#scripts[call].shift();
    if (status === 0) throw new TypeError("Failed to fetch");
    const response = new Response(text, { status, headers });
    response.text = () => read(new Response(text));
    return response;
  }

  /** Waits until the script has a response. Rejects if the request is aborted before. */
  #waitForResponse(call, signal) {
    return new Promise((resolve, reject) => {
      const listeners = new AbortController();
      const release = () => {
        listeners.abort();
        resolve();
      };
      const abort = () => {
        this.aborted += 1;
        this.#held[call] = this.#held[call].filter((held) => held !== release);
        reject(new DOMException("aborted", "AbortError"));
      };
      if (signal.aborted) return abort();
      // The widget also aborts completed requests, which are not counted.
      signal.addEventListener("abort", abort, { signal: listeners.signal });
      if (this.#scripts[call].length > 0) release();
      else this.#held[call].push(release);
    });
  }

  /** The number of requests of a call. */
  requests(call) {
    return this.log.filter((entry) => entry.call === call).length;
  }

  /** The number of held requests of a call. */
  held(call) {
    return this.#held[call].length;
  }

  /** A field or header of the request with the index `n`. */
  field(n, name) {
    const entry = this.log[n];
    if (name === "headers") return JSON.stringify(entry.headers);
    return String(name in entry ? entry[name] : entry.headers[name]);
  }

  close() {
    servers.splice(servers.indexOf(this), 1);
  }
}

async function read(message) {
  reading += 1;
  try {
    return await message.text();
  } finally {
    reading -= 1;
  }
}

/** An argument of a callback as text. */
function toText(value) {
  if (value instanceof Error) return `${value.name}:${value.code}:${value.reason}:${value.fatal}`;
  if (typeof value === "object" && value !== null && "destroy" in value) return "handle";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Records the states of a widget and its announcements. An announcement is the text of a live region after a task that
 * changed it.
 */
export function observe(widget, states, announcements) {
  const frame = widget.shadowRoot.querySelector(".frame");
  states.push(frame.dataset.state);
  const stateObserver = new MutationObserver((changes) => {
    // A record has the old value. The new value is the old value of the next record.
    const values = [...changes.slice(1).map(({ oldValue }) => oldValue), frame.dataset.state];
    states.push(...values.filter((value, index) => value !== changes[index].oldValue));
  });
  stateObserver.observe(frame, { attributeFilter: ["data-state"], attributeOldValue: true });

  const regionObserver = new MutationObserver((changes) => {
    const regions = new Set(
      changes.map(({ target }) => (target.closest ? target : target.parentElement)?.closest("[role=status], [aria-live]")),
    );
    for (const region of regions) {
      if (region) announcements.push(region.innerText.trim().replace(/\s*\n\s*/g, " · "));
    }
  });
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ["hidden"] };
  regionObserver.observe(widget.shadowRoot, changes);
}

/** Runs `code` as the body of a function with the parameter `argument`. */
export function run(code, argument) {
  return new Function("argument", code)(argument);
}
