/**
 * What the dialplan is made of: the names that the running broker knows, or those that the config alone allows. Owns
 * which names count, and that nothing from outside gets into the dialplan that is not a name.
 */
import type { Config } from '../config/config.ts';
import type { ExportRule } from '../core/exports.ts';
import { type ImportRule, importedAs, type PlainRule, plainName } from '../core/imports.ts';
import { enumerate, type Match, matches, partsOfMatch } from '../core/match.ts';
import { KINDS } from '../core/message.ts';
import { isContext, isExtension, isTag, lampName } from '../core/names.ts';
import { readPattern } from '../core/pattern.ts';
import type { StateRow, Status } from '../http/contract.ts';
import { backThrough, compareNames, isSpecial, type Key, SAME } from './dialplan-names.ts';
import { type PlainKey, type Plan, someOf } from './dialplan-text.ts';

/** What was made, and what the admin should know about it, one line each. */
export interface Made {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

/** What the config says of names. */
type Rules = Pick<Config, 'export' | 'imports' | 'plainLamps' | 'peers'>;

/** By its default (`as: vm{ext}`), the name under which a mailbox is told. */
const MAILBOX = /^vm(?=[\d*#+]+$)/;

/** From the running broker: `rows` of /api/states. */
export function planOfBroker(
  rows: readonly StateRow[],
  { pbx: own, peers: peerRows }: Status,
  rules: Rules,
  samples: readonly string[],
): Made {
  const warnings: string[] = [];
  const told = rows.filter(isTold(peerRows));
  const keysOf = (tag: string, keyOf: (name: string, presence: boolean) => Key) =>
    told
      .filter(
        (row) => row.pbx === tag && isExtension(row.extension) && lampName(row.extension, tag) !== undefined,
      )
      .map(({ extension, kind }) => keyOf(extension, kind === 'presence'));
  const keys = keysOf(own, (name, presence) => ownKey(name, presence, rules.export));
  const peers = peerRows
    .filter(({ peer, former }) => !former && isTag(peer))
    .map(({ peer: tag }) => {
      const imports = rulesOf(rules.imports, tag);
      return { tag, keys: keysOf(tag, (name, presence) => peerKey(name, presence, imports)) };
    });
  const tags = (list: readonly { readonly tag: string }[]) =>
    list
      .map(({ tag }) => tag)
      .sort()
      .join(', ');
  if (tags(peers) !== tags(rules.peers)) {
    const now = `the broker runs with the peers ${tags(peers) || 'none'}, the config has ${tags(rules.peers) || 'none'}`;
    warnings.push(`${now}; printed is what it runs with; have it read its config with: hintmesh reload`);
  }
  const ours = new Set(keys.map(({ name }) => name));
  const plain = plainKeys(peers, rules.plainLamps, ours, warnings);
  // Of what is exported all is known, so peers get to call no more than that.
  return { plan: { own, keys, peers, plain, samples, called: [] }, warnings };
}

/**
 * Nobody vouches for the rows of a peer that is away, and a phone's key alone makes one of nothing. Of a kind that a
 * newer broker has, nothing is known.
 */
function isTold(peers: Status['peers']): (row: StateRow) => boolean {
  const heard = new Set(peers.filter(({ belief }) => belief === 'live').map(({ peer }) => peer));
  return ({ pbx, kind, extension, state, lamp }) => {
    if (!KINDS.includes(kind)) return false;
    // The plain lamp of an extension that has its own row.
    if (lamp !== undefined && lamp.name !== `${extension}*${pbx}`) return false;
    return state !== null || (lamp !== undefined && !heard.has(pbx));
  };
}

/** Peers that were not heard yet, of which nothing can be said. */
export function silentPeers({ plan }: Made, { peers }: Status): string[] {
  const names = new Set(plan.peers.filter(({ keys }) => keys.length === 0).map(({ tag }) => tag));
  return peers.filter(({ peer, belief }) => belief !== 'live' && names.has(peer)).map(({ peer }) => peer);
}

/** From the config alone: of every PBX any name of these lengths, and any plain lamp that is written out in it. */
export function planOfConfig(
  { tag: own, peers, imports, plainLamps }: Config,
  samples: readonly string[],
): Made {
  const warnings: string[] = [];
  const renamed = peers.filter(({ tag }) => rulesOf(imports, tag).some(({ as }) => as !== undefined));
  for (const { tag } of renamed) {
    warnings.push(
      `import: gives extensions of ${tag} other names; without the running broker their keys call the names as they are`,
    );
  }
  const plans = peers.map(({ tag }) => ({ tag, keys: [] }));
  const unlisted = plainLamps.filter(({ match }) =>
    partsOfMatch(match).naming.some(({ kind }) => kind === 'pattern' || kind === 'regex'),
  );
  for (const { where } of unlisted) {
    warnings.push(`${where}: the running broker alone knows which plain lamps this makes; they are left out`);
  }
  const named = peers.map(({ tag }) => ({
    tag,
    keys: plainLamps
      .filter(({ from }) => from === tag)
      .flatMap(({ match }) => enumerate(match))
      .map((name) => peerKey(name, false, rulesOf(imports, tag))),
  }));
  const plain = plainKeys(named, plainLamps, new Set(), warnings);
  const called = samples.filter((name) => !name.startsWith('*'));
  return { plan: { own, keys: [], peers: plans, plain, samples, called }, warnings };
}

function rulesOf(rules: readonly ImportRule[], tag: string): ImportRule[] {
  return rules.filter(({ from }) => from === undefined || from === tag);
}

function ownKey(name: string, presence: boolean, rules: readonly ExportRule[]): Key {
  for (const rule of rules) {
    if (rule.source === 'presence') continue;
    const found = backThrough(rule, name);
    if (found === undefined) continue;
    const { source } = rule;
    const box = source === 'mailbox' && isContext(rule.context) ? { voicemailContext: rule.context } : {};
    return { name, presence, mailbox: source === 'mailbox', ...box, ...found };
  }
  return { name, number: name, relation: SAME, presence, mailbox: false };
}

function peerKey(name: string, presence: boolean, rules: readonly ImportRule[]): Key {
  const number = (found: ReturnType<typeof backThrough>) => found ?? {};
  const key = { name, presence, mailbox: false, relation: SAME };
  if (rules.length === 0) return asMailbox({ ...key, number: name });
  const found = rules
    .map((rule) => backThrough(rule, name))
    .find((one) => one !== undefined && importedAs(rules, one.number) === name);
  return asMailbox({ ...key, ...number(found) });
}

/** The number of a mailbox is what stands behind the `vm`. */
function asMailbox(key: Key): Key {
  const { number, relation } = key;
  if (number === undefined || !MAILBOX.test(number)) return key;
  const box = number.replace(MAILBOX, '');
  const { before, lead } = relation;
  if (lead === '')
    return { ...key, mailbox: true, number: box, relation: { ...relation, before: `${before}vm` } };
  const rest = lead.startsWith('vm') ? { number: box, relation: { ...relation, lead: lead.slice(2) } } : {};
  return { ...key, mailbox: true, ...rest };
}

function plainKeys(
  peers: Plan['peers'],
  rules: readonly PlainRule[],
  ours: ReadonlySet<string>,
  warnings: string[],
): PlainKey[] {
  const found = new Map<string, PlainKey>();
  // A name has one key for each of its kinds.
  const refused = new Set<string>();
  const open = new Map<PlainRule, Set<string>>();
  for (const { tag, keys } of peers) {
    const own = rules.filter(({ from }) => from === tag);
    for (const key of keys) {
      const rule = own.find(({ match }) => matches(match, key.name));
      const name = rule && plainName([rule], key.name);
      if (rule === undefined || name === undefined) continue;
      const before = found.get(name);
      const why = whyNotPlain(name, ours, before, tag);
      if (why !== undefined) {
        refused.add(`the plain lamp ${name} of ${tag} is left out: ${why}`);
        continue;
      }
      const lampOnly = !matches(closedPart(rule.match), key.name);
      if (lampOnly) open.set(rule, (open.get(rule) ?? new Set()).add(name));
      found.set(name, {
        ...key,
        name,
        presence: key.presence || before?.presence === true,
        pbx: tag,
        ...(lampOnly && { lampOnly }),
      });
    }
  }
  warnings.push(...refused);
  for (const [{ where, from }, names] of open) {
    warnings.push(
      `${where}: lamps without calls: ${someOf([...names])} of ${from}; an open pattern or a regular expression lets the peer choose names, also of emergency numbers and feature codes; for calls name them by a pattern like _2XXX, a range, or one by one`,
    );
  }
  return [...found.values()].toSorted((a, b) => compareNames(a.name, b.name));
}

/** Each name of a peer is held against the same rules. */
const closedParts = new WeakMap<Match, Match>();

/** The items whose names the admin can foresee. */
function closedPart(match: Match): Match {
  const known = closedParts.get(match);
  if (known !== undefined) return known;
  const closed = partsOfMatch(match).naming.filter(
    (item) => item.kind !== 'regex' && (item.kind !== 'pattern' || !readPattern(item.pattern).open),
  );
  closedParts.set(match, closed);
  return closed;
}

function whyNotPlain(
  name: string,
  ours: ReadonlySet<string>,
  found: PlainKey | undefined,
  tag: string,
): string | undefined {
  if (ours.has(name)) return 'this PBX exports an extension of that name, whose calls it would take';
  if (isSpecial(name)) return 'Asterisk has a use of its own for an extension of that name';
  return found === undefined || found.pbx === tag ? undefined : `${found.pbx} has one of that name`;
}
