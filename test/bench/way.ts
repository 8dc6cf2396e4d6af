// A way that takes time: connections and datagrams go through a process that passes them on later, as if the two sides
// were far from each other. Owns that process, and the measurement of how far they really are.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Child, FIRST, start } from '../asterisk/child.ts';
import type { Lab } from '../asterisk/lab.ts';
import type { Way } from './contract.ts';

const PROCESS = fileURLToPath(new URL('./way-process.ts', import.meta.url));
/** To listen takes milliseconds; a loaded machine is given this long. */
const ANSWER_WITHIN_MS = 10_000;

/** What the process is told: to lead to this address. */
export interface Order {
  readonly id: number;
  readonly kind: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

/** Where it listens, or why not. */
export interface Answer {
  readonly id: number;
  readonly port?: number;
  readonly error?: string;
}

/** Each direction takes `delayMs`. Gone with the lab. */
export async function openWay(lab: Pick<Lab, 'keep'>, { delayMs }: { delayMs: number }): Promise<Way> {
  // A line takes no processor time from those at its ends, and does not wait for any.
  const argv = [...FIRST, process.execPath, '--import', 'tsx', PROCESS, String(delayMs)];
  const child = start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  lab.keep({ close: async () => void (await child.stop()) });
  let orders = 0;
  const lead = async (kind: Order['kind'], host: string, port: number) => {
    orders += 1;
    const own = await ask(child, { id: orders, kind, host, port });
    return { host: '127.0.0.1', port: own };
  };
  return {
    tcp: (host, port) => lead('tcp', host, port),
    udp: (host, port) => lead('udp', host, port),
  };
}

/** The port that it listens on. */
async function ask({ process, exited }: Child, order: Order): Promise<number> {
  let hear: ((answer: Answer) => void) | undefined;
  let late: NodeJS.Timeout | undefined;
  const heard = new Promise<Answer>((resolve, reject) => {
    hear = (answer) => {
      if (answer.id === order.id) resolve(answer);
    };
    process.on('message', hear);
    late = setTimeout(
      () => reject(new Error(`the way said nothing in ${ANSWER_WITHIN_MS} ms`)),
      ANSWER_WITHIN_MS,
    );
    void exited.then(() => reject(new Error('the process of the way ended')));
  });
  process.send(order);
  try {
    const { port, error } = await heard;
    if (port === undefined) throw new Error(`a way to ${order.host}:${order.port}: ${error}`);
    return port;
  } finally {
    clearTimeout(late);
    if (hear) process.off('message', hear);
  }
}

/** How long one byte takes there and back, ms, `count` times one after another. */
export async function roundTrips(way: Pick<Way, 'tcp'>, count: number): Promise<number[]> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { host, port } = await way.tcp('127.0.0.1', (echo.address() as AddressInfo).port);
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect');
    const took: number[] = [];
    while (took.length < count) {
      const sent = performance.now();
      socket.write('.');
      await once(socket, 'data');
      took.push(performance.now() - sent);
    }
    return took;
  } finally {
    socket.destroy();
    echo.close();
  }
}
