/**
 * From text to typed values: defaults, the file, then the environment, each value held against its format.
 * Owns the use of convict, and keeps its traps shut: no argv, no environment for list entries, no unknown
 * keys (shape.ts), every value `sensitive` so that no message repeats one by itself.
 */
import convict from 'convict';
import { isScalar, YAMLMap } from 'yaml';
import { closest } from './closest.ts';
import { type Findings, variableOf } from './findings.ts';
import { registerFormats } from './formats.ts';
import {
  exportSchema,
  importSchema,
  isLeaf,
  isListOf,
  leavesOf,
  peerSchema,
  plainSchema,
  rootSchema,
  type Section,
  scalarSchema,
} from './schema.ts';
import { type GivenSection, readSection } from './shape.ts';

/** The values of a schema: a leaf's own type, else the same one level down. */
type ValuesOf<S> = {
  -readonly [K in keyof S]: S[K] extends { readonly default: infer T } ? NonNullable<T> : ValuesOf<S[K]>;
};

export type RootValues = ValuesOf<typeof scalarSchema>;
export type ExportValues = ValuesOf<typeof exportSchema>;
export type ImportValues = ValuesOf<typeof importSchema>;
export type PlainValues = ValuesOf<typeof plainSchema>;
export type PeerValues = ValuesOf<typeof peerSchema>;

export interface Values {
  readonly root: RootValues;
  readonly exports: readonly ExportValues[];
  readonly imports: readonly ImportValues[];
  readonly plainLamps: readonly PlainValues[];
  readonly peers: readonly PeerValues[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

registerFormats();

/** Every value there is; one that `findings` holds to be wrong may be of any type, and must not be used. */
export function readValues(top: YAMLMap, env: Environment, findings: Findings): Values {
  const given = readSection(top, rootSchema, findings);
  findings.overriddenBy(setIn(env));
  const { export: exports, import: imports, plain_lamps, peers, ...scalars } = given;
  const each = <T extends object>(list: GivenSection[string] | undefined, schema: Section, name: string) =>
    sections(list ?? []).map((entry, index) => apply<T>(schema, entry, {}, findings, `${name}[${index}].`));
  return {
    root: apply<RootValues>(withVariables(scalarSchema), scalars, env, findings, ''),
    exports: each<ExportValues>(exports, exportSchema, 'export'),
    imports: each<ImportValues>(imports, importSchema, 'import'),
    plainLamps: each<PlainValues>(plain_lamps, plainSchema, 'plain_lamps'),
    peers: each<PeerValues>(peers, peerSchema, 'peers'),
  };
}

/** The values of some scalar keys; what else the file holds is not looked at, be it right or wrong. */
export function readSome<S extends Section>(
  top: YAMLMap,
  schema: S,
  env: Environment,
  findings: Findings,
): ValuesOf<S> {
  const part = new YAMLMap();
  part.items = top.items.filter(({ key }) => isScalar(key) && Object.hasOwn(schema, String(key.value)));
  const given = readSection(part, schema, findings);
  findings.overriddenBy(setIn(env));
  return apply(withVariables(schema), given, env, findings, '');
}

/** The variables that stand for a value of the file. */
export function knownVariables(): string[] {
  return [...leavesOf(scalarSchema)].map(([path]) => variableOf(path));
}

/**
 * A `HINTMESH_…` that sets nothing is a slip worth telling, but no mistake: container platforms make such
 * variables by themselves for a service of this name.
 */
export function warnOfStrangeVariables(env: Environment, findings: Findings): void {
  const known = new Set(knownVariables());
  for (const name of Object.keys(env)) {
    if (!name.startsWith('HINTMESH_') || known.has(name) || env[name] === undefined) continue;
    const meant = closest(name, known);
    const hint = meant === undefined ? 'it is ignored' : `it is ignored; did you mean ${meant}?`;
    findings.strangeVariable(name, `no setting has this variable; ${hint}`);
  }
}

function setIn(env: Environment): string[] {
  return Object.keys(env).filter((name) => env[name] !== undefined);
}

function apply<T extends object>(
  schema: Section,
  given: GivenSection,
  env: Environment,
  findings: Findings,
  prefix: string,
): T {
  const config = convict<T>(schema as unknown as convict.Schema<T>, { env: { ...env }, args: [] });
  config.load(given);
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    // One line a value, `path: words`: formats.ts words them, without line breaks.
    for (const line of (error as Error).message.split('\n')) {
      const [, path = '', words = line] = /^([\w.]+): (.*)$/.exec(line) ?? [];
      const at = prefix + path;
      // What is wrong already in shape has fallen back to its default here: once is enough.
      const entryIsWrong = prefix !== '' && findings.bad(prefix.slice(0, -1));
      if (findings.fine(at) && !entryIsWrong) findings.mistake(at, `${at} ${words}`);
    }
  }
  return config.getProperties();
}

function withVariables(section: Section, path = ''): Section {
  return Object.fromEntries(
    Object.entries(section).map(([key, node]) => {
      if (isListOf(node)) return [key, node];
      if (!isLeaf(node)) return [key, withVariables(node, `${path}${key}.`)];
      return [key, { ...node, env: variableOf(path + key) }];
    }),
  );
}

function sections(given: GivenSection[string]): readonly GivenSection[] {
  return Array.isArray(given)
    ? given.filter((entry): entry is GivenSection => typeof entry === 'object')
    : [];
}
