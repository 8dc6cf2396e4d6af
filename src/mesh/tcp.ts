/**
 * The transport between machines: one TCP port for WebSocket (TLS 1.3 with a certificate on both sides) and ZeroMQ
 * (CURVE), chosen for each peer. Owns the options, who is proved by what, and the list of channels. What the two
 * have in common is in listener.ts and dial-attempt.ts; what each does is in websocket-*.ts and zeromq*.ts; the
 * trust decisions are trust.ts (docs/protocol.md, docs/transports.md).
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { type ArrivalLimits, CONNECT_BURST, CONNECTS_PER_SECOND } from './arrivals.ts';
import {
  type Channel,
  DialError,
  HANDSHAKE_TIMEOUT_MS,
  type PeerAddress,
  type Transport,
  type TransportHandlers,
} from './contract.ts';
import type { Identity } from './identity.ts';
import { type Guest, isLoopback, Listener } from './listener.ts';
import {
  type Proof,
  presented,
  proveByWord,
  proveCurveKey,
  proveInbound,
  sameCurveKeys,
  sameFingerprints,
} from './trust.ts';
import { WebSocketChannel } from './websocket-channel.ts';
import { dialWebSocket } from './websocket-dial.ts';
import { WebSocketServer } from './websocket-server.ts';
import { ZeroMq } from './zeromq.ts';
import { ZeroMqChannel } from './zeromq-channel.ts';
import type { ZeroMqSocket } from './zeromq-socket.ts';

/** Connections that have not proved who they are, all together. */
export const MAX_UNPROVED = 128;
/** Connections of one address, proved or not: peers behind one NAT share it. Unproved ones of one IPv6 /64 too. */
export const MAX_PER_ADDRESS = 32;

export interface TcpOptions {
  /** Our own tag. */
  readonly tag: string;
  /** Who we are; may be absent only where nothing but plaintext is used. */
  readonly identity?: Identity;
  /** Absent: only dials. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** PEM of the CA whose certificates prove the tags of peers without a fingerprint. */
  readonly ca?: string;
  /**
   * Serves WebSocket in plaintext, and may dial `ws://`, on loopback only. Proves nothing at all: whoever can reach
   * the port is the peer it says it is.
   */
  readonly insecure?: boolean;
  /** From the first packet to an open channel. */
  readonly handshakeTimeoutMs?: number;
  readonly maxUnproved?: number;
  readonly maxPerAddress?: number;
  readonly arrivals?: ArrivalLimits;
}

type OwnChannel = WebSocketChannel | ZeroMqChannel;

export class TcpTransport implements Transport {
  readonly #options: TcpOptions;
  readonly #zeromq: ZeroMq;
  #peers: readonly PeerAddress[] = [];
  /** Open channels, with what they were proved against. */
  readonly #channels = new Map<OwnChannel, PeerAddress>();
  /** One for each attempt under way: for a signal they shared, Node would warn of too many listeners. */
  readonly #dials = new Set<AbortController>();
  #handlers: TransportHandlers | undefined;
  #closed = false;
  #listener: Listener | undefined;

  constructor(options: TcpOptions) {
    this.#options = options;
    this.#zeromq = new ZeroMq(options.identity?.curve, this.#timeoutMs, {
      prove: (key) => proveCurveKey(key, this.#peers),
      proved: (socket, peer, remote) => this.#accepted(this.#openZeroMq(socket, peer, false, remote)),
    });
  }

  get address(): { host: string; port: number } | undefined {
    return this.#listener?.address;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    const { listen, identity, insecure, ca, maxUnproved, maxPerAddress, arrivals } = this.#options;
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
    const limits = {
      handshakeTimeoutMs: this.#timeoutMs,
      maxUnproved: maxUnproved ?? MAX_UNPROVED,
      maxPerAddress: maxPerAddress ?? MAX_PER_ADDRESS,
      arrivals: arrivals ?? { burst: CONNECT_BURST, perSecond: CONNECTS_PER_SECOND },
    };
    const websocket = new WebSocketServer(insecure === true ? undefined : tls, {
      guestOf: (socket) => listener.guestOf(socket),
      prove: (request) => this.#prove(request),
      proved: (socket, peer, remote) => this.#accepted(this.#openWebSocket(socket, peer, false, remote)),
    });
    const listener: Listener = new Listener(
      { ...listen, ...limits },
      {
        websocket: (guest) => websocket.take(guest),
        zeromq: (guest) => this.#takeZeroMq(guest),
        refused: (refusal) => handlers.refused(refusal),
      },
    );
    this.#listener = listener;
    await listener.start();
  }

  async dial(peer: PeerAddress, signal: AbortSignal): Promise<Channel> {
    const closing = new AbortController();
    const signals = [signal, closing.signal];
    if (this.#closed) closing.abort();
    this.#dials.add(closing);
    try {
      const channel = await this.#dial(peer, signals);
      if (!signals.some((one) => one.aborted)) return channel;
      channel.terminate('given up');
      throw new DialError({ reason: 'unreachable', remote: peer.tag, text: `${peer.url}: given up` });
    } finally {
      this.#dials.delete(closing);
    }
  }

  async #dial(peer: PeerAddress, signals: readonly AbortSignal[]): Promise<OwnChannel> {
    if (peer.transport === 'zeromq') {
      const { socket, remote } = await this.#zeromq.dial(peer, signals);
      return this.#openZeroMq(socket, peer, true, remote);
    }
    const { tag, identity, ca, insecure } = this.#options;
    const options = { tag, identity, ca, insecure: insecure === true, timeoutMs: this.#timeoutMs };
    const { socket, remote } = await dialWebSocket(peer, options, signals);
    return this.#openWebSocket(socket, peer, true, remote);
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = [...peers];
    for (const [channel, proved] of this.#channels) {
      const now = peers.find((peer) => peer.tag === proved.tag);
      if (now === undefined || !stillProves(channel, proved, now)) {
        // One that says farewell already goes on doing so.
        channel.close('the configuration of this peer changed');
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const dial of this.#dials) dial.abort();
    const gone = [...this.#channels.keys()].map((channel) => channel.terminated('this side stops'));
    await Promise.all([...gone, this.#listener?.close()]);
    await this.#zeromq.close();
  }

  get #timeoutMs(): number {
    return this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  }

  #openWebSocket(socket: WebSocket, peer: PeerAddress, dialled: boolean, remote: string): OwnChannel {
    return this.#keep(new WebSocketChannel(socket, { peer: peer.tag, dialled, remote }), peer);
  }

  #openZeroMq(socket: ZeroMqSocket, peer: PeerAddress, dialled: boolean, remote: string): OwnChannel {
    return this.#keep(new ZeroMqChannel(socket, { peer: peer.tag, dialled, remote }), peer);
  }

  #keep(channel: OwnChannel, peer: PeerAddress): OwnChannel {
    this.#channels.set(channel, peer);
    return channel.start(() => this.#channels.delete(channel));
  }

  #accepted(channel: OwnChannel): void {
    if (this.#closed) channel.terminate('this side stops');
    else this.#handlers?.channel(channel);
  }

  #takeZeroMq(guest: Guest): void {
    if (this.#peers.some(({ transport }) => transport === 'zeromq')) {
      void this.#zeromq.take(guest);
    } else {
      guest.dismiss('bad-handshake', 'ZeroMQ, but none of our peers has transport: zeromq');
    }
  }

  #prove(request: IncomingMessage): Proof {
    const { socket } = request;
    if (socket instanceof TLSSocket) return proveInbound(presented(socket, this.#options.ca), this.#peers);
    const query = new URLSearchParams(request.url?.split('?', 2)[1]);
    return proveByWord(query.get('tag') ?? '', this.#peers);
  }
}

/** Whether what proved a channel is still what the configuration says. */
function stillProves({ transport }: OwnChannel, before: PeerAddress, now: PeerAddress): boolean {
  // A WebSocket is taken from a peer of either transport, so only its certificate counts.
  if (transport === 'websocket') return sameFingerprints(now, before);
  return now.transport === 'zeromq' && sameCurveKeys(now, before);
}
