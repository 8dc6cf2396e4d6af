/**
 * The dialplan that `hintmesh dialplan` prints: names in, text out. Owns each of its lines, which are those of
 * dialplan/hintmesh.conf; what they mean, and what was proved of them on real Asterisks, says dialplan/README.md.
 */
import { isCode, rings, ringsBy, settle } from './dialplan-clash.ts';
import { compareNames, type Group, inPattern, isSpecial, type Key, type Relation } from './dialplan-names.ts';

/** What the printed dialplan is about. Every name and tag in it must be one (core/names.ts). */
export interface Plan {
  readonly own: string;
  /** What this PBX exports. */
  readonly keys: readonly Key[];
  readonly peers: readonly PeerPlan[];
  /** Lamps without a tag. */
  readonly plain: readonly PlainKey[];
  /** Of every PBX, names that stand for all of their length. */
  readonly samples: readonly string[];
  /** The same, of what peers may call here. */
  readonly called: readonly string[];
}

export interface PeerPlan {
  readonly tag: string;
  readonly keys: readonly Key[];
}

export interface PlainKey extends Key {
  /** The tag of the PBX that it is at. */
  readonly pbx: string;
  /** Its key calls nothing: the name is the peer's choice, and could be one that is dialled for something else. */
  readonly lampOnly?: boolean;
}

/** How it is to be written. */
export interface Manner {
  /** The context in which the phones dial. */
  readonly context: string;
  /** What Dial is given to call `{ext}` at the PBX `tag`. */
  readonly trunkOf: (tag: string) => string;
  /** What phones dial before the name of a key to take a call that rings there; absent: no lines for that. */
  readonly pickup?: string;
  /** What the key of a mailbox calls, with `{ext}` for the mailbox; absent: nothing. */
  readonly voicemail?: string;
  /** The hint of an extension here, with `{ext}` for it; absent: whatever hint it has in `context`. */
  readonly hint?: string;
  /** Every lamp but those of mailboxes has a part for presence; else those do that tell it now. */
  readonly presence: boolean;
  /** Says `include` in the context that FreePBX leaves to the admin. */
  readonly freepbx: boolean;
}

/** What comes before a number where one PBX asks another to take a call that rings there; as FreePBX has it. */
export const PICKUP_MARK = '**';
/** No answer: a phone that took nothing is told so (480). */
const NOTHING_RINGS = 19;

/** Names told in one warning. */
const MAX_TOLD = 5;

/** Is told what the admin should know about the text, a line each. */
export type Warn = (text: string) => void;

/**
 * The text, without a line break at its end. `made`: the command that prints it.
 *
 * @throws Unwritable
 */
export function dialplanText(plan: Plan, manner: Manner, made: string, warn: Warn = () => {}): string {
  const peers = plan.peers.toSorted((a, b) => compareNames(a.tag, b.tag));
  const contexts = [plan.own, ...peers.map(({ tag }) => tag)].map((tag) => `hintmesh-${tag}`);
  const plainKeys = withoutPickups(plan.plain, manner, warn);
  const plain = plainKeys.length === 0 ? [] : ['hintmesh-plain-lamps'];
  return [
    `; Hintmesh: lamps and calls EXT*tag, for the PBX whose own tag is ${plan.own}. Do not change it here: it is made by`,
    `;   ${made}`,
    '; Every line is explained in dialplan/README.md of Hintmesh.',
    '',
    ...entrance(manner),
    '[hintmesh]',
    '; Nobody dials this one. It tells the broker that the dialplan was reloaded.',
    'exten => hintmesh,hint,Custom:hintmesh',
    ...[...contexts, ...plain].map((context) => `include => ${context}`),
    '',
    '; Our own tag: the lamp is the hint that the extension has here anyway, the call is a call to it.',
    `[hintmesh-${plan.own}]`,
    ...ownLines(plan, manner, warn),
    ...peers.flatMap((peer) => [
      '',
      `; ${peer.tag}: the lamp is what the broker writes, the call goes out on the trunk to that PBX.`,
      `[hintmesh-${peer.tag}]`,
      ...peerLines(peer, plan.samples, manner, warn),
    ]),
    ...(plain.length === 0
      ? []
      : ['', '; Lamps without a tag, by plain_lamps of hintmesh.yaml.', `[${plain[0]}]`]),
    ...plainKeys.toSorted((a, b) => compareNames(a.name, b.name)).flatMap((key) => plainLines(key, manner)),
    '',
    "; For the peers' trunks and nothing else: what they call here, and the calls that they take from here.",
    '[hintmesh-from-peers]',
    ...fromPeersLines(plan, manner, warn),
  ].join('\n');
}

function entrance({ context, freepbx }: Manner): string[] {
  if (freepbx) return ['[from-internal-custom]', 'include => hintmesh', ''];
  return [
    `; Say \`include => hintmesh\` in ${context}, where the phones dial and subscribe. Never name these contexts in the`,
    '; export list of hintmesh.yaml: lamps are not exported.',
  ];
}

function ownLines({ own, keys, samples }: Plan, manner: Manner, warn: Warn): string[] {
  const { pickup, voicemail } = manner;
  const tail = `*${own}`;
  const { groups, explicit, leftOut } = settle(keys, samples, { pickup, tag: own });
  tellLeftOut(leftOut, own, pickup, warn);
  const hintOf = (
    number: string,
    first: string,
    box: string,
    { voicemailContext }: Pick<Key, 'voicemailContext'>,
  ) =>
    voicemailContext === undefined ? hintHere(number, first, manner, box) : `MWI:${box}@${voicemailContext}`;
  const call = (number: string, isMailbox: boolean) => {
    if (!isMailbox) return [` same => 1,Goto(${number},1)`];
    return voicemail === undefined ? [] : [` same => 1,Goto(${filled(voicemail, number)},1)`];
  };
  return [
    ...groups.flatMap((group) => {
      const { relation, mailbox } = group;
      const number = numberOf(relation, tail);
      const box = numberOf(relation, tail, { variable: 'STRREPLACE(EXTEN,-)' });
      const { pattern, hint } = written(group, tail);
      const lines = [`${hint}${hintOf(number, group.places[0] ?? '', box, group)}`, ...call(number, mailbox)];
      if (pickup === undefined || !rings(group)) return lines;
      const taken = numberOf(relation, tail, { skip: pickup.length });
      return [...lines, `exten => _${pickup + pattern},1,Goto(${pickup}${taken},1)`];
    }),
    ...explicit.flatMap((key) => {
      const { name, number = name, mailbox } = key;
      // A pattern of one name: what is no pattern is looked up once, at a load, when other contexts may not be there.
      const hint = `exten => _${inPattern(name + tail)},hint,${hintOf(number, number, number, key)}`;
      const lines = [hint, ...call(number, mailbox)];
      if (pickup === undefined || !ringsBy(name, mailbox)) return lines;
      return [...lines, `exten => ${pickup}${name}${tail},1,Goto(${pickup}${number},1)`];
    }),
  ];
}

function peerLines(
  { tag, keys }: PeerPlan,
  samples: readonly string[],
  manner: Manner,
  warn: Warn,
): string[] {
  const { pickup } = manner;
  const tail = `*${tag}`;
  const { groups, explicit, leftOut } = settle(keys, samples, { pickup, tag });
  tellLeftOut(leftOut, tag, pickup, warn);
  const dial = dialler(manner, tag);
  return [
    ...groups.flatMap((group) => {
      const { pattern, hint } = written(group, tail);
      const lamp = '${STRREPLACE(EXTEN,-)}';
      const lines = [
        `${hint}${lampOf(lamp, group, manner)}`,
        ...dial.onKey(numberOf(group.relation, tail), group.mailbox),
      ];
      if (pickup === undefined || !rings(group)) return lines;
      const taken = numberOf(group.relation, tail, { skip: pickup.length });
      return [...lines, `exten => _${pickup + pattern},1,${dial.to(PICKUP_MARK + taken)}`];
    }),
    ...explicit.flatMap((key) => explicitLines(key, key.name + tail, dial, manner)),
  ];
}

/** Two lines of one name would be there else. */
function withoutPickups(keys: readonly PlainKey[], { pickup }: Manner, warn: Warn): readonly PlainKey[] {
  if (pickup === undefined) return keys;
  const taken = new Set(keys.filter(hasPickup).map(({ name }) => pickup + name));
  const leftOut = keys.filter(({ name }) => taken.has(name)).map(({ name }) => name);
  tellLeftOut(leftOut, 'plain_lamps', pickup, warn);
  return keys.filter(({ name }) => !taken.has(name));
}

function hasPickup({ number, mailbox, lampOnly }: PlainKey): boolean {
  return !lampOnly && number !== undefined && ringsBy(number, mailbox);
}

function tellLeftOut(names: readonly string[], of: string, pickup: string | undefined, warn: Warn): void {
  if (names.length === 0 || pickup === undefined) return;
  const what = `of ${of} ${names.length === 1 ? 'is' : 'are'} left out`;
  warn(
    `${someOf(names)} ${what}: with the pickup prefix ${pickup}, that is how a call to another extension is taken`,
  );
}

/** The first few, and how many more. */
export function someOf(names: readonly string[]): string {
  const told = names.toSorted(compareNames).slice(0, MAX_TOLD).join(', ');
  return names.length > MAX_TOLD ? `${told} and ${names.length - MAX_TOLD} more` : told;
}

function plainLines(key: PlainKey, manner: Manner): string[] {
  if (key.lampOnly) {
    return [
      '; an open pattern of plain_lamps names it, so its key calls nothing',
      `exten => ${key.name},hint,${lampOf(key.name, key, manner)}`,
    ];
  }
  return explicitLines(key, key.name, dialler(manner, key.pbx), manner);
}

function explicitLines(key: Key, name: string, dial: Dialler, manner: Manner): string[] {
  const { number, mailbox } = key;
  const { pickup } = manner;
  const hint = `exten => ${name},hint,${lampOf(name, key, manner)}`;
  if (number === undefined)
    return ['; what this is called there cannot be told, so its key calls nothing', hint];
  const lines = [hint, ...dial.onKey(number, mailbox)];
  if (pickup === undefined || !ringsBy(number, mailbox)) return lines;
  return [...lines, `exten => ${pickup}${name},1,${dial.to(PICKUP_MARK + number)}`];
}

function fromPeersLines({ own, keys, called }: Plan, manner: Manner, warn: Warn): string[] {
  const { context, pickup, voicemail } = manner;
  const mark = pickup === undefined ? undefined : PICKUP_MARK;
  const { groups, ...sorted } = settle(keys, called, { pickup: mark, tag: own, narrow: true });
  // Else it was told with the lamps.
  if (pickup !== mark) tellLeftOut(sorted.leftOut, `${own}, as peers call them,`, mark, warn);
  const explicit = sorted.explicit.filter(({ name }) => !isSpecial(name));
  const boxed = voicemail?.includes('{ext}') ? voicemail : undefined;
  const goto = (name: string, number: string) => `exten => ${name},1,Goto(${context},${number},1)`;
  /** First by what was dialled, then by the devices that ring. */
  const take = (name: string, number: string) => [
    `exten => ${name},1,Set(HINTMESH=${hintHere(number, '', manner)})`,
    ` same => n,Pickup(${number}@${context}&${number}@PICKUPMARK)`,
    ' same => n,PickupChan(${CUT(HINTMESH,\\,,1)})',
    ` same => n,Hangup(${NOTHING_RINGS})`,
  ];
  const hasMailbox = [...groups, ...explicit].some(({ mailbox }) => mailbox);
  return [
    ...groups.flatMap((group) => {
      const { places, relation, mailbox } = group;
      if (mailbox) return boxed === undefined ? [] : [goto(`_${boxPattern(group, boxed)}`, '${EXTEN}')];
      const pattern = places.join('');
      const lines = [goto(`_${pattern}`, numberOf(relation, ''))];
      if (pickup === undefined || !rings(group)) return lines;
      const taken = numberOf(relation, '', { skip: PICKUP_MARK.length });
      return [...lines, ...take(`_${PICKUP_MARK + pattern}`, taken)];
    }),
    ...explicit.flatMap(({ name, number = name, mailbox }) => {
      if (mailbox) return boxed === undefined ? [] : [goto(filled(boxed, number), filled(boxed, number))];
      if (pickup === undefined || !ringsBy(name, mailbox)) return [goto(name, number)];
      return [goto(name, number), ...take(PICKUP_MARK + name, number)];
    }),
    ...(hasMailbox && voicemail !== undefined && boxed === undefined ? [goto(voicemail, voicemail)] : []),
  ];
}

/**
 * What lights here for a number; a code like `*761001` is known by its first place, and is no device. `device`: the
 * number without dashes, which HINT passes over by itself.
 */
function hintHere(number: string, first: string, { hint, context }: Manner, device = number): string {
  return hint === undefined || isCode(first) ? `\${HINT(${number}@${context})}` : filled(hint, device);
}

/** What the keys of these mailboxes call, which is by their numbers and not by their lamps' names. */
function boxPattern({ places, relation: { before, after, lead, trail } }: Group, voicemail: string): string {
  const middle = places.slice(before.length, places.length - after.length).join('');
  const [first = '', last = ''] = voicemail.split('{ext}');
  return inPattern(first + lead) + middle + inPattern(trail + last);
}

interface Dialler {
  to(number: string): string;
  /** The line of what a press on the key does. */
  onKey(number: string, isMailbox: boolean): string[];
}

function dialler({ trunkOf, voicemail }: Manner, tag: string): Dialler {
  const to = (number: string) => `Dial(${filled(trunkOf(tag).replaceAll('{tag}', tag), number)})`;
  return {
    to,
    onKey: (number, isMailbox) => {
      if (!isMailbox) return [` same => 1,${to(number)}`];
      return voicemail === undefined ? [] : [` same => 1,${to(filled(voicemail, number))}`];
    },
  };
}

/** A function, so that `$` in the number is not read as a sign of String.replace. */
function filled(template: string, number: string): string {
  return template.replaceAll('{ext}', () => number);
}

function lampOf(name: string, of: Pick<Key, 'presence' | 'mailbox'>, manner: Manner): string {
  const presence = of.presence || (manner.presence && !of.mailbox);
  return `Custom:${name}${presence ? `,CustomPresence:${name}` : ''}`;
}

/** The pattern of a group with the tag, and its line up to what the hint is. */
function written({ places }: Group, tail: string): { pattern: string; hint: string } {
  const pattern = places.join('') + inPattern(tail);
  return { pattern, hint: `exten => _${pattern},hint,` };
}

/**
 * The number behind a key, as dialplan: what EXTEN has from its beginning, less `skip` characters, up to `tail`, which
 * the pattern says is there.
 */
function numberOf(
  { before, after, lead, trail }: Relation,
  tail: string,
  { skip = 0, variable = 'EXTEN' } = {},
): string {
  const from = skip + before.length;
  const end = after + tail;
  const part = end === '' ? (from === 0 ? '' : `:${from}`) : `:${from}:-\${LEN(${end})}`;
  return `${lead}\${${variable}${part}}${trail}`;
}
