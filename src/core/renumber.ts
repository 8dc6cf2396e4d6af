/**
 * What an extension is called elsewhere: `7{ext}`, `{ext:1}`, `vm{ext}`. Owns the syntax of such a template and what
 * it makes of an extension. The substring is Asterisk's: `{ext:1}` is `${EXTEN:1}`.
 */
import { isExtension, MAX_LAMP_NAME } from './names.ts';

/**
 * `before` + extension[from, from + length) + `after`; negative places count from the end, as in Asterisk. Plain, so
 * that rules compare as JSON.
 */
export interface Renumber {
  readonly before: string;
  readonly from: number;
  /** Absent: to the end. */
  readonly length?: number;
  readonly after: string;
}

const PLACEHOLDER = /\{[^{}]*\}/g;
const EXT = /^\{ext(?::(-?\d{1,2})(?::(-?\d{1,2}))?)?\}$/;
const AROUND = /^[A-Za-z0-9*+#._]*$/;
const FORMS = '{ext}, {ext:1}, {ext:-3}, {ext:0:4} or {ext:0:-1}, as ${EXTEN:…} has it';

/** The template, or why it is none, as the end of a sentence. */
export function parseRenumber(text: string): Renumber | string {
  const [placeholder, ...more] = text.match(PLACEHOLDER) ?? [];
  if (placeholder === undefined)
    return `has no {ext}, which stands for the extension; write e.g. 7{ext} or {ext:1}`;
  if (more.length > 0)
    return 'has more than one {…}; one stands for the extension, write plain characters around it';
  const [, from, length] = EXT.exec(placeholder) ?? [];
  if (!EXT.test(placeholder)) return `has "${placeholder}", which is not understood; write ${FORMS}`;
  const at = text.indexOf(placeholder);
  const before = text.slice(0, at);
  const after = text.slice(at + placeholder.length);
  if (!AROUND.test(before + after)) {
    return 'has characters around {ext} that no extension has; allowed are A-Z a-z 0-9 * + # . and _';
  }
  if (before.length + after.length >= MAX_LAMP_NAME) {
    return `is too long; a lamp's name EXT*tag has at most ${MAX_LAMP_NAME} characters`;
  }
  return {
    before,
    // Not -0.
    from: Number(from ?? 0) || 0,
    ...(length !== undefined && { length: Number(length) || 0 }),
    after,
  };
}

/** The template as it is written in a config. */
export function formatRenumber({ before, from, length, after }: Renumber): string {
  const slice = length !== undefined ? `:${from}:${length}` : from !== 0 ? `:${from}` : '';
  return `${before}{ext${slice}}${after}`;
}

/** The part of an extension of so many characters that goes into its name: from the one place up to the other. */
export function sliceOf(
  { from, length }: Renumber,
  characters: number,
): readonly [start: number, end: number] {
  const start = Math.min(characters, from < 0 ? Math.max(0, characters + from) : from);
  const end = length === undefined ? characters : length < 0 ? characters + length : start + length;
  return [start, Math.max(start, Math.min(characters, end))];
}

/** The name, or `undefined` when what comes out is no extension. Without a template an extension keeps its name. */
export function renumber(as: Renumber | undefined, extension: string): string | undefined {
  if (as === undefined) return extension;
  const name = as.before + extension.slice(...sliceOf(as, extension.length)) + as.after;
  return isExtension(name) ? name : undefined;
}
