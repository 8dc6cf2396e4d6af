/**
 * The WebSocket transport: TLS 1.3 with a certificate on both sides, then one WebSocket (docs/protocol.md). Owns
 * the options, who is proved by what, and the list of channels. The two halves are websocket-listener.ts and
 * websocket-dial.ts; the trust decision is trust.ts.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import {
  type Channel,
  DialError,
  HANDSHAKE_TIMEOUT_MS,
  type PeerAddress,
  type Transport,
  type TransportHandlers,
} from './contract.ts';
import type { Identity } from './identity.ts';
import { type Proof, presented, proveByWord, proveInbound } from './trust.ts';
import { WebSocketChannel } from './websocket-channel.ts';
import { dialWebSocket } from './websocket-dial.ts';
import { isLoopback, WebSocketListener } from './websocket-listener.ts';

/** Connections that have not proved who they are, all together. */
export const MAX_UNPROVED = 128;
/** Connections of one address, proved or not: peers behind one NAT share it. Unproved ones of one IPv6 /64 too. */
export const MAX_PER_ADDRESS = 32;

export interface WebSocketOptions {
  /** Our own tag. */
  readonly tag: string;
  /** Who we are; may be absent only where nothing but plaintext is used. */
  readonly identity?: Identity;
  /** Absent: only dials. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** PEM of the CA whose certificates prove the tags of peers without a fingerprint. */
  readonly ca?: string;
  /**
   * Listens in plaintext, and may dial `ws://`, on loopback only. Proves nothing at all: whoever can reach the
   * port is the peer it says it is.
   */
  readonly insecure?: boolean;
  /** From the first packet to an open WebSocket. */
  readonly handshakeTimeoutMs?: number;
  readonly maxUnproved?: number;
  readonly maxPerAddress?: number;
}

export class WebSocketTransport implements Transport {
  readonly name = 'websocket';
  readonly #options: WebSocketOptions;
  #peers: readonly PeerAddress[] = [];
  /** Open channels, with what they were proved against. */
  readonly #channels = new Map<WebSocketChannel, PeerAddress>();
  /** One for each attempt under way: for a signal they shared, Node would warn of too many listeners. */
  readonly #dials = new Set<AbortController>();
  #closed = false;
  #listener: WebSocketListener | undefined;

  constructor(options: WebSocketOptions) {
    this.#options = options;
  }

  get address(): { host: string; port: number } | undefined {
    return this.#listener?.address;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    const { listen, identity, insecure, ca, handshakeTimeoutMs, maxUnproved, maxPerAddress } = this.#options;
    if (listen === undefined) return;
    if (insecure === true && !isLoopback(listen.host)) {
      throw new Error(`listening on ${listen.host} in plaintext is refused; use 127.0.0.1, or an identity`);
    }
    if (insecure !== true && identity === undefined) {
      throw new Error('listening needs an identity: make one with "hintmesh keygen"');
    }
    const tls = identity && {
      cert: identity.certificate,
      key: identity.key,
      ...(ca !== undefined && { ca }),
    };
    this.#listener = new WebSocketListener(
      {
        ...listen,
        tls: insecure === true ? undefined : tls,
        handshakeTimeoutMs: handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
        maxUnproved: maxUnproved ?? MAX_UNPROVED,
        maxPerAddress: maxPerAddress ?? MAX_PER_ADDRESS,
      },
      {
        prove: (request) => this.#prove(request),
        proved: (socket, peer, remote) => handlers.channel(this.#open(socket, peer, false, remote)),
        refused: (refusal) => handlers.refused(refusal),
      },
    );
    await this.#listener.start();
  }

  async dial(peer: PeerAddress, signal: AbortSignal): Promise<Channel> {
    const { tag, identity, ca, insecure, handshakeTimeoutMs } = this.#options;
    const timeoutMs = handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    const options = { tag, identity, ca, insecure: insecure === true, timeoutMs };
    const closing = new AbortController();
    const signals = [signal, closing.signal];
    if (this.#closed) closing.abort();
    this.#dials.add(closing);
    try {
      const { socket, remote } = await dialWebSocket(peer, options, signals);
      if (!signals.some((one) => one.aborted)) return this.#open(socket, peer, true, remote);
      socket.terminate();
      throw new DialError({ reason: 'unreachable', remote: peer.tag, text: `${peer.url}: given up` });
    } finally {
      this.#dials.delete(closing);
    }
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = [...peers];
    for (const [channel, proved] of this.#channels) {
      const now = peers.find((peer) => peer.tag === proved.tag);
      if (now === undefined || now.fingerprint !== proved.fingerprint) {
        channel.terminate('the configuration of this peer changed');
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const dial of this.#dials) dial.abort();
    const gone = [...this.#channels.keys()].map((channel) => channel.terminated('this side stops'));
    await Promise.all([...gone, this.#listener?.close()]);
  }

  #open(socket: WebSocket, peer: PeerAddress, dialled: boolean, remote: string): WebSocketChannel {
    const channel = new WebSocketChannel(socket, { peer: peer.tag, dialled, remote });
    this.#channels.set(channel, peer);
    return channel.start(() => this.#channels.delete(channel));
  }

  #prove(request: IncomingMessage): Proof {
    const { socket } = request;
    if (socket instanceof TLSSocket) return proveInbound(presented(socket, this.#options.ca), this.#peers);
    const query = new URLSearchParams(request.url?.split('?', 2)[1]);
    return proveByWord(query.get('tag') ?? '', this.#peers);
  }
}
