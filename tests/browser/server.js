// A server inside the page: it stands in for `fetch`, answers by script, and counts.

export class Server {
  constructor() {
    this.fetch = globalThis.fetch;
    this.scripts = { gene: [], check: [], userinfo: [] };
    this.log = [];
    this.aborted = 0;
    this.inFlight = 0;
    this.mostInFlight = 0;
    globalThis.fetch = (request) => this.answer(request);
  }

  /** Adds an answer for a call. The last one of a call is repeated; a call without answers is held for ever. */
  on(call, status, body) {
    this.scripts[call].push({ status, body });
  }

  /** Takes back all answers of a call. */
  hold(call) {
    this.scripts[call] = [];
  }

  async answer(request) {
    const url = new URL(request.url);
    const call = url.pathname.split("/").pop();
    const body = request.method === "POST" ? await request.text() : "";
    this.log.push({ call, url: request.url, body, headers: Object.fromEntries(request.headers) });
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      // Even the fastest server does not answer within the call.
      await new Promise((resolve) => setTimeout(resolve, 1));
      const script = this.scripts[call];
      if (script.length === 0) {
        await new Promise((_, reject) => {
          const abort = () => {
            this.aborted += 1;
            reject(new DOMException("aborted", "AbortError"));
          };
          if (request.signal.aborted) abort();
          else request.signal.addEventListener("abort", abort);
        });
      }
      const answer = script.length > 1 ? script.shift() : script[0];
      if (answer.status === 0) throw new TypeError("Failed to fetch");
      return new Response(answer.body, { status: answer.status });
    } finally {
      this.inFlight -= 1;
    }
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
    globalThis.fetch = this.fetch;
  }
}

/** Options whose callbacks write into `log`; `extra` is JavaScript for further fields. */
export function options(log, extra) {
  const names =
    "onCodeLoaded onCodeShow onCodeLoadFailed onStart onResult onScanned onSuccess onCancel onExpired onMfa onAuthFlow onError onRetry onCodeDestroyed";
  const options = { interval: 100, countdown: false };
  for (const name of names.split(" ")) {
    options[name] = (...values) => log.push([name, ...values.map(written)].join(" "));
  }
  return Object.assign(options, extra);
}

function written(value) {
  if (value instanceof Error) return `${value.name}:${value.code}:${value.reason}:${value.fatal}`;
  if (typeof value === "object" && value !== null && "destroy" in value) return "handle";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function run(code, argument) {
  return new Function("argument", code)(argument);
}
