/**
 * The HTTP edge: one listening socket, plain node:http. Owns the connections and how they end; what is asked and
 * answered is `routes.ts`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HttpOptions, Served } from './contract.ts';
import { isLoopbackAddress } from './guard.ts';
import * as limits from './limits.ts';
import type { Metrics } from './metrics.ts';
import { fail, rawFailure } from './reply.ts';
import { Routes } from './routes.ts';
import { WATCH_BOUNDS, Watchers } from './watch.ts';

/** For tests: what would take too long to reach. */
export interface HttpBounds {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly checkEveryMs: number;
  readonly stallMs: number;
  readonly heartbeatMs: number;
  readonly lingerMs: number;
}

export const HTTP_BOUNDS: HttpBounds = {
  headersTimeoutMs: limits.HEADERS_TIMEOUT_MS,
  requestTimeoutMs: limits.REQUEST_TIMEOUT_MS,
  checkEveryMs: limits.TIMEOUTS_CHECKED_EVERY_MS,
  stallMs: limits.STALL_MS,
  heartbeatMs: limits.HEARTBEAT_MS,
  lingerMs: limits.CUT_LINGER_MS,
};

export class StatusServer {
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #watchers: Watchers;
  readonly #routes: Routes;
  /** Every connection, with the answer that is under way on it. */
  readonly #connections = new Map<Duplex, ServerResponse | undefined>();
  #closed: Promise<void> | undefined;

  constructor(
    options: HttpOptions,
    served: Served,
    metrics: Pick<Metrics, 'text' | 'contentType'>,
    bounds: HttpBounds = HTTP_BOUNDS,
  ) {
    this.#options = options;
    const { heartbeatMs, lingerMs } = bounds;
    this.#watchers = new Watchers(served, { ...WATCH_BOUNDS, heartbeatMs, lingerMs });
    this.#routes = new Routes(served, metrics, this.#watchers, options.token);
    const server = createServer({
      maxHeaderSize: limits.MAX_HEADER_BYTES,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      connectionsCheckingInterval: bounds.checkEveryMs,
      // Checked in guard.ts, which says so in the words of all other errors.
      requireHostHeader: false,
    });
    server.maxConnections = limits.MAX_CONNECTIONS;
    server.maxRequestsPerSocket = 1;
    server.timeout = bounds.stallMs;
    server.on('connection', (socket: Socket) => this.#arrived(socket));
    server.on('request', (request, response) => this.#request(request, response));
    server.on('checkExpectation', (_request, response: ServerResponse) =>
      fail(response, 417, 'only Expect: 100-continue is understood'),
    );
    server.on('clientError', (error, socket) => this.#clientError(error, socket));
    this.#server = server;
  }

  /** As bound. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? undefined : { host: address.address, port: address.port };
  }

  /** Rejects when the address cannot be had, with a sentence that names `http.host` and `http.port`. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const stopped = (): Error => new Error('the HTTP server was closed before it listened');
      if (this.#closed !== undefined) return reject(stopped());
      // Once it listens, an error is one connection that could not be taken, and no more.
      this.#server.on('error', (error) => reject(startError(error, host, port)));
      this.#server.once('close', () => reject(stopped()));
      this.#server.listen({ host, port }, () => {
        if (this.#closed === undefined) return resolve();
        // Closed while the name of the host was looked up: then Node listens all the same.
        this.#server.close();
      });
    });
  }

  /**
   * Ends watchers and idle connections at once and gives answers under way {@link limits.CLOSE_GRACE_MS}; resolves
   * when nothing is left. Never rejects; idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#watchers.close();
    for (const [socket, response] of this.#connections) if (response === undefined) socket.destroy();
    const end = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, limits.CLOSE_GRACE_MS);
    await closed;
    clearTimeout(end);
  }

  #arrived(socket: Socket): void {
    this.#connections.set(socket, undefined);
    socket.once('close', () => this.#connections.delete(socket));
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#connections.set(socket, response);
    // A client that is gone is no error of ours; what is written to it is lost, as it must be.
    response.on('error', () => socket.destroy());
    const loopback = isLoopbackAddress(this.address?.host ?? socket.localAddress);
    void this.#routes.handle(request, response, loopback);
  }

  /** What came is no HTTP, too large or too slow. In the midst of an answer nothing more can be said. */
  #clientError(error: Error & { readonly code?: string }, socket: Duplex): void {
    const response = this.#connections.get(socket);
    if (!socket.writable || error.code === 'ECONNRESET' || response?.headersSent)
      return void socket.destroy();
    const answer =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? rawFailure(431, `request line and headers are more than ${limits.MAX_HEADER_BYTES} bytes`)
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? rawFailure(408, 'the request did not come in time')
          : rawFailure(400, 'this is no HTTP request');
    socket.write(answer);
    (socket as Socket).destroySoon();
  }
}

function startError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const why: Record<string, string> = {
    EADDRINUSE: 'another program listens there: stop it, or choose another http.port',
    EADDRNOTAVAIL: `this machine has no address ${host}: mend http.host`,
    EACCES: 'that port needs a privilege: choose an http.port above 1023',
    ENOTFOUND: `there is no host ${host}: mend http.host`,
    EAI_AGAIN: `the name ${host} cannot be looked up now: write an address as http.host`,
  };
  const text = why[error.code ?? ''] ?? error.message;
  return new Error(`cannot serve HTTP on http.host ${host}, http.port ${port}: ${text}`, { cause: error });
}
