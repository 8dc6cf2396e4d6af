/**
 * Whether two lines of the config give names that differ in capitals only. Asterisk keeps what is said of both apart, but up
 * to 22.10 finds the hints of a presence without regard to case, and shows them what the event says (main/pbx.c,
 * `hintdevice_cmp_multiple`, `presence_state_notify_callbacks`). What regular expressions name is left out of account.
 */
import { type NamingLine, shapesOfNames } from './naming.ts';
import { type Shape, shapesOverlap } from './pattern.ts';
import { literalOf } from './shapes.ts';

/** In small letters; those with a letter in them. */
interface Small {
  readonly texts: ReadonlySet<string>;
  readonly wide: readonly Shape[];
}

/** A name of both, in small letters. Only for lines that have no name in common. */
export function sameButCapitals(a: NamingLine, b: NamingLine): string | undefined {
  const [left, right] = [smallOf(a), smallOf(b)];
  for (const text of left.texts) if (right.texts.has(text)) return text;
  return met(left.wide, right) ?? met(right.wide, left);
}

function met(wide: readonly Shape[], other: Small): string | undefined {
  const others = [...[...other.texts].map((text) => ({ places: [...text], open: false })), ...other.wide];
  for (const shape of wide) {
    for (const each of others) {
      const name = shapesOverlap(shape, each);
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

/** Worked out once: each line is held against many. */
const known = new WeakMap<NamingLine, Small>();

function smallOf(line: NamingLine): Small {
  const small = known.get(line) ?? inSmall(shapesOfNames(line) ?? []);
  known.set(line, small);
  return small;
}

function inSmall(shapes: readonly Shape[]): Small {
  const texts = new Set<string>();
  const wide: Shape[] = [];
  for (const { places, open } of shapes) {
    if (!open && !places.some((allowed) => /[A-Za-z]/.test(allowed))) continue;
    const shape = { places: places.map((allowed) => allowed.toLowerCase()), open };
    const text = literalOf(shape);
    if (text === undefined) wide.push(shape);
    else texts.add(text);
  }
  return { texts, wide };
}
