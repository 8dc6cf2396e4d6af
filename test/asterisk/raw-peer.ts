// A peer made by hand: speaks the wire of docs/protocol.md, as an honest one that keeps count of frames, or as an
// intruder; here over WebSocket, over ZeroMQ in raw-zeromq.ts. Owns one connection; keeps every frame it hears. Uses
// no code of the broker's mesh but its identities, so that a mistake there cannot hide here.
import WebSocket from 'ws';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';

export interface Frame {
  readonly type: string;
  readonly seq?: number;
  readonly entries?: readonly (readonly [string, string, string | null])[];
  readonly last?: boolean;
  readonly code?: string;
  readonly text?: string;
  readonly id?: number;
}

/** docs/protocol.md */
const PATH = '/hintmesh/v1';
const OPEN_TIMEOUT_MS = 5_000;

export async function newIdentity(tag: string): Promise<Identity> {
  return loadIdentity(await generateIdentity(tag));
}

export abstract class RawPeer {
  readonly frames: Frame[] = [];
  /** Set when the connection is over: by whom and how, in words. */
  ended: string | undefined;
  #seq = 0;

  protected abstract get isOpen(): boolean;
  abstract sendText(text: string): void;
  abstract sendBinary(data: Buffer): void;
  abstract close(): Promise<void>;

  protected heard(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.frames.push(frame);
    if (frame.type === 'ping') this.send({ type: 'pong', id: frame.id });
  }

  /** Whether it was let in, as far as the transport goes. */
  async opened(): Promise<boolean> {
    await until(
      'the connection opens or ends',
      () => this.ended !== undefined || this.isOpen,
      OPEN_TIMEOUT_MS,
    );
    return this.ended === undefined;
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    this.sendText(JSON.stringify(frame));
  }

  hello(tag: string, peer: string): void {
    const limits = { frameBytes: 262_144, frameStates: 200 };
    this.send({ type: 'hello', version: 1, tag, peer, epoch: `raw${Date.now()}`, kinds: ['device'], limits });
  }

  /** A numbered frame. */
  say(frame: Readonly<Record<string, unknown>>): void {
    this.#seq += 1;
    this.send({ seq: this.#seq, ...frame });
  }

  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** The entries of all change frames so far, as `extension=state`. */
  changes(): string[] {
    return this.of('change').flatMap(({ entries = [] }) =>
      entries.map(([, extension, state]) => `${extension}=${state}`),
    );
  }

  async over(): Promise<string> {
    return until('the connection is over', () => this.ended);
  }
}

export class RawWebSocket extends RawPeer {
  #socket: WebSocket;

  /** Dials; what the server's certificate is does not matter here. Without identity no certificate is shown. */
  constructor(url: string, identity?: Identity) {
    super();
    this.#socket = new WebSocket(`${url}${PATH}`, {
      rejectUnauthorized: false,
      perMessageDeflate: false,
      ...(identity ? { cert: identity.certificate, key: identity.key } : {}),
    });
    this.#socket.on('message', (data) => this.heard(String(data)));
    this.#socket.on('unexpected-response', (_, response) => {
      this.ended ??= `HTTP ${response.statusCode}`;
      this.#socket.terminate();
    });
    this.#socket.on('error', (error) => {
      this.ended ??= error.message;
    });
    this.#socket.on('close', (code) => {
      this.ended ??= `closed ${code}`;
    });
  }

  protected override get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  override sendText(text: string): void {
    if (this.isOpen) this.#socket.send(text);
  }

  override sendBinary(data: Buffer): void {
    if (this.isOpen) this.#socket.send(data);
  }

  override async close(): Promise<void> {
    this.#socket.terminate();
    await until('the connection is over', () => this.#socket.readyState === WebSocket.CLOSED);
  }
}
