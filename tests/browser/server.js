// A server inside the page. It stands in for `fetch`, gives the answers of a script, and records the requests. Each page
// of a test has one, which gets the requests that carry its app id, and no others. A request for which the script has
// no answer is held until the test adds one, so that a state of the widget lasts until the test goes on.

const servers = [];
const fetch = globalThis.fetch;
/** How many requests and answers are being read. */
let reading = 0;
let strays = 0;

globalThis.fetch = (request, ...rest) => {
  // The test runner fetches by address.
  if (!(request instanceof Request)) return fetch(request, ...rest);
  const server = serverOf(request);
  if (server) return server.answer(request);
  // A page that has ended has no server, and must not reach that of the next test. What its widget has aborted it may
  // still send.
  if (!request.signal.aborted) strays += 1;
  return Promise.reject(new DOMException("the page has ended", "AbortError"));
};

function serverOf(request) {
  const appId = request.headers.get("x-authing-app-id") ?? "";
  // A test that failed leaves its server.
  return servers.findLast((server) => server.appId === appId);
}

/** How many requests of pages that had ended were sent since the last call. */
export function takeStrays() {
  const count = strays;
  strays = 0;
  return count;
}

/** Whether something happens that needs no time to pass: the test waits for it before it lets time pass. */
export function isReading() {
  return reading > 0;
}

export class Server {
  static #last = 0;
  #scripts = { gene: [], check: [], userinfo: [] };
  /** Per call: the requests that are held. */
  #held = { gene: [], check: [], userinfo: [] };

  constructor() {
    /** May be set by a test; empty for requests without one. */
    this.appId = `app-${++Server.#last}`;
    this.log = [];
    this.aborted = 0;
    this.inFlight = 0;
    this.mostInFlight = 0;
    servers.push(this);
  }

  /** Adds an answer for a call. Status 0 is a connection that fails. */
  on(call, status, body, retryAfter) {
    this.#scripts[call].push({ status, body, headers: retryAfter ? { "retry-after": retryAfter } : {} });
    this.#held[call].shift()?.();
  }

  /** Options of a widget of this server, whose callbacks write into `log`; `extra` has further ones. */
  options(log, extra) {
    const names =
      "onCodeLoaded onCodeShow onCodeLoadFailed onStart onResult onScanned onSuccess onCancel onExpired onMfa onAuthFlow onError onRetry onCodeDestroyed";
    const options = { appId: this.appId, interval: 100, countdown: false };
    for (const name of names.split(" ")) {
      options[name] = (...values) => log.push([name, ...values.map(written)].join(" "));
    }
    return Object.assign(options, extra);
  }

  async answer(request) {
    const call = new URL(request.url).pathname.split("/").pop();
    const body = request.method === "POST" ? await read(request) : "";
    // As a real server, it never sees what was aborted before.
    request.signal.throwIfAborted();
    this.log.push({ call, url: request.url, body, headers: Object.fromEntries(request.headers) });
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await this.#untilScripted(call, request.signal);
    } finally {
      this.inFlight -= 1;
    }
    const { status, body: text, headers } = this.#scripts[call].shift();
    if (status === 0) throw new TypeError("Failed to fetch");
    const response = new Response(text, { status, headers });
    response.text = () => read(new Response(text));
    return response;
  }

  /** Waits until the script has an answer; fails if the request is aborted before. */
  #untilScripted(call, signal) {
    return new Promise((resolve, reject) => {
      const answered = new AbortController();
      const answer = () => {
        answered.abort();
        resolve();
      };
      const abort = () => {
        this.aborted += 1;
        this.#held[call] = this.#held[call].filter((held) => held !== answer);
        reject(new DOMException("aborted", "AbortError"));
      };
      if (signal.aborted) return abort();
      // The widget aborts answered requests too, which changes nothing.
      signal.addEventListener("abort", abort, { signal: answered.signal });
      if (this.#scripts[call].length > 0) answer();
      else this.#held[call].push(answer);
    });
  }

  requests(call) {
    return this.log.filter((entry) => entry.call === call).length;
  }

  /** How many requests of a call are held. */
  held(call) {
    return this.#held[call].length;
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

async function read(message) {
  reading += 1;
  try {
    return await message.text();
  } finally {
    reading -= 1;
  }
}

function written(value) {
  if (value instanceof Error) return `${value.name}:${value.code}:${value.reason}:${value.fatal}`;
  if (typeof value === "object" && value !== null && "destroy" in value) return "handle";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Records what happens to a widget: the states that it shows, each once, and what a screen reader announces, the live
 * regions as a whole and once for each task.
 */
export function listen(widget, states, heard) {
  const frame = widget.shadowRoot.querySelector(".frame");
  states.push(frame.dataset.state);
  const stateObserver = new MutationObserver((changes) => {
    // A record has the value before the change: the value after it is the next one's.
    const values = [...changes.slice(1).map(({ oldValue }) => oldValue), frame.dataset.state];
    states.push(...values.filter((value, index) => value !== changes[index].oldValue));
  });
  stateObserver.observe(frame, { attributeFilter: ["data-state"], attributeOldValue: true });

  const regionObserver = new MutationObserver((changes) => {
    const regions = new Set(
      changes.map(({ target }) => (target.closest ? target : target.parentElement)?.closest("[role=status], [aria-live]")),
    );
    for (const region of regions) {
      if (region) heard.push(region.innerText.trim().replace(/\s*\n\s*/g, " · "));
    }
  });
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ["hidden"] };
  regionObserver.observe(widget.shadowRoot, changes);
}

export function run(code, argument) {
  return new Function("argument", code)(argument);
}
