/**
 * What a transport is. Owns the line between "who speaks, over which bytes" (a transport: WebSocket,
 * ZeroMQ, memory) and "what is said" (`link.ts`, `mesh.ts`: hello, seq, queues, redial), which no transport
 * knows. `test/mesh/contract` holds every transport to what is written here.
 */

export type TransportName = 'websocket' | 'zeromq' | 'memory';

/** A peer as a transport needs it. */
export interface PeerAddress {
  /** The tag the peer must prove. */
  readonly tag: string;
  /** Where to dial it; absent: the peer dials us. */
  readonly url?: string;
  /** What the peer is dialled with; only a peer of `zeromq` may dial us with ZeroMQ. Absent: websocket. */
  readonly transport?: 'websocket' | 'zeromq';
  /** SHA-256 of the peer's public key (SPKI), as `fingerprint()` in identity.ts prints it; absent: CA mode. */
  readonly fingerprint?: string;
  /** The peer's public key for CURVE, Z85, 40 characters: who it is over ZeroMQ. */
  readonly curveKey?: string;
  /** Keys that prove it just as well: those of the identity that it is about to take. */
  readonly next?: { readonly fingerprint?: string; readonly curveKey?: string };
}

/** The other side sent a message larger than MAX_FRAME_BYTES, or one that is not text. */
export type ChannelFault = 'oversize' | 'not-text';

/**
 * One open, authenticated, ordered, message-framed connection to one peer. Messages arrive whole, in order
 * and at most once, or the channel closes. Handlers are set by whoever is given the channel, in the same turn;
 * nothing is delivered before that turn ends.
 */
export interface Channel {
  /** The tag that the peer's KEY proves; never anything the peer merely says. */
  readonly peer: string;
  readonly dialled: boolean;
  readonly transport: TransportName;
  /** For logs: address and port of the other end. */
  readonly remote: string;
  /** Bytes given to `send` that what is below has not taken yet: the operating system, or libzmq. */
  readonly buffered: number;
  onMessage: (text: string) => void;
  /** `buffered` fell below LOW_WATER_BYTES after a send left it at or above. */
  onDrain: () => void;
  /**
   * Called exactly once, whoever closes; `why` is for a log line. `fault`: the other side broke a rule of the
   * channel itself. Nothing else is called after it.
   */
  onClose: (why: string, fault?: ChannelFault) => void;
  /**
   * Never throws, never blocks; after the close it does nothing. A text of more than MAX_FRAME_BYTES is our
   * own mistake: it terminates the channel.
   */
  send(text: string): void;
  /** Flushes what was sent, then closes; gives up on the flush after `CLOSE_TIMEOUT_MS`. */
  close(why: string): void;
  /** Closes now, whatever is buffered. */
  terminate(why: string): void;
}

/** Why a connection was refused before it became a channel. A closed list: the log gives it as `reason`. */
export type RefusalReason =
  | 'no-certificate'
  | 'unknown-key'
  | 'wrong-key'
  | 'bad-certificate'
  | 'bad-handshake'
  | 'handshake-timeout'
  | 'too-many-connections'
  | 'too-often'
  | 'refused-by-peer'
  | 'unreachable';

export interface Refusal {
  readonly reason: RefusalReason;
  /** Who was refused: an address without port for an inbound connection, the peer's tag for one we dialled. */
  readonly remote: string;
  /** One sentence for the admin: what is wrong and how to mend it. No secrets. */
  readonly text: string;
}

/** Thrown by `dial`. */
export class DialError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.text, options);
    this.refusal = refusal;
  }
}

export interface TransportHandlers {
  /** An inbound connection has proved to be `channel.peer`. */
  channel(channel: Channel): void;
  /** An inbound connection was refused. */
  refused(refusal: Refusal): void;
}

export interface Transport {
  /** Begins to accept connections, if configured to listen; rejects when the address cannot be had. */
  start(handlers: TransportHandlers): Promise<void>;
  /** One attempt; resolves to an authenticated channel or rejects with {@link DialError}. */
  dial(peer: PeerAddress, signal: AbortSignal): Promise<Channel>;
  /** The peers it accepts, replaced whole (used by reload); a channel of a peer that went, or has another key, is closed. */
  setPeers(peers: readonly PeerAddress[]): void;
  /** Where it listens, as actually bound; undefined when it does not. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** Terminates every channel and stops listening; resolves when nothing is left that keeps a process up. */
  close(): Promise<void>;
}

/** Largest message a channel takes or gives, bytes; a larger inbound one closes the channel. */
export const MAX_FRAME_BYTES = 256 * 1024;
/** States in one frame. */
export const MAX_FRAME_STATES = 200;
/** A connection must be a channel (TLS and transport handshake done) within this. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Longest reason of a close that the other side is told, characters; with its `...` it fits RFC 6455, 5.5.1. */
export const MAX_CLOSE_REASON = 120;
/** How long `close` waits for the other side. */
export const CLOSE_TIMEOUT_MS = 1_000;
/** Above this many buffered bytes a link coalesces instead of sending. */
export const HIGH_WATER_BYTES = 64 * 1024;
/** `onDrain` when buffered bytes fall below this. */
export const LOW_WATER_BYTES = 16 * 1024;
/** Buffered plus queued bytes past which a link is dropped. */
export const LINK_QUEUE_BYTES = 1024 * 1024;
