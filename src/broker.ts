/**
 * The only wiring: what an edge says becomes an input of the federation, and its effects are carried out at
 * the edges, in order. Owns the one tick and the order of things; decides nothing itself.
 */
import { randomUUID } from 'node:crypto';
import { createAsterisk } from './ami/asterisk.ts';
import type { AmiOptions, Asterisk } from './ami/contract.ts';
import type { ExportRule } from './core/exports.ts';
import { ALL, type Effect, Federation, type Input } from './core/federation.ts';
import type { PacingOptions } from './core/lamps.ts';
import { lampDevice } from './core/names.ts';
import type { GoneState } from './core/origin.ts';
import type { BeliefTiming } from './core/peer.ts';
import type { PeerAddress } from './mesh/contract.ts';
import { Mesh, type MeshStatus } from './mesh/mesh.ts';
import { type WebSocketOptions, WebSocketTransport } from './mesh/websocket.ts';
import { ofAmiDown, ofLinkEnd, ofMeshNote, ofNote, type Report } from './report.ts';

export type { Report } from './report.ts';

export interface BrokerOptions {
  readonly tag: string;
  readonly ami: AmiOptions;
  readonly exports: readonly ExportRule[];
  readonly peers: readonly (PeerAddress & { readonly goneState: GoneState })[];
  /** Tags that were peers once; their lamps may still be lit in Asterisk's database. */
  readonly formerTags: readonly string[];
  /** For former tags. */
  readonly goneState: GoneState;
  readonly timing: BeliefTiming & { readonly aliveEveryMs: number };
  readonly pacing: PacingOptions;
  readonly redial: { readonly minMs: number; readonly maxMs: number };
  readonly websocket: WebSocketOptions;
}

/** Beliefs, retries and `alive` are looked after this often; token waits are timed by themselves. */
export const TICK_MS = 100;

export class Broker {
  readonly #options: BrokerOptions;
  readonly #report: (report: Report) => void;
  readonly #federation: Federation;
  readonly #mesh: Mesh;
  readonly #transport: WebSocketTransport;
  readonly #asterisk: Asterisk;
  /** Inputs that came while effects of another were being carried out. */
  readonly #inputs: Input[] = [];
  #feeding = false;
  #tick: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: BrokerOptions, report: (report: Report) => void) {
    this.#options = options;
    this.#report = report;
    const { tag, peers, exports, timing, pacing, goneState } = options;
    const present = new Set(peers.map((peer) => peer.tag));
    const former = options.formerTags.filter((name) => !present.has(name) && name !== tag);
    const origins = [...peers, ...former.map((name) => ({ tag: name, goneState, former: true }))];
    this.#federation = new Federation({ tag, exports, origins, timing, pacing }, performance.now());
    this.#transport = new WebSocketTransport(options.websocket);
    this.#mesh = this.#newMesh();
    this.#asterisk = this.#newAsterisk();
  }

  /** Where peers can dial us, as bound. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#transport.address;
  }

  /** Rejects when it cannot listen; Asterisk and peers that are not there are no errors, but waited for. */
  async start(): Promise<void> {
    await this.#mesh.start();
    this.#asterisk.start();
    this.#tick = setInterval(() => this.#feed({ type: 'tick' }), TICK_MS);
    const { tag, peers } = this.#options;
    const at = this.address ? `${this.address.host}:${this.address.port}` : undefined;
    const text = `hintmesh ${tag} runs${at ? `, listens on ${at}` : ''}; peers: ${peers.map((peer) => peer.tag).join(', ') || 'none'}`;
    this.#report({ level: 'info', event: 'started', text, fields: { tag, listen: at, peers: peers.length } });
  }

  /** Says bye, so that the peers hold our lamps through a restart, and lets go of everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  status(): ReturnType<Federation['status']> & { readonly mesh: MeshStatus } {
    return { ...this.#federation.status(), mesh: this.#mesh.status() };
  }

  async #close(): Promise<void> {
    clearInterval(this.#tick);
    this.#mesh.bye(false);
    await Promise.all([this.#mesh.close(), this.#asterisk.close()]);
    clearTimeout(this.#wake);
    this.#report({
      level: 'info',
      event: 'stopped',
      text: `hintmesh ${this.#options.tag} stopped`,
      fields: {},
    });
  }

  #newMesh(): Mesh {
    const { tag, peers, redial } = this.#options;
    const options = {
      tag,
      epoch: randomUUID(),
      peers: peers.map(({ goneState: _, ...address }) => ({ ...address, view: ALL })),
      redialMinMs: redial.minMs,
      redialMaxMs: redial.maxMs,
    };
    return new Mesh(options, this.#transport, {
      admit: (peer, epoch) => (this.#federation.admits(peer, epoch) ? 'yes' : 'tag-in-use'),
      linkUp: (peer, link, epoch) => {
        this.#report({
          level: 'info',
          event: 'link-up',
          text: `link to ${peer} is up`,
          fields: { peer, link },
        });
        this.#feed({ type: 'linkUp', peer, link, epoch });
      },
      heard: (peer, link, seq, message) => this.#feed({ type: 'heard', peer, link, seq, message }),
      linkDown: (peer, link, why) => {
        this.#report(ofLinkEnd(peer, why));
        this.#feed({ type: 'linkDown', peer, link });
      },
      note: (note) => this.#report(ofMeshNote(note)),
    });
  }

  #newAsterisk(): Asterisk {
    return createAsterisk(this.#options.ami, {
      toAsk: (listed) => this.#federation.toAsk(listed),
      up: (listing, { version }) => {
        const fields = { version, hints: listing.hints.length, devices: listing.devices.length };
        this.#report({
          level: 'info',
          event: 'asterisk-up',
          text: `Asterisk ${version} is up`,
          fields,
        });
        this.#feed({ type: 'asteriskUp', listing });
      },
      relisted: (listing) => {
        const fields = { hints: listing.hints.length, devices: listing.devices.length };
        this.#report({ level: 'debug', event: 'asterisk-relisted', text: 'Asterisk was read again', fields });
        this.#feed({ type: 'asteriskRelisted', listing });
      },
      down: (why) => {
        this.#report(ofAmiDown('asterisk-down', why));
        this.#feed({ type: 'asteriskDown' });
      },
      failed: (why) => this.#report(ofAmiDown('asterisk-unavailable', why)),
      hintChanged: (status) => this.#feed({ type: 'hintChanged', status }),
      deviceChanged: (status) => this.#feed({ type: 'deviceChanged', status }),
      answered: () => this.#feed({ type: 'asteriskAnswered' }),
    });
  }

  /** An edge may speak while the effects of its last word are carried out: then the new one waits its turn. */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const effect of this.#federation.input(next, performance.now())) this.#carryOut(effect);
      }
    } finally {
      this.#feeding = false;
    }
    this.#wakeForWrites();
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
        return this.#mesh.publish(effect.view, effect.entries);
      case 'snapshot':
        return this.#mesh.snapshot(effect.link, effect.view, effect.entries);
      case 'alive':
        return this.#mesh.alive();
      case 'dropLink':
        return this.#mesh.drop(effect.link, effect.why);
      case 'relist':
        return this.#asterisk.relist();
      case 'note':
        return this.#report(ofNote(effect.note));
      case 'setLamp': {
        const { id, lamp, state } = effect;
        this.#report({ level: 'debug', event: 'lamp', text: `${lamp} = ${state}`, fields: { lamp, state } });
        void this.#asterisk
          .setDeviceState(lampDevice(lamp), state)
          .then((result) => this.#feed({ type: 'writeDone', id, ...result }));
      }
    }
  }

  /** A write that waits for a token goes as soon as there is one, not at the next tick. */
  #wakeForWrites(): void {
    if (this.#wake !== undefined) return;
    const now = performance.now();
    const at = this.#federation.wakeAt(now);
    if (at === undefined || at - now >= TICK_MS) return;
    this.#wake = setTimeout(
      () => {
        this.#wake = undefined;
        this.#feed({ type: 'tick' });
      },
      Math.max(1, Math.ceil(at - now)),
    );
  }
}
