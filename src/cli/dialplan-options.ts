/**
 * The options of `hintmesh dialplan`: read, checked, and told again in the head of what is printed. Owns their rules:
 * what is typed here stands in a dialplan, so nothing that Asterisk takes for something else gets through.
 */
import { visible } from '../config/formats.ts';
import { isContext, isTag } from '../core/names.ts';
import type { AtBroker } from './broker-address.ts';
import { DEFAULT_CONFIG } from './config-file.ts';
import { type Manner, PICKUP_MARK } from './dialplan-text.ts';
import { Failure, USAGE } from './io.ts';

export const DEFAULT_CONTEXT = 'from-internal';
/** As in dialplan/hintmesh.conf. */
const DEFAULT_TRUNK = 'PJSIP/{ext}@trunk-{tag}';
const DEFAULT_PICKUP = PICKUP_MARK;
/** What the hand-written file has. */
export const OFFLINE_LENGTHS = '3-6';
/** Digits of an extension; no number plan has longer ones (E.164 has 15). */
const MAX_LENGTH = 15;

export interface DialplanOptions extends AtBroker {
  readonly offline?: boolean;
  /** Digits: `4`, `3-6`, `3,5-6`. */
  readonly lengths?: string;
  readonly context?: string;
  /** Templates, `TAG=TEMPLATE` for one peer. */
  readonly trunk?: readonly string[];
  /** false: --no-pickup. */
  readonly pickup?: string | false;
  readonly voicemail?: string;
  readonly freepbx?: boolean;
  /** The hint of an extension here, a template. */
  readonly hint?: string;
  /** Every lamp tells presence, also where nobody has said any yet. */
  readonly presence?: boolean;
  /** A file to hold against what would be printed. */
  readonly check?: string;
}

export function mannerOf(options: DialplanOptions): Manner {
  const { context = DEFAULT_CONTEXT, pickup = DEFAULT_PICKUP, voicemail, freepbx = false } = options;
  if (!isContext(context)) throw wrong('--context', context, 'is no context of a dialplan');
  if (pickup !== false && !/^[\d*#]{1,6}$/.test(pickup)) {
    throw wrong('--pickup', pickup, 'is no prefix; write 1 to 6 of 0-9 * #');
  }
  if (voicemail !== undefined && !/^[\d*#]{0,10}(\{ext\})?[\d*#]{0,10}$/.test(voicemail || ' ')) {
    throw wrong(
      '--voicemail',
      voicemail,
      'is no number; write one like *97, or *98{ext} with the mailbox in it',
    );
  }
  if (options.hint !== undefined && !isTemplate(options.hint)) {
    throw wrong('--hint', options.hint, 'is no hint; write one with {ext} in it, like PJSIP/{ext}');
  }
  return {
    context,
    ...(options.hint !== undefined && { hint: options.hint }),
    trunkOf: trunks(options.trunk ?? []),
    ...(pickup !== false && { pickup }),
    ...(voicemail !== undefined && { voicemail }),
    freepbx,
    presence: options.presence ?? false,
  };
}

/** Names that stand for those of these lengths: digits, and a star, two digits and as many more. */
export function samplesOf(lengths: string | undefined): string[] {
  if (lengths === undefined) return [];
  const found = new Set<number>();
  for (const part of lengths.split(',')) {
    const [, from = '', to = from] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === '' || first < 1 || last < first || last > MAX_LENGTH) {
      throw wrong(
        '--lengths',
        lengths,
        `are no lengths; write numbers of digits from 1 to ${MAX_LENGTH}, like 3-6 or 3,5`,
      );
    }
    for (let length = first; length <= last; length++) found.add(length);
  }
  const digits = [...found].sort((a, b) => a - b).map((length) => '0'.repeat(length));
  return [...digits, ...digits.map((name) => `*00${name}`)];
}

/** Every tag that a --trunk names must be a peer. */
export function checkTrunks(options: DialplanOptions, tags: readonly string[]): void {
  for (const text of options.trunk ?? []) {
    const { tag } = splitTrunk(text);
    if (tag === undefined || tags.includes(tag)) continue;
    throw wrong(
      '--trunk',
      text,
      `is for ${tag}, which is no peer; the peers are ${tags.join(', ') || 'none'}`,
    );
  }
}

function trunks(texts: readonly string[]): (tag: string) => string {
  const byTag = new Map<string | undefined, string>();
  for (const text of texts) {
    const { tag, template } = splitTrunk(text);
    if (byTag.has(tag)) throw wrong('--trunk', text, `is the second one for ${tag ?? 'all peers'}`);
    byTag.set(tag, template);
  }
  return (tag) => byTag.get(tag) ?? byTag.get(undefined) ?? DEFAULT_TRUNK;
}

/** With `{ext}`, and nothing else in such brackets but what is in `more`. */
function isTemplate(text: string, more: readonly string[] = []): boolean {
  const rest = ['{ext}', ...more].reduce((left, name) => left.replaceAll(name, ''), text);
  return text.includes('{ext}') && TEMPLATE.test(text) && !/[{}]/.test(rest);
}

/** What goes into `Dial(…)` and hints: no comment, no variable, no end of the brackets. */
const TEMPLATE = /^[A-Za-z0-9_.:@/,&^{}*#+=!~?-]+$/;

function splitTrunk(text: string): { tag?: string; template: string } {
  const [, tag, rest] = /^([a-z0-9.]+)=(.*)$/s.exec(text) ?? [];
  const template = rest ?? text;
  if (tag !== undefined && !isTag(tag)) throw wrong('--trunk', text, `begins with ${tag}=, which is no tag`);
  if (!isTemplate(template, ['{tag}'])) {
    const like = `write what Dial is to be given, with {ext} and perhaps {tag} in it, like ${DEFAULT_TRUNK}`;
    throw wrong('--trunk', text, `is no way to call; ${like}`);
  }
  return { ...(tag !== undefined && { tag }), template };
}

/** The command that prints the same again. */
export function commandOf(options: DialplanOptions): string {
  const {
    config,
    url,
    offline,
    lengths,
    context,
    trunk = [],
    pickup,
    voicemail,
    hint,
    presence,
    freepbx,
  } = options;
  const words: string[] = ['hintmesh', 'dialplan'];
  const add = (option: string, value: string | undefined, usual?: string) => {
    if (value !== undefined && value !== usual) words.push(option, quoted(value));
  };
  add('-c', config, DEFAULT_CONFIG);
  add('--url', url);
  if (offline) words.push('--offline');
  add('--lengths', lengths);
  add('--context', context, DEFAULT_CONTEXT);
  for (const text of trunk.toSorted()) add('--trunk', text, DEFAULT_TRUNK);
  if (pickup === false) words.push('--no-pickup');
  else add('--pickup', pickup, DEFAULT_PICKUP);
  add('--voicemail', voicemail);
  add('--hint', hint);
  if (presence) words.push('--presence');
  if (freepbx) words.push('--freepbx');
  return words.join(' ');
}

/** For a shell, and on one line. */
function quoted(text: string): string {
  return /^[\w./:@,=+-]+$/.test(text) ? text : `'${visible(text).replaceAll("'", "'\\''")}'`;
}

function wrong(option: string, value: string, why: string): Failure {
  return new Failure(`${option} ${visible(JSON.stringify(value))} ${why}`, USAGE);
}
