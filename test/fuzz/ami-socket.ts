/**
 * A TCP connection to Asterisk that is none: bytes go in and come out within this process, so that a million of them
 * take minutes. Owns what of net.Socket the AMI edge uses. Bytes become text as they do in a real one.
 */
import { EventEmitter } from 'node:events';
import { StringDecoder } from 'node:string_decoder';

export class AmiSocket extends EventEmitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #wrote: (bytes: string) => void;
  destroyed = false;
  readonly writableLength = 0;
  readonly readyState = 'open';

  constructor(wrote: (bytes: string) => void) {
    super();
    this.#wrote = wrote;
  }

  setKeepAlive(): void {}
  setNoDelay(): void {}
  setEncoding(): void {}
  cork(): void {}
  uncork(): void {}

  write(bytes: string): boolean {
    if (!this.destroyed) this.#wrote(bytes);
    return true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    process.nextTick(() => this.emit('close'));
  }

  /** As if these bytes arrived. */
  receive(bytes: Buffer): void {
    const text = this.destroyed ? '' : this.#decoder.write(bytes);
    if (text !== '') this.emit('data', text);
  }
}
