// Brokers on loopback, with WebSocket or ZeroMQ, for the contract suite and the mesh tests.
import assert from 'node:assert/strict';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { type TcpOptions, TcpTransport } from '../../src/mesh/tcp.ts';
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

export type Protocol = 'websocket' | 'zeromq';

export class TcpWorld implements World {
  readonly #made = new Map<string, { transport: TcpTransport; identity: Identity }>();
  readonly options: Partial<TcpOptions>;
  readonly #protocol: Protocol;

  constructor(options: Partial<TcpOptions> = {}, protocol: Protocol = 'websocket') {
    this.options = options;
    this.#protocol = protocol;
  }

  async transport(
    tag: string,
    { listen, port = 0 }: { listen: boolean; port?: number },
  ): Promise<TcpTransport> {
    const identity = await identityOf(tag);
    const transport = new TcpTransport({
      tag,
      identity,
      ...(listen && { listen: { host: '127.0.0.1', port } }),
      // Everybody is 127.0.0.1 here, and comes as often as a test likes.
      arrivals: { burst: 1e9, perSecond: 1e9 },
      ...this.options,
    });
    this.#made.set(tag, { transport, identity });
    return transport;
  }

  /** As `hintmesh keygen` gives it: with the keys for both. */
  peer(
    tag: string,
    { dial, wrongKey, protocol }: { dial: boolean; wrongKey?: boolean; protocol?: Protocol },
  ): PeerAddress {
    const made = this.#made.get(tag);
    assert.ok(made?.identity.curve, `no transport ${tag} yet`);
    const { fingerprint, curve } = made.identity;
    return {
      tag,
      transport: protocol ?? this.#protocol,
      fingerprint: wrongKey ? `${fingerprint.slice(0, -3)}AAA` : fingerprint,
      curveKey: wrongKey ? `${curve.publicKey.slice(0, -3)}000` : curve.publicKey,
      ...(dial && { url: this.url(tag) }),
    };
  }

  key(tag: string): string {
    const { fingerprint, curveKey } = this.peer(tag, { dial: false });
    return (this.#protocol === 'zeromq' ? curveKey : fingerprint) ?? '';
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
