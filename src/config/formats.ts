/**
 * What a single value may look like, as convict formats. Owns how text becomes a boolean, a number or a time,
 * and the words that refuse it. convict's own formats take "no" for true and "5038x" for 5038, so none is used.
 */
import convict from 'convict';
import { whyNotTag } from '../core/names.ts';

/** The formats by name; schema.ts says which value has which. */
export type FormatName =
  | 'flag'
  | 'whole'
  | 'rate'
  | 'duration'
  | 'text'
  | 'choice'
  | 'tag'
  | 'host'
  | 'texts';

/** What a format may be told beside the value. */
export interface Limits {
  readonly doc: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Why the limit is where it is. */
  readonly because?: string;
  /** May be left out: then it is ''. */
  readonly optional?: boolean;
}

/** Characters of a value that a message repeats at most. */
const MAX_SHOWN = 80;
const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** A DNS name has at most 253 characters (RFC 1035); the pattern takes quadratic time on longer text. */
const MAX_HOST = 253;
const HOST = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;

interface Format {
  /** Text as the value it stands for, or unchanged when it stands for none. */
  readonly read?: (text: string) => unknown;
  /** Why the value is refused, as the end of a sentence. */
  readonly whyNot: (value: unknown, limits: Limits) => string | undefined;
}

const FORMATS: Record<FormatName, Format> = {
  flag: {
    read: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    whyNot: (value) =>
      typeof value === 'boolean' ? undefined : `is ${show(value)}; write true or false, nothing else`,
  },
  whole: { read: readWhole, whyNot: whyNotWhole },
  rate: {
    read: (text) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : readWhole(text)),
    whyNot: (value, limits) => {
      if (value === Number.POSITIVE_INFINITY) return undefined;
      const why = whyNotWhole(value, limits);
      return why === undefined ? undefined : `${why}, or "unlimited"`;
    },
  },
  duration: {
    read: readDuration,
    whyNot: (value, { min = 0, max = Number.POSITIVE_INFINITY }) =>
      typeof value === 'number' && value >= min && value <= max
        ? undefined
        : `is ${typeof value === 'number' ? showDuration(value) : show(value)}; a time has a unit, like 200ms, 5s or 10m, here from ${showDuration(min)} to ${showDuration(max)}`,
  },
  text: {
    whyNot: (value, { doc, optional }) => {
      if (value === '') return optional ? undefined : `is empty; it is ${doc}`;
      if (typeof value !== 'string') return `is not text; it is ${doc}`;
      return /\p{Cc}/u.test(value) ? `has a line break or control character; it is ${doc}` : undefined;
    },
  },
  choice: {
    whyNot: (value, { choices = [], optional }) => {
      if (optional && value === '') return undefined;
      return choices.includes(String(value))
        ? undefined
        : `is ${show(value)}; allowed: ${choices.join(', ')}`;
    },
  },
  tag: {
    whyNot: (value) => {
      const why = whyNotTag(String(value));
      return why === undefined ? undefined : `${show(value)} ${why}`;
    },
  },
  host: {
    whyNot: (value) =>
      isHost(String(value)) ? undefined : `is ${show(value)}; write a host name or an IP address, no port`,
  },
  texts: { whyNot: () => undefined },
};

/** Teaches convict these formats, under names of their own. Its registry is global: once is enough. */
export function registerFormats(): void {
  for (const [name, { read, whyNot }] of Object.entries(FORMATS)) {
    convict.addFormat({
      name: formatName(name),
      // convict hands over the schema's leaf, which carries the limits.
      validate: (value: unknown, leaf) => {
        const limits = leaf as unknown as Limits;
        const why = value === null ? `is missing; it is ${limits.doc}` : whyNot(value, limits);
        const because = limits.because === undefined ? '' : ` (${limits.because})`;
        if (why !== undefined) throw new Error(why + because);
      },
      ...(read ? { coerce: (value: unknown) => (typeof value === 'string' ? read(value) : value) } : {}),
    });
  }
}

export function formatName(name: string): string {
  return `hintmesh-${name}`;
}

/** A value as a message may repeat it: one short line, and never anything that looks like a key. */
export function show(value: unknown): string {
  const text = String(value);
  const tooMuch = text.length > MAX_SHOWN || text.includes('\n') || text.includes('-----BEGIN');
  return tooMuch ? '(not shown)' : visible(JSON.stringify(text));
}

/** What a terminal would act on or hide (control characters, direction marks) as escapes. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

function isHost(text: string): boolean {
  return text.length <= MAX_HOST && HOST.test(text);
}

export function showDuration(ms: number): string {
  const [unit = 'ms', length = 1] =
    Object.entries(UNITS)
      .reverse()
      .find(([, length]) => ms >= length && ms % length === 0) ?? [];
  return `${ms / length}${unit}`;
}

function readWhole(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function whyNotWhole(value: unknown, { min = 0, max = Number.MAX_SAFE_INTEGER }: Limits): string | undefined {
  const whole = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  return whole ? undefined : `is ${show(value)}; write a whole number from ${min} to ${max}`;
}

function readDuration(text: string): unknown {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const length = UNITS[unit ?? ''];
  return number === undefined || length === undefined ? text : Math.round(Number(number) * length);
}
