// The cable between two brokers: bytes both ways, until it is cut, reset or jammed. Owns its connections, and keeps
// nothing of what passes.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

export class Cable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #jammed = false;

  private constructor(server: Server, to: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => this.#join(near, connect(to, LOOPBACK)));
  }

  /** `to`: the port of whoever is dialled, which need not listen yet. */
  static async lay(to: number): Promise<Cable> {
    const server = createServer({ pauseOnConnect: true }).listen(0, LOOPBACK);
    await once(server, 'listening');
    return new Cable(server, to);
  }

  /** Both ends hear that the connection is over. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Both ends hear it as an error. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Nothing passes, and neither end hears why, until `clear`. */
  jam(): void {
    this.#jammed = true;
    for (const socket of this.#sockets) socket.pause();
  }

  clear(): void {
    this.#jammed = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (piece) => {
        if (to.write(piece)) return;
        from.pause();
        to.once('drain', () => !this.#jammed && from.resume());
      });
      if (this.#jammed) from.pause();
      else from.resume();
    }
  }
}
