/**
 * What differs between two configs: what a reload can change, and what only a restart can. Owns which key is
 * which, for every key of the schema, and the words for each change. No secret is in them. That a line moved in
 * the file is no change.
 */
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import type { Config, PeerConfig } from './config.ts';
import { show, showDuration, visible } from './formats.ts';
import { leavesOf, scalarSchema } from './schema.ts';

/**
 * The dotted keys whose change needs a restart, in the order of the schema; empty when a reload will do. What a
 * file holds counts, its name does not.
 */
export function needsRestart(before: Config, after: Config): string[] {
  return changed(before, after)
    .filter(([, { restart }]) => restart)
    .map(([path]) => path);
}

/** One line for each change that a reload can make; those that need a restart are not among them. */
export function describeChanges(before: Config, after: Config): string[] {
  const scalars = changed(before, after)
    .filter(([, { restart }]) => !restart)
    .map(([path, { of, words }]) => {
      if (words === undefined) return `${path} changed`;
      return `${path} ${words(of(before))} → ${words(of(after))}`;
    });
  return [
    ...scalars,
    ...lineChanges('export rules', before.export, after.export, after.export.some(hasRegex)),
    ...lineChanges('import rules', before.imports, after.imports, true),
    ...lineChanges('plain lamps', before.plainLamps, after.plainLamps, true),
    ...peerChanges(before, after),
  ].map(visible);
}

/** The dotted paths of a schema's values: a key that is added to it must be added to KEYS, or nothing compiles. */
type PathOf<S, Prefix extends string = ''> = {
  [K in keyof S & string]: S[K] extends { readonly doc: string }
    ? `${Prefix}${K}`
    : PathOf<S[K], `${Prefix}${K}.`>;
}[keyof S & string];

interface Key {
  readonly restart: boolean;
  /** What the key has become; `OFF` where it means nothing. */
  readonly of: (config: Config) => unknown;
  /** The value as it may be told; absent: only that it changed. */
  readonly words?: (value: unknown) => string;
}

/** The section is off, so that its keys mean nothing; that it was switched is told of `enabled`. */
const OFF = Symbol('off');

const restart = (of: Key['of']): Key => ({ restart: true, of });
const reload = (of: Key['of'], words?: Key['words']): Key => ({
  restart: false,
  of,
  ...(words && { words }),
});
/** A file's contents: never told. */
const contents = (of: Key['of']): Key => reload(of);
const text = (value: unknown) => (value === undefined ? 'none' : show(value));
const time = (value: unknown) => showDuration(Number(value));
const rate = (value: unknown) => (value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value));
const inTls = (key: keyof NonNullable<Config['ami']['tls']>) => (config: Config) =>
  config.ami.tls === undefined ? OFF : config.ami.tls[key];

const KEYS: Record<PathOf<typeof scalarSchema>, Key> = {
  tag: restart(({ tag }) => tag),
  identity_file: restart(({ identity }) => identity?.pem),
  state_dir: restart(({ stateDir }) => stateDir),
  ca_file: restart(({ ca }) => ca),
  insecure: restart(({ insecure }) => insecure),
  'ami.host': reload(({ ami }) => ami.host, String),
  'ami.port': reload(({ ami }) => ami.port, String),
  'ami.username': reload(({ ami }) => ami.username, text),
  // Where the secret comes from is no matter: `ami.secret` has it.
  'ami.secret_file': reload(() => OFF),
  'ami.secret': contents(({ ami }) => ami.secret),
  'ami.tls.enabled': reload(({ ami }) => ami.tls !== undefined, String),
  'ami.tls.ca_file': contents(inTls('ca')),
  'ami.tls.servername': reload(inTls('servername'), text),
  'ami.tls.cert_file': contents(inTls('cert')),
  'ami.tls.key_file': contents(inTls('key')),
  'listen.enabled': restart(({ listen }) => listen !== undefined),
  'listen.host': restart(({ listen }) => listen?.host ?? OFF),
  'listen.port': restart(({ listen }) => listen?.port ?? OFF),
  'http.enabled': restart(({ http }) => http !== undefined),
  'http.host': restart(({ http }) => http?.host ?? OFF),
  'http.port': restart(({ http }) => http?.port ?? OFF),
  'lamps.gone_state': reload(({ lamps }) => lamps.goneState, String),
  'lamps.writes_per_second': reload(({ lamps }) => lamps.writesPerSecond, rate),
  'lamps.burst': reload(({ lamps }) => lamps.burst, String),
  'lamps.window': reload(({ lamps }) => lamps.window, String),
  'timing.alive': reload(({ timing }) => timing.aliveMs, time),
  'timing.suspect_after': reload(({ timing }) => timing.suspectAfterMs, time),
  'timing.gone_after': reload(({ timing }) => timing.goneAfterMs, time),
  'timing.first_sync': reload(({ timing }) => timing.firstSyncMs, time),
  'timing.relist': reload(({ timing }) => timing.relistMs, time),
  'timing.redial_min': reload(({ timing }) => timing.redialMinMs, time),
  'timing.redial_max': reload(({ timing }) => timing.redialMaxMs, time),
  'log.level': reload(({ logLevel }) => logLevel, String),
};

/** In the order of the schema. */
function changed(before: Config, after: Config): [path: string, key: Key][] {
  const keys = new Map<string, Key>(Object.entries(KEYS));
  return [...leavesOf(scalarSchema)].flatMap(([path]) => {
    const key = keys.get(path);
    const [old, now] = [key?.of(before), key?.of(after)];
    return key === undefined || old === now || old === OFF || now === OFF ? [] : [[path, key] as const];
  });
}

/**
 * Lines are told apart by what they say. Of exports their order says nothing, unless a regular expression may name what
 * another line names too; of the other lists the first line that names an extension counts.
 */
function lineChanges(
  what: string,
  before: readonly Line[],
  after: readonly Line[],
  isOrdered: boolean,
): string[] {
  const [was, is] = [before.map(said), after.map(said)];
  const [old, now] = [new Set(was), new Set(is)];
  const added = [...now].filter((line) => !old.has(line)).length;
  const removed = [...old].filter((line) => !now.has(line)).length;
  if (added + removed > 0) return [`${what} changed: ${added} added, ${removed} removed`];
  const moved = isOrdered && is.some((line, index) => line !== was[index]);
  return moved ? [`${what} changed: another order`] : [];
}

function hasRegex({ match }: Line): boolean {
  return match.some((item) => (item.kind === 'except' ? item.item : item).kind === 'regex');
}

type Line = ExportRule | ImportRule | PlainRule;

function said({ where: _, ...line }: Line): string {
  return JSON.stringify(line);
}

function peerChanges(before: Config, after: Config): string[] {
  const old = new Map(before.peers.map((peer) => [peer.tag, peer]));
  const present = new Set(after.peers.map(({ tag }) => tag));
  const removed = before.peers.filter(({ tag }) => !present.has(tag));
  return [
    ...removed.map(({ tag }) => `peer ${tag} removed`),
    ...after.peers.flatMap((peer) => {
      const was = old.get(peer.tag);
      return was === undefined ? [`peer ${peer.tag} added`] : peerChange(was, peer, before, after);
    }),
  ];
}

function peerChange(was: PeerConfig, is: PeerConfig, before: Config, after: Config): string[] {
  const lines: string[] = [];
  const url = (peer: PeerConfig) => peer.url ?? 'none (it dials us)';
  if (was.url !== is.url) lines.push(`peer ${is.tag}: url ${url(was)} → ${url(is)}`);
  const transport = (peer: PeerConfig) => peer.transport ?? 'websocket';
  if (was.transport !== is.transport) {
    lines.push(`peer ${is.tag}: transport ${transport(was)} → ${transport(is)}`);
  }
  if (was.fingerprint !== is.fingerprint) lines.push(`peer ${is.tag}: fingerprint changed`);
  if (was.curveKey !== is.curveKey) lines.push(`peer ${is.tag}: curve_key changed`);
  if (was.next?.fingerprint !== is.next?.fingerprint) lines.push(`peer ${is.tag}: next_fingerprint changed`);
  if (was.next?.curveKey !== is.next?.curveKey) lines.push(`peer ${is.tag}: next_curve_key changed`);
  // Peers that go by lamps.gone_state change with it: that line says so for all of them.
  const follows = was.goneState === before.lamps.goneState && is.goneState === after.lamps.goneState;
  if (was.goneState !== is.goneState && !follows) {
    lines.push(`peer ${is.tag}: gone_state ${was.goneState} → ${is.goneState}`);
  }
  return lines;
}
