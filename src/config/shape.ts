/**
 * Holds the YAML tree against the schema: which keys there are, and whether each is a section, a list or a
 * value. Owns unknown keys and wrong shapes; gives plain objects of text on. Whether a value is right is
 * formats.ts's to say. Only known keys come through, so nothing strange reaches convict.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { closest } from './closest.ts';
import type { Findings } from './findings.ts';
import { isLeaf, isListOf, type Leaf, type ListOf, MAX_LIST, type Section } from './schema.ts';

/** What the file gives: text for a value, texts for a `many`, and so on down. */
export type Given = string | readonly string[] | readonly GivenSection[] | GivenSection;
export interface GivenSection {
  readonly [key: string]: Given;
}

/** The section as given; what is wrong is left out and told to `findings`, where each value is told too. */
export function readSection(map: YAMLMap, schema: Section, findings: Findings, path = ''): GivenSection {
  const given: Record<string, Given> = {};
  const seen = new Set<string>();
  for (const pair of map.items) {
    const key = keyOf(pair, findings);
    if (key === undefined) continue;
    const node = Object.hasOwn(schema, key.text) ? schema[key.text] : undefined;
    const at = path === '' ? key.text : `${path}.${key.text}`;
    if (node === undefined) {
      // `{ secret: a,hunter2: b }`: a comma cuts a value in two, and what follows it looks like a key.
      const mayBePiece = pair.value === null || (map.flow === true && !isQuoted(pair.key));
      const shown = !mayBePiece && SHOWN_KEY.test(key.text);
      refuseKey(key, { at, path, shown }, schema, findings);
      continue;
    }
    // The parser has told of a key given twice; the first counts.
    if (seen.has(key.text)) continue;
    seen.add(key.text);
    const value = isNode(pair.value) ? pair.value : undefined;
    findings.place(at, value === undefined || isEmpty(value) ? key.offset : offsetOf(value));
    const read = isAlias(value) ? refuseAlias(at, findings) : readNode(value, node, findings, at);
    if (read !== undefined) given[key.text] = read;
  }
  return given;
}

function readNode(
  value: Node | undefined,
  schema: Section[string],
  findings: Findings,
  at: string,
): Given | undefined {
  if (isLeaf(schema)) {
    if (schema.notInFile !== undefined) {
      findings.mistake(at, `${at} is refused here: ${schema.notInFile}`);
      return undefined;
    }
    return schema.many ? readTexts(value, schema, findings, at) : readText(value, schema, findings, at);
  }
  // A section or list whose entries are all commented out is an empty one.
  if (value === undefined || isEmpty(value)) return isListOf(schema) ? [] : {};
  if (isListOf(schema)) return readList(value, schema, findings, at);
  if (isMap(value)) return readSection(value, schema, findings, at);
  findings.mistake(at, `${at} has keys of its own: ${Object.keys(schema).join(', ')}`);
  return undefined;
}

function readList(
  value: Node,
  { each, most }: ListOf,
  findings: Findings,
  at: string,
): GivenSection[] | undefined {
  if (!isSeq(value)) {
    findings.mistake(at, `${at} is a list; begin each entry with "- "`);
    return undefined;
  }
  if (value.items.length > most) {
    findings.mistake(at, `${at} has ${value.items.length} entries; at most ${most} are allowed`);
    return undefined;
  }
  return value.items.map((item, index) => {
    const path = `${at}[${index}]`;
    if (isNode(item)) findings.place(path, offsetOf(item));
    if (isMap(item)) return readSection(item, each, findings, path);
    if (isAlias(item)) refuseAlias(path, findings);
    else findings.mistake(path, `${path} has keys of its own: ${Object.keys(each).join(', ')}`);
    return {};
  });
}

function readText(
  value: Node | undefined,
  { doc }: Leaf<unknown>,
  findings: Findings,
  at: string,
): string | undefined {
  if (isScalar(value) && typeof value.value === 'string' && value.value !== '') return value.value;
  const empty = value === undefined || (isScalar(value) && value.value === '');
  findings.mistake(
    at,
    empty ? `${at} is empty; give it a value or leave it out` : `${at} is a single value: ${doc}`,
  );
  return undefined;
}

/** One text, or a list of texts: each has a place of its own. */
function readTexts(
  value: Node | undefined,
  schema: Leaf<unknown>,
  findings: Findings,
  at: string,
): string[] | undefined {
  if (!isSeq(value)) {
    const text = readText(value, schema, findings, at);
    if (text === undefined) return undefined;
    if (value !== undefined) findings.place(`${at}[0]`, offsetOf(value));
    return [text];
  }
  if (value.items.length === 0 || value.items.length > MAX_LIST) {
    findings.mistake(at, `${at} has ${value.items.length} entries; 1 to ${MAX_LIST} are allowed`);
    return undefined;
  }
  const texts = value.items.map((item, index) => {
    const node = isNode(item) ? item : undefined;
    if (node) findings.place(`${at}[${index}]`, offsetOf(node));
    if (isAlias(node)) return refuseAlias(`${at}[${index}]`, findings);
    return readText(node, schema, findings, `${at}[${index}]`);
  });
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** Unknown keys of another form are not repeated: `secret:hunter2`, without a blank, is a key to YAML. */
const SHOWN_KEY = /^[A-Za-z_][A-Za-z0-9_.]{0,30}$/;

/** Keys that early configs had, and what became of them. */
const MOVED: Readonly<Record<string, string>> = {
  'listen.websocket': 'its keys stand in listen itself: listen.enabled, listen.host, listen.port',
};

interface UnknownKey {
  /** The key with its section before it. */
  readonly at: string;
  /** The section, '' at the top. */
  readonly path: string;
  /** Whether its text may be repeated. */
  readonly shown: boolean;
}

function refuseKey(
  { text, offset }: Key,
  { at, path, shown }: UnknownKey,
  schema: Section,
  findings: Findings,
): void {
  const moved = Object.hasOwn(MOVED, at) ? MOVED[at] : undefined;
  if (moved !== undefined) {
    findings.spoil(at);
    findings.mistakeAt(offset, `${at} is not a key any more; ${moved}`);
    return;
  }
  const known = Object.entries(schema)
    .filter(([, node]) => !isLeaf(node) || node.notInFile === undefined)
    .map(([key]) => key);
  const meant = closest(text, known);
  if (meant !== undefined) findings.spoil(at.slice(0, at.length - text.length) + meant);
  const hint = meant === undefined ? `allowed here: ${known.join(', ')}` : `did you mean "${meant}"?`;
  const inside = path === '' ? 'what stands here' : `what stands here in ${path}`;
  const hidden = `${inside} is not a key (not shown; a key and its value are written "key: value", values with , : or blanks in quotes)`;
  findings.mistakeAt(offset, `${shown ? `${at} is not a key` : hidden}; ${hint}`);
}

/** Aliases would let a small file stand for a huge one, and give one value two places: none are taken. */
function refuseAlias(at: string, findings: Findings): undefined {
  findings.mistake(at, `${at} is an alias (*…), which is not taken here; write the value out`);
}

interface Key {
  readonly text: string;
  readonly offset: number;
}

function keyOf({ key }: Pair, findings: Findings): Key | undefined {
  if (isScalar(key) && typeof key.value === 'string') return { text: key.value, offset: offsetOf(key) };
  if (isNode(key)) findings.mistakeAt(offsetOf(key), 'a key is one plain word');
  return undefined;
}

function isQuoted(key: unknown): boolean {
  return isScalar(key) && (key.type === 'QUOTE_DOUBLE' || key.type === 'QUOTE_SINGLE');
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function isEmpty(value: Node): boolean {
  return isScalar(value) && value.value === '';
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
