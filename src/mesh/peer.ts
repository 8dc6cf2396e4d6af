/**
 * One peer: its links, and which of them counts. Owns the rule that at most one link is up, whoever dialled.
 * Knows no views, no batches, no other peer.
 *
 * The rule. Of two brokers the one with the smaller tag (compared as strings) decides; a link is *granted* by its
 * hello, and it never has two granted links:
 *   - on a link it dialled, its hello goes first: dialling grants. While that link lives it leaves the hello of a
 *     link dialled by the peer unanswered; once that link is dead it answers.
 *   - a link dialled by the peer it grants by answering; it then gives up an attempt of its own.
 *     A newer one of that direction replaces the older: the peer would not have dialled with a link alive.
 * The one with the larger tag follows: the link on which the decider's hello came last is the one; it closes all
 * others. So both ends mean the same link, and neither closes a link before the survivor's hello.
 * A hello with another epoch than the link that is up comes from another run of the peer, or from another broker
 * with its tag: `admit` says who stays, and the link that is up makes nobody wait.
 */
import type { Message } from '../core/message.ts';
import { Bucket } from './bucket.ts';
import type { Channel, PeerAddress, Refusal, Transport } from './contract.ts';
import { Dialer, type DialerOptions } from './dialer.ts';
import type { Hello } from './frames.ts';
import { Link, type LinkHandlers } from './link.ts';
import type { LinkEnd, LinkEndReason, MeshNote, PeerStatus } from './types.ts';

const BOTH_DIALLED = 'both sides dialled; the other link stays';

/** Links a peer may dial at once, and per second after that: each costs a handshake, two log lines and a snapshot. */
export const LINK_BURST = 20;
export const LINKS_PER_SECOND = 1;
const KNOCKS = { burst: LINK_BURST, perSecond: LINKS_PER_SECOND };

export interface PeerOptions {
  readonly tag: string;
  readonly epoch: string;
  readonly pingEveryMs: number;
  readonly helloTimeoutMs: number;
  readonly redial: DialerOptions;
  readonly clock: () => number;
  readonly nextLink: () => number;
}

export interface PeerHandlers {
  admit(epoch: string): 'yes' | 'tag-in-use';
  linkUp(link: Link, hello: Hello): void;
  heard(link: Link, seq: number, message: Message): void;
  linkDown(link: Link, end: LinkEnd): void;
  note(note: Omit<MeshNote, 'count'>): void;
  skipped(frames: number, kinds: number, example: string): void;
  coalesced(): void;
}

export class Peer {
  readonly config: PeerAddress;
  readonly #options: PeerOptions;
  readonly #handlers: PeerHandlers;
  readonly #dialer: Dialer;
  #up: Link | undefined;
  /** A link we dialled, before it is up. */
  #ours: Link | undefined;
  /** The newest link the peer dialled, before it is up: without hello yet, or waiting for our answer. */
  #theirs: Link | undefined;
  /** Links whose channel is not gone yet. */
  readonly #living = new Set<Link>();
  #stopped = false;
  /** Links the peer may still dial. */
  readonly #knocks = new Bucket(LINK_BURST, performance.now());
  #framesIn = 0;
  #framesOut = 0;
  #linksUp = 0;
  readonly #drops: Partial<Record<LinkEndReason, number>> = {};
  #ended: { readonly end: LinkEnd; readonly at: number } | undefined;
  #problem: { readonly note: Omit<MeshNote, 'count'>; readonly at: number } | undefined;

  constructor(config: PeerAddress, transport: Transport, options: PeerOptions, handlers: PeerHandlers) {
    this.config = config;
    this.#options = options;
    this.#handlers = handlers;
    this.#dialer = new Dialer(config, transport, options.redial, {
      channel: (channel) => this.take(channel),
      failed: (refusal) => this.#dialFailed(refusal),
    });
  }

  /** The link that is up. */
  get link(): Link | undefined {
    return this.#up;
  }

  /** Also after `stop`. */
  start(): void {
    this.#stopped = false;
    this.#dialer.wake();
  }

  /** Another run of the peer would be let in from now on: dials at once, if it waits to. */
  hurry(): void {
    if (!this.#stopped && this.#up === undefined) this.#dialer.hurry();
  }

  /** Dials no more and takes no more links; the link that is up stays. */
  rest(reason: LinkEndReason, text: string): void {
    this.#stopped = true;
    this.#dialer.rest();
    this.#ours?.close(reason, text);
    this.#theirs?.close(reason, text);
  }

  /** Ends everything; resolves when the channels have flushed and are gone. */
  async stop(reason: LinkEndReason, text: string): Promise<void> {
    this.rest(reason, text);
    this.#up?.close(reason, text);
    await Promise.all([...this.#living].map((link) => link.gone));
  }

  /** A new channel to this peer, dialled by us or by the peer. */
  take(channel: Channel): void {
    if (this.#stopped) return channel.terminate('stopped');
    if (!channel.dialled && !this.#knocks.take(KNOCKS, performance.now())) {
      const text = `peer ${this.config.tag} dials more than ${LINKS_PER_SECOND} link a second; its link is cut`;
      this.#noteAs('refused', 'too-many-connections', text);
      return channel.terminate('too many links');
    }
    const { tag, epoch, pingEveryMs, helloTimeoutMs, clock, nextLink } = this.#options;
    const link = new Link(
      { id: nextLink(), channel, tag, epoch, pingEveryMs, helloTimeoutMs, clock },
      this.#linkHandlers,
    );
    this.#living.add(link);
    void link.gone.then(() => this.#living.delete(link));
    if (link.dialled) {
      this.#ours = link;
    } else {
      this.#theirs?.close('replaced', 'the peer dialled again');
      this.#theirs = link;
    }
    link.start();
  }

  readonly #linkHandlers: LinkHandlers = {
    hello: (link, hello) => this.#greeted(link, hello),
    heard: (link, seq, message) => this.#handlers.heard(link, seq, message),
    refused: (_link, reason, text) => this.#noteAs('refused', reason, text),
    refusedByPeer: (_link, reason, text) =>
      // One that takes nobody has nothing against us.
      this.#noteAs(
        reason === 'standby' ? 'unreachable' : 'refused-by-peer',
        reason,
        `peer ${this.config.tag} refuses us: ${text}`,
      ),
    skipped: (_link, frames, kinds, example) => this.#handlers.skipped(frames, kinds, example),
    coalesced: () => this.#handlers.coalesced(),
    closed: (link, end) => this.#closed(link, end),
  };

  #greeted(link: Link, hello: Hello): void {
    const { tag } = this.config;
    if (this.#handlers.admit(hello.epoch) === 'tag-in-use') {
      const text = `another broker with the tag "${tag}" is alive; each PBX needs a tag of its own`;
      return link.refuse('tag-in-use', text);
    }
    if (this.#mustWait(link, hello)) return;
    if (this.#ours === link) this.#ours = undefined;
    if (this.#theirs === link) this.#theirs = undefined;
    this.#up?.close('replaced', 'a newer link to this peer took its place');
    this.#ours?.close('duplicate', BOTH_DIALLED);
    if (!this.#decides) this.#theirs?.close('duplicate', BOTH_DIALLED);
    // Closing the others was told outside, where anything may have been decided.
    if (this.#stopped) return link.close('stopped', 'stopped');
    this.#dialer.rest();
    this.#up = link;
    this.#linksUp += 1;
    this.#problem = undefined;
    this.#ended = undefined;
    link.accept();
    this.#handlers.linkUp(link, hello);
  }

  get #decides(): boolean {
    return this.#options.tag < this.config.tag;
  }

  /** The peer dialled while a link granted by us may be alive: it closes this one, or that one proves dead. */
  #mustWait(link: Link, hello: Hello): boolean {
    if (!this.#decides || link.dialled) return false;
    if (this.#ours !== undefined) return true;
    return this.#up?.dialled === true && this.#up.hello?.epoch === hello.epoch;
  }

  #closed(link: Link, end: LinkEnd): void {
    const { reason } = end;
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
    this.#framesIn += link.framesIn;
    this.#framesOut += link.framesOut;
    if (this.#ours === link) this.#ours = undefined;
    if (this.#theirs === link) this.#theirs = undefined;
    if (reason === 'hello-timeout' || reason === 'oversize' || reason === 'not-text') {
      this.#noteAs('refused', reason, `link to peer ${this.config.tag} (${link.remote}) closed: ${end.text}`);
    }
    if (this.#up === link) {
      this.#up = undefined;
      this.#ended = { end, at: performance.now() };
      if (link.upForMs >= this.#options.redial.maxMs) this.#dialer.succeeded();
      this.#handlers.linkDown(link, end);
    }
    this.#next();
  }

  /** After a link ended: the link that waited for it, else another attempt. */
  #next(): void {
    if (this.#stopped || this.#up !== undefined) return;
    const waiting = this.#theirs;
    if (waiting?.hello !== undefined) this.#greeted(waiting, waiting.hello);
    if (this.#stopped || this.#up !== undefined || this.#ours !== undefined) return;
    this.#dialer.wake();
  }

  #dialFailed({ reason, text }: Refusal): void {
    if (reason === 'refused-by-peer') return this.#noteAs('refused-by-peer', reason, text);
    const ours = reason === 'wrong-key' || reason === 'bad-certificate' || reason === 'no-certificate';
    this.#noteAs(ours ? 'refused' : 'unreachable', reason, text);
  }

  #noteAs(kind: MeshNote['kind'], reason: MeshNote['reason'], text: string): void {
    const note = { kind, reason, who: this.config.tag, text };
    this.#problem = { note, at: performance.now() };
    this.#handlers.note(note);
  }

  get status(): PeerStatus {
    const { tag, url, fingerprint } = this.config;
    const up = this.#up;
    const link = up && {
      link: up.id,
      transport: up.transport,
      epoch: up.hello?.epoch ?? '',
      dialled: up.dialled,
      remote: up.remote,
      upForMs: up.upForMs,
      ...(up.roundTripMs !== undefined && { roundTripMs: up.roundTripMs }),
      queueBytes: up.queueBytes,
    };
    const problem = this.#problem && {
      kind: this.#problem.note.kind,
      reason: this.#problem.note.reason,
      text: this.#problem.note.text,
      agoMs: performance.now() - this.#problem.at,
    };
    return {
      peer: tag,
      ...(url !== undefined && { url }),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(link !== undefined && { link }),
      framesIn: this.#framesIn + (up?.framesIn ?? 0),
      framesOut: this.#framesOut + (up?.framesOut ?? 0),
      linksUp: this.#linksUp,
      drops: { ...this.#drops },
      ...(this.#ended && { ended: { ...this.#ended.end, agoMs: performance.now() - this.#ended.at } }),
      ...(problem !== undefined && { problem }),
    };
  }
}
