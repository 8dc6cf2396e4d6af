// The network between a dialler and a listener, with what networks do: it stops, forgets, and changes bytes.
import net from 'node:net';
import { served, toClose } from './tcp-ends.ts';

interface Line {
  readonly dialler: net.Socket;
  readonly listener: net.Socket;
  /** Cut: neither end hears of it. */
  cut: boolean;
}

export class Relay {
  readonly port: number;
  /** All that the diallers said, in one. */
  said = Buffer.alloc(0);
  /** What is made of a piece on its way to the listener. */
  change: (piece: Buffer) => Buffer = (piece) => piece;
  readonly #lines = new Set<Line>();
  #stopped = false;

  private constructor(port: number) {
    this.port = port;
  }

  /** Connections so far. */
  get lines(): number {
    return this.#lines.size;
  }

  static async to(port: number): Promise<Relay> {
    const server = net.createServer();
    const relay: Relay = new Relay(await served(server));
    server.on('connection', (dialler) => relay.#carry(dialler, net.connect(port, '127.0.0.1')));
    toClose.push(() => {
      for (const line of relay.#lines) line.listener.destroy();
    });
    return relay;
  }

  /** Takes nothing any more, from nobody, until `go`. */
  stop(): void {
    this.#stopped = true;
    for (const { dialler, listener } of this.#lines) {
      dialler.pause();
      listener.pause();
    }
  }

  go(): void {
    this.#stopped = false;
    for (const { dialler, listener } of this.#lines) {
      dialler.resume();
      listener.resume();
    }
  }

  /** From now on what is said on today's connections is lost, their end included. */
  cut(): void {
    for (const line of this.#lines) line.cut = true;
  }

  #carry(dialler: net.Socket, listener: net.Socket): void {
    const line: Line = { dialler, listener, cut: false };
    this.#lines.add(line);
    const pass = (from: net.Socket, to: net.Socket, change: (piece: Buffer) => Buffer) => {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (piece) => {
        if (line.cut || to.write(change(piece)) || this.#stopped) return;
        from.pause();
        to.once('drain', () => !this.#stopped && from.resume());
      });
      from.on('close', () => {
        if (!line.cut) to.destroy();
      });
      if (this.#stopped) from.pause();
    };
    pass(dialler, listener, (piece) => {
      this.said = Buffer.concat([this.said, piece]);
      return this.change(piece);
    });
    pass(listener, dialler, (piece) => piece);
  }
}
