/**
 * One TCP or TLS connection to the manager port, and the ONLY file that knows asterisk-manager.
 *
 * Owns: the socket, the greeting, the caps on what comes and goes, and the guard around the library. What is
 * left to the library is how it connects and logs in. What Asterisk says is read by packets.ts, and actions are written
 * here: a lamp is three packets and one action, and with the library's parser and encoder those were a third of what
 * a broker does for it (docs/performance.md). It must never be used in another way: its parser keeps half a packet for the
 * next connection; its reconnect and `disconnect` leave zombies, and it prints. So there is one instance per connection,
 * and the socket is ours. The library's own 'rawevent' listener, which emits whatever name a packet claims, is taken off.
 */
import net from 'node:net';
import tls from 'node:tls';
import createManager from 'asterisk-manager';
import type { AmiDown, AmiOptions } from './contract.ts';
import { type Encoded, packetOf, quote } from './encode.ts';
import { MAX_BANNER, MAX_UNSENT_BYTES } from './limits.ts';
import type { Message } from './message.ts';
import { Packets } from './packets.ts';
import { connectionFailed, unreadablePem } from './reasons.ts';

export interface ConnectionHandlers {
  /** Asterisk greeted: log in. */
  greeted(): void;
  message(message: Message): void;
  /** Called exactly once, whoever ends it; nothing else is called after it. */
  ended(why: AmiDown): void;
}

const BANNER = /^Asterisk Call Manager\/[\w.]+\r?\n/;

export class Connection {
  /** Resolves when the operating system has let go of the socket. */
  readonly closed: Promise<void>;
  readonly #options: AmiOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #manager;
  readonly #packets = new Packets();
  #socket: net.Socket | undefined;
  #resolveClosed: () => void = () => {};
  /** Actions of this turn are held back until its end. */
  #corked = false;
  #banner: string | undefined = '';
  #ended = false;

  constructor(options: AmiOptions, handlers: ConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    // Without a port the library does not connect by itself.
    this.#manager = createManager(undefined, options.host, '', '');
    this.#manager.removeAllListeners('rawevent');
  }

  open(): void {
    const { host, port } = this.#options;
    let socket: net.Socket;
    try {
      socket = this.#options.tls
        ? tls.connect({ host, port, minVersion: 'TLSv1.2', ...this.#options.tls })
        : net.connect({ host, port });
    } catch (error) {
      this.end(unreadablePem(error));
      return;
    }
    this.#socket = socket;
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure ??= error;
    });
    socket.on('close', () => {
      this.end(connectionFailed(this.#options, failure, this.#banner === undefined));
      this.#resolveClosed();
    });
    // The library looks createConnection up in its call to connect(), which is synchronous.
    const shared: { createConnection: unknown } = net;
    const original = shared.createConnection;
    try {
      shared.createConnection = () => socket;
      this.#manager.connect(port, host);
    } finally {
      shared.createConnection = original;
    }
    // Its parser.
    socket.removeAllListeners('data');
    socket.on('data', (chunk: string) => this.#chunk(chunk));
  }

  /**
   * Writes the login; its response comes as a message with this id. In lower case the library recognises it, and does
   * not hold it back until it is logged in.
   */
  login(login: Encoded, id: string): void {
    this.#manager.action({ ...login, action: 'login', actionid: id });
    // It waits for the answer with a listener that only its 'rawevent' listener would remove.
    this.#manager.removeAllListeners(id);
  }

  /** Writes one action after the login succeeded; false, and nothing written, when Asterisk does not read. */
  write(action: Encoded, id: string): boolean {
    const socket = this.#socket;
    if (this.#ended || !socket || socket.writableLength > MAX_UNSENT_BYTES) return false;
    this.#cork(socket);
    socket.write(packetOf(action, id));
    return true;
  }

  end(why: AmiDown): void {
    if (this.#ended) return;
    this.#ended = true;
    // What was written in this turn has been told to be written.
    this.#socket?.uncork();
    if (this.#socket) this.#socket.destroy();
    else this.#resolveClosed();
    this.#handlers.ended(why);
  }

  /** Answers come several in one chunk, and each may let the next write go: they go out together. */
  #cork(socket: net.Socket): void {
    if (this.#corked) return;
    this.#corked = true;
    socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      socket.uncork();
    });
  }

  #chunk(chunk: string): void {
    const text = this.#banner === undefined ? chunk : this.#greeting(chunk);
    if (this.#ended || text === '') return;
    const large = this.#packets.feed(text, (message) => this.#packet(message));
    if (large) this.end({ reason: 'oversize', text: `Asterisk sent ${large}; the connection was cut` });
  }

  /** Returns what follows the greeting, once it is whole. */
  #greeting(chunk: string): string {
    const text = this.#banner + chunk;
    const [banner] = BANNER.exec(text) ?? [];
    if (banner !== undefined) {
      this.#banner = undefined;
      this.#handlers.greeted();
      return text.slice(banner.length);
    }
    this.#banner = text;
    if (text.includes('\n') || text.length > MAX_BANNER) {
      const { host, port } = this.#options;
      const greeting = quote(text.split('\n', 1)[0] ?? '');
      this.end({
        reason: 'not-asterisk',
        text: `${host}:${port} is no manager port of Asterisk: it greeted with ${greeting}; check ami.host and ami.port`,
      });
    }
    return '';
  }

  /** Whether more is wanted. */
  #packet(message: Message): boolean {
    this.#handlers.message(message);
    return !this.#ended;
  }
}
