// The peer made by hand, over ZeroMQ: a plain DEALER of the zeromq package, as any program would have it.
import { Context, Dealer, type SocketOptions } from 'zeromq';
import type { Identity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';
import { RawPeer } from './raw-peer.ts';

/** docs/protocol.md: the first part of a farewell. */
const CLOSE = 'close';

// Not the global one, which at the end of the process waits for every message.
const context = new Context({ blocky: false });

export class RawZeroMq extends RawPeer {
  readonly #dealer: Dealer;
  #state: 'opening' | 'open' | 'gone' = 'opening';
  /** It takes one at a time. */
  #sending: Promise<void> = Promise.resolve();

  /** Dials whoever has the key `serverKey`. Without identity CURVE is not spoken at all. */
  constructor(url: string, serverKey: string, identity?: Identity) {
    super();
    const { host } = new URL(url);
    this.#dealer = new Dealer({ context, linger: 0, reconnectInterval: -1, ...curve(serverKey, identity) });
    void this.#watch();
    void this.#read();
    this.#dealer.connect(`tcp://${host}`);
  }

  protected override get isOpen(): boolean {
    return this.#state === 'open';
  }

  override sendText(text: string): void {
    this.sendParts([text]);
  }

  override sendBinary(data: Buffer): void {
    this.sendParts([data]);
  }

  sendParts(parts: (string | Buffer)[]): void {
    this.#sending = this.#sending.then(async () => {
      if (this.isOpen) await this.#dealer.send(parts).catch(() => {});
    });
  }

  override async close(): Promise<void> {
    this.#end('closed by us');
    await until('the connection is over', () => this.#state === 'gone');
  }

  #end(how: string): void {
    this.ended ??= how;
    if (!this.#dealer.closed) this.#dealer.close();
  }

  async #watch(): Promise<void> {
    for await (const event of this.#dealer.events) {
      if (event.type === 'handshake') this.#state = 'open';
      else if (/^handshake:error|^disconnect$/.test(event.type)) this.#end(event.type);
    }
    this.#state = 'gone';
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const [message, why] = await this.#dealer.receive();
        if (message === undefined) continue;
        if (why === undefined) this.heard(message.toString());
        else if (message.toString() === CLOSE) this.#end(`farewell: ${why}`);
      }
    } catch (error) {
      if (!this.#dealer.closed) throw error;
    }
  }
}

function curve(serverKey: string, identity: Identity | undefined): SocketOptions<Dealer> {
  if (identity === undefined) return {};
  if (identity.curve === undefined) throw new Error('an identity without a key for ZeroMQ');
  const { publicKey, secretKey } = identity.curve;
  return { curveServerKey: serverKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
}
