// Holds the house of docs/architecture.md: arrows point one way, edges do not know each other, the core is
// pure, only named files use the dangerous packages, and files stay readable in a sitting.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** room → the rooms it may import. A room is a folder of src/, or a file directly in it. */
const ARROWS: Record<string, readonly string[]> = {
  'main.ts': ['cli'],
  // keygen makes an identity, and identities belong to the mesh; `status` prints what http serves; `prune` needs
  // Asterisk's database, which is nothing to a broker.
  cli: ['config', 'broker.ts', 'core', 'ami', 'mesh', 'http', 'conditions.ts'],
  config: ['core'],
  'broker.ts': [
    'core',
    'ami',
    'mesh',
    'http',
    'ami-handlers.ts',
    'broker-options.ts',
    'conditions.ts',
    'health.ts',
    'meter.ts',
    'report.ts',
    'status.ts',
  ],
  'ami-handlers.ts': ['core', 'ami', 'report.ts'],
  'broker-options.ts': ['core', 'ami', 'mesh', 'http'],
  'health.ts': ['conditions.ts', 'status.ts', 'http', 'core'],
  'status.ts': ['core', 'mesh', 'http', 'conditions.ts'],
  'report.ts': ['core', 'ami', 'mesh', 'conditions.ts'],
  'meter.ts': ['core'],
  'conditions.ts': ['core'],
  http: ['core', 'conditions.ts'],
  ami: ['core'],
  mesh: ['core'],
  core: [],
};

/** package → the files that may import it, with the reason. */
const CONFINED: Record<string, readonly string[]> = {
  // Its parser, login and encoder need a guard each: nobody else may touch it.
  'asterisk-manager': ['ami/connection.ts'],
  ws: ['mesh/'],
  // Optional: loaded when a config first asks for it, by this file alone.
  zeromq: ['mesh/zeromq-library.ts'],
  convict: ['config/'],
  yaml: ['config/'],
  zod: ['mesh/'],
  pino: ['cli/'],
  'prom-client': ['http/'],
  commander: ['cli/', 'main.ts'],
  '@peculiar/x509': ['mesh/identity.ts'],
  'reflect-metadata': ['mesh/identity.ts'],
  // Linear in time whatever the pattern, and pure: names that peers tell are held against it.
  re2js: ['core/regex.ts'],
};

const MAX_LINES = 400;
const MAX_MEDIAN = 150;

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(): Source[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      const imports = [...text.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*\(?['"]([^'"\n]+)['"]/g)].map(
        (m) => m[1] ?? '',
      );
      return { path, room: path.split('/')[0] ?? path, text, imports };
    });
}

test('every arrow between rooms is one the house allows', () => {
  const wrong: string[] = [];
  for (const { path, room, imports } of sources()) {
    const allowed = ARROWS[room];
    assert.ok(allowed, `src/${path} is in a room the house does not know`);
    for (const target of imports.filter((name) => name.startsWith('.'))) {
      const other = relative(SRC, resolve(dirname(join(SRC, path)), target)).split('/')[0] ?? '';
      if (other !== room && !allowed.includes(other)) wrong.push(`${path} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every room of the house exists, so that a rule cannot outlive what it holds', () => {
  const rooms = new Set(sources().map(({ room }) => room));
  assert.deepEqual([...rooms].sort(), Object.keys(ARROWS).sort());
});

test('the core is pure: no packages but one that is as pure, no node, no clock, no timers, no chance', () => {
  for (const { path, room, imports, text } of sources()) {
    if (room !== 'core') continue;
    assert.deepEqual(
      imports.filter((name) => !name.startsWith('./') && name !== 're2js'),
      [],
      path,
    );
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const impure =
      /\b(Date|performance|process|setTimeout|setInterval|setImmediate|queueMicrotask|Math\.random|crypto|console|globalThis)\b/;
    assert.doesNotMatch(code, impure, path);
  }
});

test('each package is used only where it belongs', () => {
  for (const { path, imports } of sources()) {
    for (const name of imports.filter((each) => !each.startsWith('.') && !each.startsWith('node:'))) {
      const allowed = CONFINED[name];
      assert.ok(allowed, `src/${path} imports ${name}, which no rule places`);
      const fits = allowed.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
      // An ambient declaration names the package without importing it.
      assert.ok(fits || path.endsWith('.d.ts'), `src/${path} may not import ${name}`);
    }
  }
});

test('the optional package is named for its types, or loaded when it is asked for', () => {
  const library = readFileSync(join(SRC, 'mesh/zeromq-library.ts'), 'utf8');
  assert.doesNotMatch(library, /^import (?!type).*['"]zeromq['"]|^export (?!type).* from ['"]zeromq['"]/m);
});

test('only main.ts ends the process', () => {
  for (const { path, text } of sources()) {
    if (path !== 'main.ts') assert.doesNotMatch(text, /process\.exit\(/, path);
  }
});

test('every file says at its top what it owns, and can be read in a sitting', () => {
  const lengths: number[] = [];
  for (const { path, text } of sources()) {
    assert.match(text, /^(#!.*\n)?(\/\*\*|\/\/)/, `src/${path} has no header comment`);
    const lines = text.split('\n').length;
    assert.ok(lines <= MAX_LINES, `src/${path} has ${lines} lines`);
    lengths.push(lines);
  }
  lengths.sort((a, b) => a - b);
  assert.ok((lengths[Math.floor(lengths.length / 2)] ?? 0) <= MAX_MEDIAN);
});

test('the lockfile names no package registry', () => {
  const root = join(SRC, '..');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  assert.doesNotMatch(lock, /"resolved": "http/);
});
