/**
 * One TCP or TLS connection to the manager port, and the ONLY file that knows asterisk-manager.
 *
 * Owns: the socket, the greeting, the caps on what comes and goes, and the guard around the library. What is
 * left to the library is its parser, its encoder and its login. It must never be used in another way: its
 * parser keeps half a packet for the next connection, and takes seconds for 64 KiB of empty lines at a time; its
 * reconnect and `disconnect` leave zombies, and it prints. So there is one instance per connection, the socket is
 * ours, and what it says is read by us first. The library's own 'rawevent' listener, which emits whatever name a
 * packet claims and leaves a listener behind for each action, is taken off.
 */
import net from 'node:net';
import tls from 'node:tls';
import createManager from 'asterisk-manager';
import type { AmiDown, AmiOptions } from './contract.ts';
import { type Encoded, quote } from './encode.ts';
import { Gauge } from './gauge.ts';
import { MAX_BANNER, MAX_UNSENT_BYTES, READ_AT_ONCE } from './limits.ts';
import { copyMessage, type Message } from './message.ts';
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
  readonly #gauge = new Gauge();
  #socket: net.Socket | undefined;
  #resolveClosed: () => void = () => {};
  /** The library's parser. */
  #parse: (text: string) => void = () => {};
  #parsed = 0;
  #banner: string | undefined = '';
  #loginId: string | undefined;
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
    this.#manager.on('rawevent', (item) => this.#packet(item));
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
    for (const parse of socket.listeners('data')) this.#parse = parse as (text: string) => void;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: string) => this.#chunk(chunk));
  }

  /**
   * Writes the login; its response comes as a message with this id. The library must run its own login,
   * else it holds back every later action, but it would write no ActionID of ours and no event mask.
   */
  login(login: Encoded, id: string): void {
    const write = this.#manager.action;
    this.#loginId = id;
    // In lower case the library recognises it, and does not hold it back until it is logged in.
    this.#manager.action = (_own, done) => write({ ...login, action: 'login', actionid: id }, done);
    this.#manager.login();
    this.#manager.action = write;
  }

  /** Writes one action after the login succeeded; false, and nothing written, when Asterisk does not read. */
  write(action: Encoded, id: string): boolean {
    if (this.#ended || !this.#socket || this.#socket.writableLength > MAX_UNSENT_BYTES) return false;
    this.#manager.action({ ...action, actionid: id });
    // The library waits for the answer with a listener that only its 'rawevent' listener would remove.
    this.#manager.removeAllListeners(id);
    return true;
  }

  end(why: AmiDown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#socket) this.#socket.destroy();
    else this.#resolveClosed();
    this.#handlers.ended(why);
  }

  #chunk(chunk: string): void {
    if (this.#banner !== undefined && !this.#ended) this.#greeting(chunk);
    for (let at = 0; at < chunk.length && !this.#ended; at += READ_AT_ONCE) {
      this.#piece(chunk.slice(at, at + READ_AT_ONCE));
    }
  }

  #piece(text: string): void {
    const large = this.#gauge.feed(text);
    if (large)
      return this.end({ reason: 'oversize', text: `Asterisk sent ${large}; the connection was cut` });
    this.#parse(text);
    if (this.#gauge.packets === this.#parsed) return;
    // `Response: Follows`, which only Command brings, makes the library swallow everything after it.
    this.end({ reason: 'not-asterisk', text: 'Asterisk sent a packet that AMI cannot hold at this point' });
  }

  #greeting(chunk: string): void {
    this.#banner += chunk;
    const text = this.#banner ?? '';
    if (BANNER.test(text)) {
      this.#banner = undefined;
      this.#handlers.greeted();
    } else if (text.includes('\n') || text.length > MAX_BANNER) {
      const { host, port } = this.#options;
      const greeting = quote(text.split('\n', 1)[0] ?? '');
      this.end({
        reason: 'not-asterisk',
        text: `${host}:${port} is no manager port of Asterisk: it greeted with ${greeting}; check ami.host and ami.port`,
      });
    }
  }

  #packet(item: object): void {
    this.#parsed += 1;
    if (this.#ended) return;
    const message = copyMessage(item);
    if (this.#loginId !== undefined && message['actionid'] === this.#loginId && message['response']) {
      const id = this.#loginId;
      this.#loginId = undefined;
      // Tells the library that it is logged in; see login().
      if (message['response'].toLowerCase() === 'success') this.#manager.emit(id, undefined, message);
      this.#manager.removeAllListeners(id);
    }
    this.#handlers.message(message);
  }
}
