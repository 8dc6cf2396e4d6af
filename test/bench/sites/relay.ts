// The least that carries a state from one Asterisk to another: this process twice, with mutual TLS 1.3 between. The
// sender hears `a` and writes a line per change, the receiver makes each line a Setvar at once. No window, no queue, no
// snapshot, no check of what comes: nothing of what makes it right, so that a broker can be held against it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type Address, openLine } from '../driver/ami-line.ts';
import { CODES, eachStatus } from '../driver/scan.ts';

export const RELAY = fileURLToPath(import.meta.url);

/** What one of the two is told. */
export interface RelayOrder {
  readonly role: 'sender' | 'receiver';
  readonly ami: Address;
  /** The sender listens here; the receiver dials it. */
  readonly link: Address;
  /** PEM of its own certificate and key, and of the certificate of the other. */
  readonly identity: string;
  readonly other: string;
  /** At the end of a lamp's name. */
  readonly suffix: string;
}

const STATES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(CODES).map(([state, code]) => [code, state]),
);

/** Only who has the other's certificate gets in: each is its own authority. */
function tls({ identity, other }: RelayOrder) {
  const pem = readFileSync(identity, 'utf8');
  return { cert: pem, key: pem, ca: readFileSync(other, 'utf8'), minVersion: 'TLSv1.3' } as const;
}

async function sender(order: RelayOrder): Promise<void> {
  const links = new Set<TLSSocket>();
  const options = { ...tls(order), requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (socket) => {
    ready(socket);
    links.add(socket);
    // The receiver is ready when it hears that it has been let in.
    socket.write('\n');
    socket.on('close', () => links.delete(socket));
  });
  server.listen(order.link.port, order.link.host);
  await openLine(order.ami, 'call', (text) => {
    let lines = '';
    eachStatus(text, (exten, code) => {
      lines += `${exten} ${STATES[code]}\n`;
    });
    if (lines !== '') for (const link of links) link.write(lines, 'latin1');
  });
}

async function receiver(order: RelayOrder): Promise<void> {
  const line = await openLine(order.ami, 'nothing', () => {});
  const { host, port } = order.link;
  // The name in the certificate is not an address; whose it is has been proved by then.
  const link = connect({ ...tls(order), host, port, checkServerIdentity: () => undefined });
  ready(link);
  let rest = '';
  link.on('data', (data: string) => {
    const text = rest + data;
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    let actions = '';
    for (const each of lines) {
      if (each === '') continue;
      const space = each.indexOf(' ');
      const lamp = each.slice(0, space) + order.suffix;
      actions += `Action: Setvar\r\nVariable: DEVICE_STATE(Custom:${lamp})\r\nValue: ${each.slice(space + 1)}\r\n\r\n`;
    }
    if (actions !== '') line.write(actions);
  });
  await once(link, 'data');
}

function ready(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  // A link that breaks is not made anew; the process ends with whoever started it.
  socket.on('error', (error) => console.error(`relay: ${error.message}`));
}

if (process.argv[1] === RELAY) {
  const order = JSON.parse(process.argv[2] ?? '{}') as RelayOrder;
  await (order.role === 'sender' ? sender(order) : receiver(order));
  process.send?.('ready');
}
