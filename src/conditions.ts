/**
 * What may be wrong with a running broker: one closed list, the same in the log, in `/readyz`, on the command line
 * and in the metrics. Owns the codes, their severity, words and cures, and when each begins and ends. No clock, no
 * I/O; times are milliseconds of one monotonic clock. docs/operations.md tells each at length; a test compares.
 */

import type { Belief } from './core/peer.ts';
import type { Held } from './core/write.ts';

export type Severity = 'error' | 'warning';

/** `error`: lamps are not right, here or elsewhere, and `/readyz` says so. */
export const CONDITIONS = {
  'asterisk-down': {
    severity: 'error',
    cure: 'start Asterisk, or mend what the text names in its manager.conf or in ami: of the config',
  },
  'asterisk-silent': {
    severity: 'error',
    cure: 'Asterisk takes our connection and does not answer: look at its load and log, and restart it if it hangs',
  },
  'events-missing': {
    severity: 'error',
    cure: 'let the manager user read=call,system and its eventfilter pass what the text names, then restart the broker: an open session keeps the rules it began with',
  },
  'tag-in-use': {
    severity: 'error',
    cure: 'another broker has our tag: stop it, or give each PBX a tag and an identity of its own',
  },
  'source-missing': {
    severity: 'error',
    cure: 'load the module that the text names, then `module reload` that module: the broker looks again; or take those lines out of export: and reload',
  },
  'exports-left-out': { severity: 'error', cure: 'export fewer extensions: narrow match: in the config' },
  'other-federation': {
    severity: 'error',
    cure: 'a federation of Asterisk itself (PJSIP publish, XMPP) brings lamps of another PBX: keep Custom:EXT*tag out of it, then restart Asterisk; docs/migration.md',
  },
  standby: {
    severity: 'warning',
    cure: 'nothing is wrong if this broker is to stand by for the other one beside this Asterisk; else stop one of the two',
  },
  'exports-nothing': {
    severity: 'warning',
    cure: 'nothing of what export: names is there: check its contexts, devices and patterns against `core show hints`',
  },
  'peer-gone': {
    severity: 'warning',
    cure: 'look at the broker and the Asterisk of that PBX, and at the network between; if it is gone for good, take it out of peers:',
  },
  'peer-refused': {
    severity: 'warning',
    cure: 'mend what the text names: mostly a key (fingerprint, curve_key), a transport or a tag that differs between the two configs',
  },
  'peer-cloned': {
    severity: 'warning',
    cure: 'a second broker presents itself with the key and tag of that peer: stop it, or give it an identity of its own',
  },
  'extension-refused': {
    severity: 'warning',
    cure: 'that extension has no lamp here: have the peer export it under a shorter name, or not at all',
  },
  'hint-names-lamp': {
    severity: 'warning',
    cure: 'take the lamp (Custom:EXT*tag) out of that hint, or leave the extension out of export:',
  },
  'lamps-behind': {
    severity: 'warning',
    cure: 'more changes come than may be written: raise lamps.writes_per_second if the phones and the PBX can take it',
  },
  'write-refused': {
    severity: 'warning',
    cure: 'Asterisk does not take the state of a lamp: check that func_devstate is loaded and that the AMI user has write=call',
  },
  'lamp-drift': {
    severity: 'warning',
    cure: 'somebody else writes our lamps: look for another program or dialplan that sets DEVICE_STATE(Custom:EXT*tag)',
  },
  'reload-refused': {
    severity: 'warning',
    cure: 'the running config is older than the file: mend the file (hintmesh check) and reload, or restart',
  },
  'memory-unwritable': {
    severity: 'warning',
    cure: 'make state_dir writable for the user the broker runs as, then kill -HUP; or name another folder and restart',
  },
  'log-lines-lost': {
    severity: 'warning',
    cure: 'standard output is full or nobody reads it: mend what takes the log',
  },
  'event-loop-blocked': {
    severity: 'warning',
    cure: 'the broker had no processor time: look at the load of the machine',
  },
} as const satisfies Record<string, { readonly severity: Severity; readonly cure: string }>;

export type ConditionCode = keyof typeof CONDITIONS;

/** Things that happen at a moment: the condition lasts for {@link PASSING_MS} after the last one. */
export type PassingCode = 'lamp-drift' | 'log-lines-lost' | 'event-loop-blocked';
/** Told from outside, and over when that is told. */
export type ToldCode = 'reload-refused' | 'memory-unwritable';

export const PASSING_MS = 60_000;
/**
 * Must be found for this long before they are raised: a broker that was killed and is back within seconds is refused
 * as its own clone until its old self counts as silent; and when we ourselves did not run, the answer is on its way.
 */
const SETTLE_MS: Partial<Record<ConditionCode, number>> = {
  'tag-in-use': 10_000,
  'peer-cloned': 10_000,
  'asterisk-silent': 2_000,
};
/** A backlog that takes longer than this to write is worth telling. */
export const BEHIND_S = 10;

export interface Condition {
  readonly code: ConditionCode;
  readonly severity: Severity;
  /** The peer it is about; '' when it is about this PBX. */
  readonly subject: string;
  /** One sentence: what is wrong. No secrets. */
  readonly text: string;
  /** One sentence: what to do about it. */
  readonly cure: string;
  /** When it began. */
  readonly since: number;
}

/** What the broker knows now, as far as conditions need it. */
export interface Facts {
  readonly asterisk: {
    readonly up: boolean;
    /** It answered just now, so that we vouch for its states. */
    readonly answers: boolean;
    /** Another broker with our tag works beside it. */
    readonly standsBy?: boolean;
    /** Why there is no session; absent before the first attempt ended. */
    readonly why?: string;
    /** Events that should reach us do not, and which. */
    readonly deaf?: string;
    /** What lines of export take their states from is not there, and which. */
    readonly lacking?: string;
  };
  readonly exports: {
    readonly rules: number;
    readonly size: number;
    /** Everything was read under these rules. */
    readonly read: boolean;
    readonly leftOut: number;
    /** Hints that name a lamp and so are not exported, `extension@context`. */
    readonly namesLamp: readonly string[];
  };
  readonly lamps: {
    readonly owed: number;
    readonly writesPerSecond: number;
    /** Lamps whose last write was refused, and the reason of the latest. */
    readonly refused: number;
    readonly refusedWhy?: string;
    /** Lamps that show something else than what Asterisk took from us, and one of them. */
    readonly held: number;
    readonly heldLamp?: Held;
  };
  readonly peers: readonly PeerFacts[];
}

export interface PeerFacts {
  readonly tag: string;
  readonly belief: Belief;
  /** It said bye and that it does not come back. */
  readonly left: boolean;
  readonly linked: boolean;
  /** The latest trouble with links of this peer. */
  readonly problem?: {
    readonly kind: 'refused' | 'refused-by-peer' | 'unreachable' | 'skipped';
    readonly reason: string;
    readonly text: string;
    /** It goes on: it would have been seen again by now, and was. */
    readonly fresh: boolean;
  };
  /** An extension of this link that cannot be a lamp here, and why. */
  readonly refusedExtension?: string;
}

type Found = Pick<Condition, 'code' | 'subject' | 'text'>;

function keyOf({ code, subject }: Found): string {
  return `${code} ${subject}`;
}

export class Conditions {
  #present = new Map<string, Condition>();
  /** When each thing that is wrong now was first found, raised or not yet. */
  #found = new Map<string, number>();
  readonly #passing = new Map<PassingCode, { readonly text: string; readonly at: number }>();
  readonly #told = new Map<ToldCode, string>();

  /** Something happened; the condition shows at the next `update`. */
  happened(code: PassingCode, text: string, now: number): void {
    this.#passing.set(code, { text, at: now });
  }

  /** `undefined`: it is over. */
  tell(code: ToldCode, text: string | undefined): void {
    if (text === undefined) this.#told.delete(code);
    else this.#told.set(code, text);
  }

  /** In the order of the list. */
  list(): Condition[] {
    return [...this.#present.values()];
  }

  /** Compares what is with what was. A condition whose text changes goes on. */
  update(facts: Facts, now: number): { readonly raised: Condition[]; readonly cleared: Condition[] } {
    const before = this.#present;
    const found = [...this.#own(now), ...find(facts)];
    const codes = Object.keys(CONDITIONS);
    found.sort((a, b) => codes.indexOf(a.code) - codes.indexOf(b.code));
    this.#found = new Map(found.map((one) => [keyOf(one), this.#found.get(keyOf(one)) ?? now]));
    this.#present = new Map(
      found.flatMap((one) => {
        const since = this.#found.get(keyOf(one)) ?? now;
        if (now - since < (SETTLE_MS[one.code] ?? 0)) return [];
        return [[keyOf(one), { ...one, since, ...CONDITIONS[one.code] }] as const];
      }),
    );
    return {
      raised: this.list().filter((condition) => !before.has(keyOf(condition))),
      cleared: [...before].filter(([key]) => !this.#present.has(key)).map(([, condition]) => condition),
    };
  }

  *#own(now: number): Generator<Found> {
    for (const [code, text] of this.#told) yield { code, subject: '', text };
    for (const [code, { text, at }] of this.#passing) {
      if (now - at < PASSING_MS) yield { code, subject: '', text };
      else this.#passing.delete(code);
    }
  }
}

function* find({ asterisk, exports, lamps, peers }: Facts): Generator<Found> {
  const here = (code: ConditionCode, text: string): Found => ({ code, subject: '', text });
  if (asterisk.standsBy) {
    yield here('standby', 'another broker with our tag works beside this Asterisk, and this one stands by');
  }
  if (!asterisk.up && asterisk.why !== undefined) yield here('asterisk-down', asterisk.why);
  if (asterisk.up && !asterisk.answers) {
    yield here(
      'asterisk-silent',
      'Asterisk does not answer, so the peers hold our lamps and then take them for gone',
    );
  }
  if (asterisk.deaf !== undefined) yield here('events-missing', asterisk.deaf);
  // Without events nothing is told of any write.
  if (lamps.heldLamp !== undefined && asterisk.deaf === undefined) {
    const { lamp, shows, written } = lamps.heldLamp;
    const more = lamps.held > 1 ? ` (and ${lamps.held - 1} more)` : '';
    yield here(
      'other-federation',
      `lamp ${lamp}${more} shows ${shows} though ${written} was written: another PBX tells this Asterisk of it`,
    );
  }
  if (asterisk.lacking !== undefined) yield here('source-missing', asterisk.lacking);
  if (exports.leftOut > 0) {
    yield here(
      'exports-left-out',
      `${exports.leftOut} extensions are more than a broker can export and are left out`,
    );
  }
  if (asterisk.up && exports.read && exports.rules > 0 && exports.size === 0) {
    yield here('exports-nothing', 'Asterisk has none of the extensions that export: names');
  }
  const [first, ...others] = exports.namesLamp;
  if (first !== undefined) {
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    yield here('hint-names-lamp', `hint ${first}${more} names a lamp of another PBX and is not exported`);
  }
  const seconds = Math.ceil(lamps.owed / lamps.writesPerSecond);
  if (seconds > BEHIND_S) {
    yield here('lamps-behind', `${lamps.owed} lamps wait to be written, which takes ${seconds} s`);
  }
  if (lamps.refused > 0) {
    yield here(
      'write-refused',
      `Asterisk refused the state of ${lamps.refused} ${lamps.refused === 1 ? 'lamp' : 'lamps'}: ${lamps.refusedWhy ?? 'no reason given'}`,
    );
  }
  // Who stands by has no links, and what went wrong with them before is over.
  if (!asterisk.standsBy) for (const peer of peers) yield* findOfPeer(peer);
}

function* findOfPeer(peer: PeerFacts): Generator<Found> {
  const { tag, belief, linked, problem, refusedExtension } = peer;
  const about = (code: ConditionCode, text: string): Found => ({ code, subject: tag, text });
  if (belief === 'gone') yield about('peer-gone', whyGone(peer));
  if (refusedExtension !== undefined) yield about('extension-refused', refusedExtension);
  if (!problem?.fresh) return;
  const clash = problem.reason === 'tag-in-use';
  if (clash && problem.kind === 'refused') yield about('peer-cloned', problem.text);
  if (linked) return;
  if (clash && problem.kind === 'refused-by-peer') yield about('tag-in-use', problem.text);
  else if (!clash && (problem.kind === 'refused' || problem.kind === 'refused-by-peer')) {
    yield about('peer-refused', problem.text);
  }
}

function whyGone({ tag, left, linked, problem }: PeerFacts): string {
  if (left) return `${tag} left for good: take it out of peers:`;
  const gone = `nobody vouches for the lamps of ${tag}`;
  if (linked) return `${gone}: its broker is there, and its Asterisk does not answer it`;
  return problem?.fresh ? `${gone}: ${problem.text}` : gone;
}
