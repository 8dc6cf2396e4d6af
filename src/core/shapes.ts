/**
 * Sets of extensions as unions of shapes. Owns how a range of numbers becomes such a union, and what is left of one
 * when other shapes are taken away: both exact. Knows no items and no config.
 */
import { ALPHABET, FIRST, MAX_EXTENSION, type Shape, shapesOverlap } from './pattern.ts';

/** Shapes that one match may come to: more are not looked through while a config is read. */
export const MAX_SHAPES = 10_000;
/** Pairs of shapes that are compared for the exclusions of one match: a fraction of a second. */
const MAX_STEPS = 1_000_000;

/** The one extension that the shape is, if it is one. */
export function literalOf({ places, open }: Shape): string | undefined {
  return !open && places.every((allowed) => allowed.length === 1) ? places.join('') : undefined;
}

/** An extension as a shape. */
export function shapeOfText(text: string): Shape {
  return { places: [...text], open: false };
}

/** The same extensions, the first place holding only what may begin one; `undefined`: there are none. */
export function asExtensions({ places, open }: Shape): Shape | undefined {
  const first = common(places[0] ?? (open ? FIRST : ''), FIRST);
  const fits = first !== '' && places.length <= MAX_EXTENSION;
  return fits ? { places: [first, ...places.slice(1)], open } : undefined;
}

/** The numbers of a range: those that share its first digits with an end, digit by digit, and those between. */
export function shapesOfRange(first: string, last: string): Shape[] {
  const digits = first.length;
  let split = 0;
  while (split < digits && first[split] === last[split]) split++;
  if (split === digits) return [shapeOfText(first)];
  const shapes: Shape[] = [];
  const add = (kept: string, from: string, to: string) => {
    if (from > to) return;
    const free = Array.from({ length: digits - kept.length - 1 }, () => span('0', '9'));
    shapes.push({ places: [...kept, span(from, to), ...free], open: false });
  };
  // An end whose further digits are all the outermost ones is one with what lies between.
  const lowest = tailStart(first, '0', split);
  const highest = tailStart(last, '9', split);
  for (let at = digits - 1; at > split; at--) {
    if (at < lowest) add(first.slice(0, at), at === lowest - 1 ? digit(first, at) : next(first, at), '9');
  }
  add(
    first.slice(0, split),
    lowest === split + 1 ? digit(first, split) : next(first, split),
    highest === split + 1 ? digit(last, split) : previous(last, split),
  );
  for (let at = split + 1; at < digits; at++) {
    if (at < highest) add(last.slice(0, at), '0', at === highest - 1 ? digit(last, at) : previous(last, at));
  }
  return shapes;
}

/** What may still be spent on a match. */
interface Budget {
  shapes: number;
  steps: number;
}

export function newBudget(): Budget {
  return { shapes: MAX_SHAPES, steps: MAX_STEPS };
}

/** What a shape has and others have not; `undefined`: it costs more than there is. */
export function without(shape: Shape, others: readonly Shape[], budget: Budget): Shape[] | undefined {
  const left: Shape[] = [];
  // Each piece with what may be taken from it: of many exclusions few concern a piece.
  const pieces = [{ piece: shape, taken: others }];
  for (let next = pieces.pop(); next !== undefined; next = pieces.pop()) {
    const { piece, taken } = next;
    budget.steps -= taken.length;
    if (budget.steps < 0) return undefined;
    const [first, ...rest] = taken.filter((other) => shapesOverlap(piece, other) !== undefined);
    if (first === undefined) {
      left.push(piece);
      budget.shapes -= 1;
      if (budget.shapes < 0) return undefined;
    } else pieces.push(...minus(piece, first).map((each) => ({ piece: each, taken: rest })));
  }
  return left;
}

/** Of two that overlap. Place by place: what differs there first. Then what differs in length alone. */
function minus(shape: Shape, other: Shape): Shape[] {
  const least = shape.places.length;
  const left: Shape[] = [];
  // Too short for the other one.
  for (let length = Math.max(1, least); shape.open && length < other.places.length; length++) {
    left.push({ places: padded(shape.places, length), open: false });
  }
  const same: string[] = [];
  const places = padded(shape.places, Math.max(least, other.places.length));
  for (const [at, allowed] of places.entries()) {
    const theirs = other.places[at] ?? ALPHABET;
    const differing = [...allowed].filter((character) => !theirs.includes(character)).join('');
    if (differing !== '') {
      left.push({ places: [...same, differing, ...places.slice(at + 1)], open: shape.open });
    }
    const both = common(allowed, theirs);
    if (both === '') return left;
    same.push(both);
  }
  // Too long for it.
  if (shape.open && !other.open && same.length < MAX_EXTENSION) {
    left.push({ places: [...same, ALPHABET], open: true });
  }
  return left;
}

function padded(places: readonly string[], length: number): string[] {
  return Array.from({ length }, (_, at) => places[at] ?? (at === 0 ? FIRST : ALPHABET));
}

function common(a: string, b: string): string {
  return a === b ? a : [...a].filter((character) => b.includes(character)).join('');
}

/** Where the digits begin, at `split + 1` at the earliest, that are this one up to the end. */
function tailStart(number: string, outermost: string, split: number): number {
  let at = number.length;
  while (at > split + 1 && number[at - 1] === outermost) at--;
  return at;
}

const digit = (number: string, at: number) => number.charAt(at);
const next = (number: string, at: number) => String.fromCharCode(number.charCodeAt(at) + 1);
const previous = (number: string, at: number) => String.fromCharCode(number.charCodeAt(at) - 1);

/** The digits from one to another, both included. */
function span(from: string, to: string): string {
  return '0123456789'.slice(Number(from), Number(to) + 1);
}
