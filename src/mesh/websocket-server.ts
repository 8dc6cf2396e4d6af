/**
 * The listening half of WebSocket: TLS and the HTTP upgrade on connections that listener.ts took. Hands an open
 * WebSocket over once its certificate is proved; who is who is decided by the `prove` it is given.
 */
import { constants } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer as Upgrader, type WebSocket } from 'ws';
import type { PeerAddress, RefusalReason } from './contract.ts';
import type { Guest } from './listener.ts';
import type { Proof } from './trust.ts';
import { WEBSOCKET_OPTIONS } from './websocket-channel.ts';

/** The only path that is served. */
export const PATH = '/hintmesh/v1';
/** Request line and headers, bytes. */
export const MAX_HEADER_BYTES = 4 * 1024;

export interface WebSocketServerHandlers {
  /** Whose connection this is; the socket may be a TLS socket on that of the guest. */
  guestOf(socket: Socket): Guest | undefined;
  prove(request: http.IncomingMessage): Proof;
  proved(socket: WebSocket, peer: PeerAddress, remote: string): void;
}

export class WebSocketServer {
  readonly #handlers: WebSocketServerHandlers;
  /** Never listens: connections are given to it. */
  readonly #server: http.Server | https.Server;
  readonly #upgrader = new Upgrader({ noServer: true, clientTracking: false, ...WEBSOCKET_OPTIONS });

  /** Without `tls`: plaintext. */
  constructor(tls: https.ServerOptions | undefined, handlers: WebSocketServerHandlers) {
    this.#handlers = handlers;
    // The guest's one timer covers everything from the first packet on: none of Node's is needed beside it.
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 0, requestTimeout: 0 };
    this.#server =
      tls === undefined
        ? http.createServer(limits)
        : https.createServer({
            ...limits,
            ...tls,
            minVersion: 'TLSv1.3',
            requestCert: true,
            // Our own check decides, in `upgrade`: Node's knows neither pins nor tags.
            rejectUnauthorized: false,
            // A resumed session shows no certificate.
            secureOptions: constants.SSL_OP_NO_TICKET,
          });
    const server = this.#server;
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
  }

  take(guest: Guest): void {
    this.#server.emit('connection', guest.socket);
  }

  #secured(socket: TLSSocket): void {
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
    const guest = this.#handlers.guestOf(request.socket);
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      if (guest?.proved()) this.#handlers.proved(webSocket, peer, guest.remote);
      else webSocket.terminate();
    });
  }

  #refuse(socket: Duplex, reason: RefusalReason, text: string): void {
    if ('remoteAddress' in socket) this.#handlers.guestOf(socket as Socket)?.refuse(reason, text);
  }
}
