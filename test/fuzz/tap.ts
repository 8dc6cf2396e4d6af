/** Stands between a broker and its Asterisk, and keeps every byte that the broker writes. */
import { once } from 'node:events';
import net from 'node:net';

export class Tap {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** What was written over each connection. */
  readonly written: Buffer[] = [];

  private constructor(to: () => number) {
    this.#server = net.createServer((near) => {
      const far = net.connect(to(), '127.0.0.1');
      const at = this.written.push(Buffer.alloc(0)) - 1;
      near.on('data', (bytes) => {
        this.written[at] = Buffer.concat([this.written[at] ?? Buffer.alloc(0), bytes]);
      });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => {
          near.destroy();
          far.destroy();
        });
      }
    });
  }

  static async to(port: () => number): Promise<Tap> {
    const tap = new Tap(port);
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    return tap;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
