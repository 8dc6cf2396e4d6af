// The example and the documentation, held against the schema: every key is there, none is made up, and what
// they show is valid.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { needsRestart } from '../../src/config/changes.ts';
import { formatFinding } from '../../src/config/findings.ts';
import { showDuration } from '../../src/config/formats.ts';
import { loadConfig } from '../../src/config/load.ts';
import {
  exportSchema,
  importSchema,
  leavesOf,
  peerSchema,
  plainSchema,
  scalarSchema,
} from '../../src/config/schema.ts';
import { knownVariables } from '../../src/config/values.ts';
import { isCurveKey, isFingerprint } from '../../src/mesh/identity.ts';
import { KEYS as EVERY_KEY, withOther } from './every-key.ts';
import { keys, newFolder, REAL } from './folder.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const example = read('deploy/hintmesh.example.yaml');
const docs = read('docs/configuration.md');
/** Keys that a file may have, lists without their index. */
const KEYS = [
  ...[...leavesOf(scalarSchema)].filter(([, leaf]) => leaf.notInFile === undefined).map(([path]) => path),
  ...Object.keys(exportSchema).map((key) => `export.${key}`),
  ...Object.keys(importSchema).map((key) => `import.${key}`),
  ...Object.keys(plainSchema).map((key) => `plain_lamps.${key}`),
  ...Object.keys(peerSchema).map((key) => `peers.${key}`),
].sort();
/** What is shown must be what a real peer could have. */
const realKeys = { ...keys, isFingerprint, isCurveKey };

/** The files that examples name. */
function folderFor(tag: string): ReturnType<typeof newFolder> {
  const folder = newFolder();
  const pem = `-----BEGIN CERTIFICATE-----\nfake:${tag}:own:own\n`;
  folder.write('identity.pem', pem);
  for (const name of ['asterisk-ca.pem', 'hintmesh.crt']) folder.write(name, REAL.certificate);
  folder.write('hintmesh.key', REAL.key);
  folder.write('ami.secret', 'x\n');
  return folder;
}

function assertValid(yaml: string, tag: string): void {
  const loaded = loadConfig(folderFor(tag).write('h.yaml', yaml), {}, realKeys);
  assert.deepEqual(loaded.ok ? [] : loaded.mistakes.map(formatFinding), []);
  assert.deepEqual(
    loaded.warnings.map(formatFinding).filter((warning) => !/listen on 127/.test(warning)),
    [],
  );
}

function keysIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return typeof value[0] === 'object' ? value.flatMap((each) => keysIn(each, path)) : [path];
  }
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, each]) => keysIn(each, path === '' ? key : `${path}.${key}`));
}

describe('deploy/hintmesh.example.yaml', () => {
  /** With the keys that may be left out taken in. */
  const whole = example.replace(/^(\s*)#(?=\S)/gm, '$1');

  test('is valid as it stands', () => assertValid(example, 'msk'));

  test('has every key of the schema, and no other', () => {
    assert.deepEqual([...new Set(keysIn(parse(whole)))].sort(), KEYS);
  });

  test('is valid with every key set', () => {
    assertValid(whole.replace('enabled: false', 'enabled: true'), 'msk');
  });
});

describe('docs/configuration.md', () => {
  /** `key` → the cells after it, of every table whose rows begin with a key. */
  const rows = new Map<string, string[]>();
  for (const line of docs.split('\n').filter((each) => each.startsWith('| `'))) {
    const [first = '', ...cells] = line.slice(2, -2).split(' | ');
    for (const [, key = ''] of first.matchAll(/`([^`]+)`/g)) rows.set(key, cells);
  }

  test('describes every key of the schema, and no other', () => {
    const described = [...rows.keys()].filter((key) => !key.startsWith('HINTMESH_') && !/[ :]/.test(key));
    const top = KEYS.map((key) => key.replace(/^(export|import|plain_lamps|peers)\./, ''));
    assert.deepEqual([...new Set(described)].sort(), [...new Set(top)].sort());
  });

  test('tells the default that the schema has', () => {
    for (const [path, leaf] of leavesOf(scalarSchema)) {
      if (leaf.default === null || leaf.default === '' || leaf.notInFile !== undefined) continue;
      const isTime = leaf.format === 'hintmesh-duration';
      const value = isTime ? showDuration(Number(leaf.default)) : String(leaf.default);
      assert.equal(rows.get(path)?.[0], `\`${value}\``, path);
    }
  });

  test('tells the limits that the schema has', () => {
    for (const [path, { min, max, choices, format }] of leavesOf(scalarSchema)) {
      const cells = rows.get(path)?.join() ?? '';
      const limit = format === 'hintmesh-duration' ? showDuration : String;
      if (min !== undefined && max !== undefined) {
        assert.ok(cells.includes(`${limit(min)} to ${limit(max)}`), path);
      }
      for (const choice of choices ?? []) assert.ok(cells.includes(`\`${choice}\``), `${path} ${choice}`);
    }
  });

  test('lists every environment variable, and no other', () => {
    const listed = docs.match(/`HINTMESH_[A-Z_]+`/g) ?? [];
    assert.deepEqual(
      [...new Set(listed)].sort(),
      knownVariables()
        .map((name) => `\`${name}\``)
        .sort(),
    );
  });

  test('names the keys that need a restart, and no other', () => {
    const [, named = ''] = /^Needs a restart: ([\s\S]*?)\n\n/m.exec(docs) ?? [];
    const base = withOther();
    assert.deepEqual(
      [...named.matchAll(/`([^`]+)`/g)].map(([, key]) => key),
      EVERY_KEY.filter((key) => needsRestart(base, withOther(key)).length > 0),
    );
  });

  test('shows only configs that are valid', () => {
    const blocks = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml);
    assert.ok(blocks.length >= 5);
    for (const yaml of blocks) assertValid(yaml, /^tag: (\S+)/.exec(yaml)?.[1] ?? '');
  });
});
