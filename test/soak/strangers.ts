// Those who knock at a broker's doors and have no business there, and those who watch it over HTTP. Owns that each is
// gone after a moment; what the broker answers is tested elsewhere.
import { get } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { pause } from '../until.ts';

const LOOPBACK = '127.0.0.1';
/** How long one stays that is not sent away. */
const STAY_MS = 1_000;
/** Signature and version of ZMTP 3, and CURVE: whoever begins like this speaks ZeroMQ. */
const GREETING = Buffer.concat([
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]),
  Buffer.from('CURVE'.padEnd(52, '\0')),
]);

const unknown = loadIdentity(await generateIdentity('stranger'));

/** One of each kind at the port of the mesh; `from`: an address of loopback, which is not that of the peers. */
export async function knock(port: number, from: string): Promise<void> {
  const where = { port, host: LOOPBACK, localAddress: from };
  const says = (what: string | Buffer): Socket => {
    const socket = connectTcp(where);
    socket.once('connect', () => socket.write(what));
    return socket;
  };
  const { certificate: cert, key } = unknown;
  const guests = [
    says('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    says(GREETING),
    says(Buffer.alloc(300, 0x16)),
    connectTcp(where),
    connectTls({ ...where, rejectUnauthorized: false }),
    connectTls({ ...where, rejectUnauthorized: false, cert, key }),
  ];
  for (const guest of guests) guest.on('error', () => {}).resume();
  await pause(STAY_MS);
  for (const guest of guests) guest.destroy();
}

/** Some watch for a moment, one of them without reading; and there is a scrape. */
export async function watch(httpUrl: string): Promise<void> {
  await (await fetch(`${httpUrl}/metrics`)).text();
  const watchers = ['reads', 'reads', 'reads not'].map((how) =>
    get(`${httpUrl}/api/watch`, (response) => {
      if (how === 'reads') response.resume();
    }).on('error', () => {}),
  );
  await pause(STAY_MS);
  for (const watcher of watchers) watcher.destroy();
}
