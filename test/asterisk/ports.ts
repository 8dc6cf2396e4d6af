// Free ports for things that listen. Owns where they are looked for: below the ports that the system gives to
// whoever dials out, so that none is taken while its owner restarts; above those that Asterisk uses for RTP.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FIRST = 20_000;
const COUNT = 12_000;
/** Steps between the first ports of neighbouring pids, so that two runs at a time do not meet. */
const STRIDE = 97;

let given = 0;

/** The next port that nothing listens on now; this process gives each only once in COUNT times. */
async function next(isFree: (port: number) => Promise<boolean>, room = 1): Promise<number> {
  for (let tried = 0; tried < COUNT; tried += 1) {
    const port = FIRST + ((process.pid * STRIDE + given) % COUNT);
    given += room;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + COUNT - 1}`);
}

export function freeTcpPort(host = '127.0.0.1'): Promise<number> {
  return next(
    (port) =>
      new Promise((resolve) => {
        const server = createServer();
        server.once('error', () => resolve(false));
        server.listen(port, host, () => server.close(() => resolve(true)));
      }),
  );
}

/** `room`: so many ports from it on are nobody else's. */
export function freeUdpPort(host = '127.0.0.1', room = 1): Promise<number> {
  return next(
    (port) =>
      new Promise((resolve) => {
        const socket = createSocket('udp4');
        socket.once('error', () => socket.close(() => resolve(false)));
        socket.bind(port, host, () => socket.close(() => resolve(true)));
      }),
    room,
  );
}
