// A network link of a given rate and round-trip time, as a TCP proxy in this process.
//
// The model of one direction: a packet has at most 1,460 bytes of data and 40 bytes of headers. It waits until the
// link, which all connections share, has sent the packets before it, and then for half the round-trip time. A
// connection starts with ten packets in flight and one more for each acknowledged packet, as Linux does (slow start).
// A connection costs one round trip before its first packet. No packet is lost, and the queue of the link has no end.
//
// The model needs no root and no kernel module, as `tc netem` does, and it also delays the set-up of connections, which
// `Network.emulateNetworkConditions` of the DevTools protocol does not.

import net from 'node:net';

const SEGMENT = 1460;
const HEADERS = 40;
const INITIAL_WINDOW = 10 * SEGMENT;
/** A source with more waiting bytes than this is paused. */
const BUFFER = 64 * 1024;

/** The networks, slowest last. `null` does not shape. */
export const NETWORKS = {
  loopback: null,
  '10M': { label: '10 Mbit/s, 40 ms', bitsPerSecond: 10e6, roundTrip: 40 },
  '1.6M': { label: '1.6 Mbit/s, 150 ms', bitsPerSecond: 1.6e6, roundTrip: 150 },
  '0.4M': { label: '0.4 Mbit/s, 400 ms', bitsPerSecond: 0.4e6, roundTrip: 400 },
};

export const networkLabel = (name) => NETWORKS[name]?.label ?? name;

export const SYSTEM_CLOCK = {
  now: () => performance.now(),
  /** Calls `run` at `time` or later. Timers of Node.js count whole milliseconds and can end early. */
  at(time, run) {
    const check = () => (performance.now() < time ? SYSTEM_CLOCK.at(time, run) : run());
    setTimeout(check, Math.ceil(time - performance.now()));
  },
};

/** The rate of one direction, which all connections share. */
class Rate {
  constructor(bitsPerSecond) {
    this.millisecondsPerByte = 8000 / bitsPerSecond;
    this.idleFrom = 0;
  }

  /** When the last bit of a packet has left, if the packet is ready at `now`. */
  send(now, bytes) {
    this.idleFrom = Math.max(now, this.idleFrom) + bytes * this.millisecondsPerByte;
    return this.idleFrom;
  }
}

/** One direction of one connection. `deliver` gets the bytes in their order. */
export class Flow {
  constructor({ rate, roundTrip, deliver, openFrom = 0, clock = SYSTEM_CLOCK, onRoom = () => {} }) {
    Object.assign(this, { rate, roundTrip, deliver, openFrom, clock, onRoom });
    this.waiting = [];
    this.waitingBytes = 0;
    this.inFlight = [];
    this.inFlightBytes = 0;
    this.window = INITIAL_WINDOW;
    this.onIdle = null;
  }

  isFull() {
    return this.waitingBytes > BUFFER;
  }

  push(chunk) {
    for (let start = 0; start < chunk.length; start += SEGMENT) {
      this.waiting.push(chunk.subarray(start, start + SEGMENT));
    }
    this.waitingBytes += chunk.length;
    this.pump();
  }

  /** Calls `run` when all bytes are delivered. */
  whenIdle(run) {
    this.onIdle = run;
    this.checkIdle();
  }

  pump() {
    const now = this.clock.now();
    if (now < this.openFrom) {
      this.clock.at(this.openFrom, () => this.pump());
      return;
    }
    const wasFull = this.isFull();
    while (this.waiting.length > 0 && this.inFlightBytes + this.waiting[0].length <= this.window) {
      const bytes = this.waiting.shift();
      this.waitingBytes -= bytes.length;
      this.inFlightBytes += bytes.length;
      const arrival = this.rate.send(now, bytes.length + HEADERS) + this.roundTrip / 2;
      this.inFlight.push({ arrival, bytes });
      this.clock.at(arrival, () => this.deliverArrived());
    }
    if (wasFull && !this.isFull()) this.onRoom();
  }

  /** Timers can run in another order than their times, so each of them delivers all packets that have arrived. */
  deliverArrived() {
    const now = this.clock.now();
    while (this.inFlight.length > 0 && this.inFlight[0].arrival <= now) {
      const { bytes } = this.inFlight.shift();
      this.deliver(bytes);
      this.clock.at(now + this.roundTrip / 2, () => {
        this.inFlightBytes -= bytes.length;
        this.window += bytes.length;
        this.pump();
      });
    }
    this.checkIdle();
  }

  checkIdle() {
    if (this.waiting.length === 0 && this.inFlight.length === 0) this.onIdle?.();
  }
}

/** A listening link in front of a server on this machine. `bytes` counts what the browser sent and received. */
export class Link {
  static async open(targetPort) {
    const link = new Link();
    link.bytes = { up: 0, down: 0 };
    link.sockets = new Set();
    link.use('loopback');
    link.server = net.createServer({ pauseOnConnect: true }, (client) => link.connect(client, targetPort));
    await new Promise((resolve) => link.server.listen(0, '127.0.0.1', resolve));
    link.port = link.server.address().port;
    return link;
  }

  /** Selects the network of later connections, and closes the present ones. */
  use(network) {
    this.reset();
    this.profile = NETWORKS[network];
    if (this.profile) {
      this.rates = { up: new Rate(this.profile.bitsPerSecond), down: new Rate(this.profile.bitsPerSecond) };
    }
  }

  /** Closes all connections, as the time between two visits does. */
  reset() {
    for (const socket of this.sockets) socket.destroy();
  }

  connect(client, targetPort) {
    const server = net.connect(targetPort, '127.0.0.1');
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    this.forward('up', client, server, performance.now() + (this.profile?.roundTrip ?? 0));
    this.forward('down', server, client, 0);
  }

  forward(direction, source, target, openFrom) {
    const deliver = (bytes) => {
      this.bytes[direction] += bytes.length;
      if (target.writable) target.write(bytes);
    };
    if (!this.profile) {
      source.on('data', deliver);
      source.on('end', () => target.end());
    } else {
      const { roundTrip } = this.profile;
      const onRoom = () => source.resume();
      const flow = new Flow({ rate: this.rates[direction], roundTrip, deliver, openFrom, onRoom });
      source.on('data', (chunk) => {
        flow.push(chunk);
        if (flow.isFull()) source.pause();
      });
      source.on('end', () => flow.whenIdle(() => target.end()));
    }
    source.resume();
  }

  close() {
    this.reset();
    this.server.close();
  }
}

/** Creates the rate of one direction, for tests. */
export const rateOf = (bitsPerSecond) => new Rate(bitsPerSecond);
