// The process of a way: listens on loopback, and passes on what it gets a fixed time later, in both directions and in
// order. Owns the connections, the datagrams and what waits. Takes its orders over IPC; whoever asks is way.ts.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Answer, Order } from './way.ts';

const LOOPBACK = '127.0.0.1';
/** So much waits in one direction of one connection: 16 MiB in 15 ms are a gigabyte a second. */
const QUEUE_BYTES = 16 * 1_024 * 1_024;
/** Senders of datagrams to one address: each has a socket of its own, for the answers. */
const SENDERS = 64;
/** A timer has steps of a millisecond. What is due within half a step goes now: late as often as early. */
const HALF_STEP_MS = 0.5;

const delayMs = Number(process.argv[2]);

interface Line {
  /** What waits. */
  readonly bytes: number;
  /** Calls `deliver` when the delay is over, after all that was put in before. */
  put(bytes: number, deliver: () => void): void;
}

/** One direction. There is one timer, for the first that waits; what is due at the same time goes together. */
function openLine(together: (deliver: () => void) => void): Line {
  const waiting: { due: number; bytes: number; deliver: () => void }[] = [];
  let waitingBytes = 0;
  const arm = (): void => {
    const first = waiting[0];
    if (first !== undefined) setTimeout(release, Math.round(first.due - performance.now()));
  };
  const release = (): void => {
    const now = performance.now() + HALF_STEP_MS;
    const early = waiting.findIndex(({ due }) => due > now);
    const goes = waiting.splice(0, early < 0 ? waiting.length : early);
    for (const { bytes } of goes) waitingBytes -= bytes;
    together(() => {
      for (const { deliver } of goes) deliver();
    });
    arm();
  };
  return {
    get bytes() {
      return waitingBytes;
    },
    put: (bytes, deliver) => {
      waitingBytes += bytes;
      waiting.push({ due: performance.now() + delayMs, bytes, deliver });
      if (waiting.length === 1) arm();
    },
  };
}

/** What `from` sends comes to `to`; so does its end, and that it broke. */
function pass(from: Socket, to: Socket): void {
  const line = openLine((deliver) => {
    // One write of the system for all.
    to.cork();
    deliver();
    to.uncork();
    hold();
  });
  // Whoever sends faster than the other reads has to wait, as on any line.
  const hold = (): void => {
    if (line.bytes + to.writableLength > QUEUE_BYTES) from.pause();
    else if (from.isPaused()) from.resume();
  };
  to.on('drain', hold);
  from.on('data', (chunk) => {
    line.put(chunk.length, () => to.write(chunk));
    hold();
  });
  from.on('end', () => line.put(0, () => to.end()));
  from.on('error', () => line.put(0, () => to.resetAndDestroy()));
}

async function tcp(host: string, port: number): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (down) => {
    const up = connect({ host, port, allowHalfOpen: true, noDelay: true });
    pass(down, up);
    pass(up, down);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Answers come to the socket that the request was sent from, and go back from the address that it was sent to. */
async function udp(host: string, port: number): Promise<number> {
  const down = createSocket('udp4');
  const senders = new Map<string, (data: Buffer) => void>();
  const open = (toHost: string, toPort: number): ((data: Buffer) => void) => {
    if (senders.size === SENDERS) throw new Error(`more than ${SENDERS} send to ${host}:${port}`);
    const up = createSocket('udp4');
    const back = datagrams((data) => down.send(data, toPort, toHost));
    up.on('message', back);
    return datagrams((data) => up.send(data, port, host));
  };
  down.on('message', (data, from) => {
    const key = `${from.address}:${from.port}`;
    const send = senders.get(key) ?? open(from.address, from.port);
    senders.set(key, send);
    send(data);
  });
  down.bind(0, LOOPBACK);
  await once(down, 'listening');
  return down.address().port;
}

/** One direction of datagrams: for those there is no room for are lost, as on any line. */
function datagrams(send: (data: Buffer) => void): (data: Buffer) => void {
  const line = openLine((deliver) => deliver());
  return (data) => {
    if (line.bytes + data.length <= QUEUE_BYTES) line.put(data.length, () => send(data));
  };
}

process.on('message', ({ id, kind, host, port }: Order) => {
  const answer = (rest: { port?: number; error?: string }): void => {
    process.send?.({ id, ...rest } satisfies Answer);
  };
  (kind === 'tcp' ? tcp : udp)(host, port).then(
    (own) => answer({ port: own }),
    (error: Error) => answer({ error: error.message }),
  );
});
