/**
 * The listening half of the WebSocket transport: TCP, TLS and the HTTP upgrade, with a bound on everything that
 * somebody unproved can hold. Owns connections until they are proved; then hands the WebSocket over. Who is who is
 * decided by the `prove` it is given.
 */
import { constants } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import type { PeerAddress, Refusal, RefusalReason } from './contract.ts';
import { printable } from './frames.ts';
import type { Proof } from './trust.ts';
import { WEBSOCKET_OPTIONS } from './websocket-channel.ts';

/** The only path that is served. */
export const PATH = '/hintmesh/v1';
/** Request line and headers, bytes. */
export const MAX_HEADER_BYTES = 4 * 1024;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: plaintext. */
  readonly tls: https.ServerOptions | undefined;
  readonly handshakeTimeoutMs: number;
  /** Connections that are not proved yet, all together. */
  readonly maxUnproved: number;
  /** Connections of one address, proved or not; and those of one IPv6 /64 that are not proved yet. */
  readonly maxPerAddress: number;
}

export interface ListenerHandlers {
  prove(request: http.IncomingMessage): Proof;
  proved(socket: WebSocket, peer: PeerAddress, remote: string): void;
  refused(refusal: Refusal): void;
}

/** A connection from its first packet on. */
interface Guest {
  readonly address: string;
  /** See {@link networkOf}. */
  readonly network: string;
  /** What to destroy: the TCP socket, later the TLS socket on it. */
  socket: Socket;
  readonly timer: NodeJS.Timeout;
}

export class WebSocketListener {
  readonly #options: ListenerOptions;
  readonly #handlers: ListenerHandlers;
  readonly #server: http.Server | https.Server;
  readonly #upgrader = new WebSocketServer({ noServer: true, clientTracking: false, ...WEBSOCKET_OPTIONS });
  readonly #guests = new Set<Guest>();
  /** By address and port: a port may be used again before the old connection is seen to be gone. */
  readonly #byPort = new Map<string, Guest>();
  readonly #perAddress = new Map<string, number>();
  /** Oldest first. */
  readonly #unproved = new Set<Guest>();

  constructor(options: ListenerOptions, handlers: ListenerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    // One timer of ours covers everything from the first packet on: none of Node's is needed beside it.
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 0, requestTimeout: 0 };
    this.#server =
      options.tls === undefined
        ? http.createServer(limits)
        : https.createServer({
            ...limits,
            ...options.tls,
            minVersion: 'TLSv1.3',
            requestCert: true,
            // Our own check decides, in `upgrade`: Node's knows neither pins nor tags.
            rejectUnauthorized: false,
            // A resumed session shows no certificate.
            secureOptions: constants.SSL_OP_NO_TICKET,
          });
  }

  get address(): { host: string; port: number } | undefined {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? undefined : { host: address.address, port: address.port };
  }

  /** Rejects when the address cannot be had. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    const server = this.#server;
    server.on('connection', (socket: Socket) => this.#arrived(socket));
    // Before http's own listener, so that nobody without a certificate can say a word.
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#secured(socket));
    // Both of TLS and of HTTP.
    server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
      // ECONNRESET is somebody who hung up: a port check, a dialler who changed its mind.
      const text = `this is no broker: it speaks neither TLS 1.3 nor HTTP as one (${error.code ?? error.message})`;
      if (error.code !== 'ECONNRESET') this.#refuse(socket, 'bad-handshake', text);
      socket.destroy();
    });
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const { status, text } = this.#judge(request);
      const headers = { Connection: 'close', 'Content-Type': 'text/plain' };
      response.writeHead(status === 101 ? 426 : status, headers).end(text);
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    return new Promise((resolve, reject) => {
      server.on('error', (error) => {
        const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        const why = inUse ? 'another program listens there; mend listen.websocket' : error.message;
        reject(new Error(`cannot listen on ${host}:${port}: ${why}`, { cause: error }));
      });
      server.listen({ host, port }, resolve);
    });
  }

  /** Resolves when the port is free and no connection is left. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const guest of this.#guests) guest.socket.destroy();
    await closed;
  }

  #arrived(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    const here = this.#perAddress.get(address) ?? 0;
    const { maxUnproved, maxPerAddress, handshakeTimeoutMs } = this.#options;
    // Whoever has one IPv6 address has a /64 of them; but many peers may live in one, so the proved do not count.
    const network = networkOf(address);
    const strangers = [...this.#unproved].filter((guest) => guest.network === network).length;
    if (here >= maxPerAddress || strangers >= maxPerAddress) {
      const text = `more than ${maxPerAddress} connections of ${here >= maxPerAddress ? 'one address' : network}`;
      this.#handlers.refused({ reason: 'too-many-connections', remote: address, text });
      socket.destroy();
      return;
    }
    if (this.#unproved.size >= maxUnproved) this.#evictOldest();
    const key = keyOf(socket);
    const timer = setTimeout(() => {
      this.#dismiss(guest, 'handshake-timeout', `not a peer within ${handshakeTimeoutMs} ms`);
    }, handshakeTimeoutMs);
    const guest: Guest = { address, network, socket, timer };
    this.#guests.add(guest);
    this.#unproved.add(guest);
    this.#byPort.set(key, guest);
    this.#perAddress.set(address, here + 1);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#guests.delete(guest);
      this.#unproved.delete(guest);
      if (this.#byPort.get(key) === guest) this.#byPort.delete(key);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  /** A flood of silent connections must not lock the peers out: those are proved in a few milliseconds. */
  #evictOldest(): void {
    const [oldest] = this.#unproved;
    const text = `more than ${this.#options.maxUnproved} connections that have not proved who they are`;
    if (oldest !== undefined) this.#dismiss(oldest, 'too-many-connections', text);
  }

  #dismiss(guest: Guest, reason: RefusalReason, text: string): void {
    if (!this.#unproved.delete(guest)) return;
    this.#handlers.refused({ reason, remote: guest.address, text });
    guest.socket.destroy();
  }

  #secured(socket: TLSSocket): void {
    const guest = this.#byPort.get(keyOf(socket));
    if (guest !== undefined) guest.socket = socket;
    if (socket.getPeerX509Certificate() !== undefined && !socket.isSessionReused()) return;
    this.#refuse(socket, 'no-certificate', 'no certificate: a peer must show one');
    socket.destroy();
  }

  #judge(request: http.IncomingMessage): { status: number; text: string; peer?: PeerAddress } {
    const proof = this.#handlers.prove(request);
    if (!proof.ok) {
      this.#refuse(request.socket, proof.reason, proof.text);
      return { status: 403, text: `${proof.text}\n` };
    }
    const path = request.url?.split('?', 1)[0];
    if (path !== PATH) return { status: 404, text: `only ${PATH} is here\n` };
    return { status: 101, text: 'this is a WebSocket\n', peer: proof.peer };
  }

  #upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { status, text, peer } = this.#judge(request);
    if (peer === undefined) {
      const length = Buffer.byteLength(text);
      const lines = [
        `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`,
        'Connection: close',
        'Content-Type: text/plain',
        `Content-Length: ${length}`,
      ];
      socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
      return;
    }
    const key = keyOf(request.socket);
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      const guest = this.#byPort.get(key);
      if (guest === undefined || !this.#unproved.delete(guest)) return webSocket.terminate();
      clearTimeout(guest.timer);
      this.#handlers.proved(webSocket, peer, key);
    });
  }

  #refuse(socket: Duplex, reason: RefusalReason, text: string): void {
    const remote =
      socket instanceof TLSSocket || 'remoteAddress' in socket ? socket.remoteAddress : undefined;
    if (typeof remote !== 'string') return;
    this.#handlers.refused({ reason, remote: plainAddress(remote), text: printable(text, 300) });
  }
}

/** An IPv4 address that came in through an IPv6 socket is an IPv4 address. */
function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}

/** Whose an address is, as far as one can tell: an IPv4 address stands for itself, an IPv6 address for its /64. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [host = ''] = address.split('%');
  const [head = [], tail = []] = host
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

function keyOf(socket: Socket): string {
  const address = plainAddress(socket.remoteAddress);
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
