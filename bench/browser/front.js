// The proxy in front of the server, as a site has one: TLS, HTTP/2 and Brotli for the files of all pages and for the
// responses of the server.

import { execFileSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

/** Proxies compress responses of servers at a fast level, because a request waits for it. */
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
/** A smaller response is not compressed. This is the default of Caddy. */
const LEAST_BYTES = 512;
const DROPPED_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']);

/** A key and a certificate for `localhost`, made by OpenSSL for this run. */
export function createCertificate() {
  const folder = mkdtempSync(path.join(tmpdir(), 'scanlogin-bench-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((file) => path.join(folder, file));
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    const certificate = { key: readFileSync(key), cert: readFileSync(cert) };
    const publicKey = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
    return { ...certificate, spkiHash: createHash('sha256').update(publicKey).digest('base64') };
  } catch (error) {
    throw new Error(`openssl made no certificate: install OpenSSL (${error.message})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that the front serves. `cacheControl` is that of a page or of a script with a version in its address. */
export function file(type, body) {
  const bytes = Buffer.from(body);
  const isPage = type.startsWith('text/html');
  const headers = {
    'content-type': type,
    'content-encoding': 'br',
    'cache-control': isPage ? 'no-cache' : 'max-age=31536000, immutable',
    vary: 'accept-encoding',
  };
  return { headers, body: brotliCompressSync(bytes) };
}

export class Front {
  /** Listens on a free port. `files` has the content of each path. */
  static async listen(certificate, files) {
    const front = new Front();
    front.agent = new http.Agent({ keepAlive: true });
    /** The requests to the server: method and path. */
    front.requests = [];
    front.server = http2.createSecureServer({ ...certificate });
    front.server.on('sessionError', () => {});
    front.server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      const found = files.get(headers[':path'].split('?')[0]);
      if (found) {
        stream.respond({ ':status': 200, ...found.headers });
        stream.end(found.body);
      } else {
        front.forward(stream, headers);
      }
    });
    await new Promise((resolve) => front.server.listen(0, '127.0.0.1', resolve));
    front.port = front.server.address().port;
    return front;
  }

  /** Sends a request to the server, and its response to the browser. */
  forward(stream, requestHeaders) {
    const { ':path': target, ':method': method, ':authority': host, ...rest } = requestHeaders;
    this.requests.push({ method, path: target, at: performance.timeOrigin + performance.now() });
    const headers = Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith(':')));
    Object.assign(headers, { host, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' });
    const { hostname, port } = new URL(this.upstream);
    const request = http.request({ hostname, port, method, path: target, headers, agent: this.agent });
    request.on('response', async (response) => {
      let body;
      try {
        body = Buffer.concat(await response.toArray());
      } catch {
        // The page has closed the request.
        stream.close();
        return;
      }
      const kept = Object.entries(response.headers).filter(([name]) => !DROPPED_HEADERS.has(name));
      const answer = { ':status': response.statusCode, ...Object.fromEntries(kept) };
      if (body.length >= LEAST_BYTES && !response.headers['content-type']?.startsWith('image/')) {
        body = brotliCompressSync(body, FAST);
        answer['content-encoding'] = 'br';
      }
      if (stream.destroyed) return;
      stream.respond(answer);
      stream.end(body);
    });
    request.on('error', () => stream.close());
    // A page that closes its connection ends its long poll.
    stream.on('close', () => request.destroy());
    stream.pipe(request);
  }

  close() {
    this.server.close();
    this.agent.destroy();
  }
}
