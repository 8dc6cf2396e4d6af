// Brokers on WebSocket and TLS on loopback, for the contract suite and the mesh tests.
import assert from 'node:assert/strict';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { type WebSocketOptions, WebSocketTransport } from '../../src/mesh/websocket.ts';
import type { World } from './contract.ts';

const identities = new Map<string, Promise<Identity>>();

/** One identity for each name, made once a process. */
export function identityOf(name: string): Promise<Identity> {
  const known = identities.get(name);
  if (known !== undefined) return known;
  const made = generateIdentity(name).then(loadIdentity);
  identities.set(name, made);
  return made;
}

export class WebSocketWorld implements World {
  readonly #made = new Map<string, { transport: WebSocketTransport; identity: Identity }>();
  readonly options: Partial<WebSocketOptions>;

  constructor(options: Partial<WebSocketOptions> = {}) {
    this.options = options;
  }

  async transport(tag: string, { listen }: { listen: boolean }): Promise<WebSocketTransport> {
    const identity = await identityOf(tag);
    const transport = new WebSocketTransport({
      tag,
      identity,
      ...(listen && { listen: { host: '127.0.0.1', port: 0 } }),
      ...this.options,
    });
    this.#made.set(tag, { transport, identity });
    return transport;
  }

  peer(tag: string, { dial, wrongKey }: { dial: boolean; wrongKey?: boolean }): PeerAddress {
    const made = this.#made.get(tag);
    assert.ok(made, `no transport ${tag} yet`);
    const { fingerprint } = made.identity;
    return {
      tag,
      fingerprint: wrongKey ? `${fingerprint.slice(0, -3)}AAA` : fingerprint,
      ...(dial && { url: this.url(tag) }),
    };
  }

  url(tag: string): string {
    const address = this.#made.get(tag)?.transport.address;
    assert.ok(address, `${tag} does not listen`);
    return `${this.options.insecure ? 'ws' : 'wss'}://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    for (const { transport } of this.#made.values()) await transport.close();
  }
}
