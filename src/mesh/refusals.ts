/**
 * Makes sure that whoever knocks every two seconds does not fill the log: each (who, reason) is told once with
 * its text, then counted, and told again with the count after REFUSAL_REPORT_EVERY_MS; a mistake of a config also
 * when the text is another one. Owns that table and its bounds. Decides nothing about who
 * is refused.
 */
import type { MeshNote, NoteReason } from './types.ts';

/** How soon the same thing is told again. */
export const REFUSAL_REPORT_EVERY_MS = 10 * 60 * 1000;
/** (who, reason) pairs remembered; past it strangers share one line a reason. */
export const MAX_REFUSALS = 256;
/** What an admin mends in a config: whoever mended one of these mistakes must see the next. */
const MENDED: ReadonlySet<NoteReason> = new Set([
  'bad-certificate',
  'bad-handshake',
  'refused-by-peer',
  'unknown-key',
  'unreachable',
  'wrong-key',
]);
/** Texts of one pair that are told before it is only counted: part of a text may be chosen by who is refused. */
export const MAX_TEXTS = 4;
/** The `who` of that line. */
export const MANY_OTHERS = 'many others';

interface Told {
  readonly who: string;
  readonly texts: Set<string>;
  at: number;
  /** Times it happened since it was told. */
  untold: number;
}

export class Refusals {
  readonly #note: (note: MeshNote) => void;
  readonly #now: () => number;
  readonly #told = new Map<string, Told>();
  readonly #counts: Partial<Record<NoteReason, number>> = {};

  /** `now`: milliseconds of a monotonic clock. */
  constructor(note: (note: MeshNote) => void, now: () => number = () => performance.now()) {
    this.#note = note;
    this.#now = now;
  }

  /** All that ever happened, by reason. */
  get counts(): Readonly<Partial<Record<NoteReason, number>>> {
    return { ...this.#counts };
  }

  add(note: Omit<MeshNote, 'count'>, times = 1): void {
    this.#counts[note.reason] = (this.#counts[note.reason] ?? 0) + times;
    const now = this.#now();
    const who = this.#slot(note.who, note.reason, now);
    const key = keyOf(who, note.reason);
    const told = this.#told.get(key);
    if (told === undefined) {
      this.#told.set(key, { who, texts: new Set([note.text]), at: now, untold: 0 });
      this.#note({ ...note, who, count: times });
      return;
    }
    told.untold += times;
    const isOver = now - told.at >= REFUSAL_REPORT_EVERY_MS;
    if (isOver) told.texts.clear();
    const isNews =
      MENDED.has(note.reason) &&
      who === note.who &&
      !told.texts.has(note.text) &&
      told.texts.size < MAX_TEXTS;
    if (!isOver && !isNews) return;
    told.texts.add(note.text);
    this.#note({ ...note, who, count: told.untold });
    told.at = now;
    told.untold = 0;
  }

  /** It works again: the next failure of `who` is news. */
  forget(who: string): void {
    for (const [key, told] of this.#told) if (told.who === who) this.#told.delete(key);
  }

  /** `who` itself, or the shared line when the table is full. */
  #slot(who: string, reason: NoteReason, now: number): string {
    if (this.#told.has(keyOf(who, reason)) || this.#told.size < MAX_REFUSALS) return who;
    for (const [key, told] of this.#told) {
      if (now - told.at >= REFUSAL_REPORT_EVERY_MS) this.#told.delete(key);
    }
    return this.#told.size < MAX_REFUSALS ? who : MANY_OTHERS;
  }
}

function keyOf(who: string, reason: NoteReason): string {
  return `${reason} ${who}`;
}
