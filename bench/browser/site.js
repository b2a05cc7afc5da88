// A site: scanlogin-server with a store of its own, the proxy in front of it, the link to the browser, and a phone.

import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { start } from './children.js';
import { Front } from './front.js';
import { Link } from './link.js';

const JWT_SECRET = 'a secret for the benchmarks, longer than 32 bytes';

/** authing-js-sdk knows no poll token. One address creates all codes, so that no limit of an address may apply. */
const SETTINGS = `
[[app]]
id = "demo-app"
name = "The Shop"
user_pool_id = "customers"
code_lifetime = 120
secret_hashes = ["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
compat.poll_without_token = true

[[app]]
id = "demo-link"
name = "The Shop"
user_pool_id = "customers"
secret_hashes = ["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
code_url = "https://pass.example.com/s"

[limits]
codes_per_address = { burst = 1_000_000, per_second = 1_000_000 }
images_per_address = { burst = 1_000_000, per_second = 1_000_000 }
checks_per_code = { burst = 1_000_000, per_second = 1_000_000 }
approver_calls_per_user = { burst = 1_000_000, per_second = 1_000_000 }
connections_per_address = 10_000
`;

export class Site {
  static async start({ server, certificate, files }) {
    const site = new Site();
    site.front = await Front.listen(certificate, files);
    site.link = await Link.open(site.front.port);
    site.url = `https://localhost:${site.link.port}`;
    site.folder = mkdtempSync(path.join(tmpdir(), 'scanlogin-bench-'));
    const settings = path.join(site.folder, 'scanlogin.toml');
    writeFileSync(settings, SETTINGS);
    const flags = ['--config', settings, '--store', `sqlite:${path.join(site.folder, 'codes.db')}`];
    // The log of the server has the public URL only, so that its port is chosen here.
    const address = `127.0.0.1:${await freePort()}`;
    flags.push('--listen', address, '--public-url', site.url, '--trusted-proxy', '127.0.0.1/32');
    const env = { ...process.env, SCANLOGIN_JWT_SECRET: JWT_SECRET };
    site.server = start(server, flags, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    await untilListening(site.server);
    site.front.upstream = `http://${address}`;
    return site;
  }

  /** Approves the code with this id, as a phone does: `scanned` or `confirm`. Resolves when the server has answered. */
  async act(action, random) {
    const response = await fetch(`${this.front.upstream}/api/v2/qrcode/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${userToken()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ random }),
    });
    const { code, message } = await response.json();
    if (code !== 200) throw new Error(`${action}: ${message}`);
  }

  async close() {
    this.link.close();
    this.front.close();
    const ended = new Promise((resolve) => this.server.on('exit', resolve));
    if (this.server.exitCode === null) this.server.kill();
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port on which nothing listens. */
async function freePort() {
  const listener = net.createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** Waits until the server has written to its log that it listens. */
function untilListening(server) {
  return new Promise((resolve, reject) => {
    let log = '';
    server.on('error', reject);
    server.on('exit', () => reject(new Error(`the server has ended: ${log}`)));
    // Later lines are read too, because a full pipe would block the server.
    server.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-10_000);
      if (log.includes('listening')) resolve();
    });
  });
}

/** The token of a user, as the service of the site signs it. */
function userToken() {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { sub: 'alice', nickname: 'Alice', userPoolId: 'customers', exp };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}
