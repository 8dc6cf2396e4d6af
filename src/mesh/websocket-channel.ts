/**
 * One open WebSocket as a Channel. Owns backpressure, the bounded close, and the two rules a text channel has.
 * Who the other side is was proved before.
 */
import { WebSocket } from 'ws';
import {
  type Channel,
  type ChannelFault,
  CLOSE_TIMEOUT_MS,
  LOW_WATER_BYTES,
  MAX_CLOSE_REASON,
  MAX_FRAME_BYTES,
} from './contract.ts';
import { printable } from './frames.ts';

/** Both sides alike: large messages cost nothing before they are refused, and nothing is compressed. */
export const WEBSOCKET_OPTIONS = { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false } as const;

export class WebSocketChannel implements Channel {
  readonly peer: string;
  readonly dialled: boolean;
  readonly transport = 'websocket';
  readonly remote: string;
  onMessage: (text: string) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (why: string, fault?: ChannelFault) => void = () => {};
  readonly #socket: WebSocket;
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new';
  /** Why we closed it; else what the other side or the network did. */
  #why: string | undefined;
  #fault: ChannelFault | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #aboveLow = false;

  constructor(socket: WebSocket, about: { peer: string; dialled: boolean; remote: string }) {
    this.#socket = socket;
    this.peer = about.peer;
    this.dialled = about.dialled;
    this.remote = about.remote;
  }

  /** Delivers nothing before this turn, and what follows a dial's promise, have ended. */
  start(gone: () => void): this {
    const socket = this.#socket;
    socket.pause();
    setImmediate(() => {
      if (this.#state === 'new') this.#state = 'open';
      socket.resume();
    });
    socket.on('message', (data, isBinary) => {
      if (this.#state !== 'open') return;
      if (isBinary) this.#break('not-text', 1003, 'a binary message');
      else this.onMessage(data.toString());
    });
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
        this.#fault ??= 'oversize';
        this.#why ??= `a message larger than ${MAX_FRAME_BYTES} bytes`;
      } else if (error.code === 'WS_ERR_INVALID_UTF8') {
        this.#fault ??= 'not-text';
        this.#why ??= 'a message that is not UTF-8';
      }
      this.#why ??= printable(error.message, 200);
    });
    socket.on('close', (code, reason) => {
      clearTimeout(this.#closeTimer);
      gone();
      this.#why ??=
        code === 1006 ? 'connection lost' : `the other side closed: ${printable(`${code} ${reason}`, 200)}`;
      // A close in the very turn the channel was given must still find the handlers of whoever was given it.
      if (this.#state === 'new') setImmediate(() => this.#ended());
      else this.#ended();
    });
    return this;
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string): void {
    if (this.#state === 'closing' || this.#state === 'closed' || this.#socket.readyState !== WebSocket.OPEN)
      return;
    if (text.length * 3 > MAX_FRAME_BYTES && Buffer.byteLength(text) > MAX_FRAME_BYTES) {
      return this.terminate(`a message of our own larger than ${MAX_FRAME_BYTES} bytes`);
    }
    this.#socket.send(text, () => this.#sent());
    if (this.buffered >= LOW_WATER_BYTES) this.#aboveLow = true;
  }

  close(why: string): void {
    this.#hangUp(1000, why);
  }

  terminate(why: string): void {
    if (this.#state === 'closed') return;
    this.#why ??= why;
    this.#state = this.#state === 'new' ? 'new' : 'closing';
    this.#socket.terminate();
  }

  /** Terminates; resolves when the socket is gone. */
  terminated(why: string): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
    });
    this.terminate(why);
    return gone;
  }

  #sent(): void {
    if (!this.#aboveLow || this.buffered >= LOW_WATER_BYTES) return;
    this.#aboveLow = false;
    if (this.#state === 'open' || this.#state === 'new') this.onDrain();
  }

  #break(fault: ChannelFault, code: number, why: string): void {
    this.#fault ??= fault;
    this.#hangUp(code, why);
  }

  #hangUp(code: number, why: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#why ??= why;
    this.#state = 'closing';
    this.#socket.close(code, printable(why, MAX_CLOSE_REASON));
    // ws itself would wait 30 s for a frozen peer.
    this.#closeTimer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.onClose(this.#why ?? 'closed', this.#fault);
  }
}
