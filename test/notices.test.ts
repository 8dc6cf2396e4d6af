import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Lock {
  readonly packages: Record<string, { readonly dev?: boolean; readonly license?: string }>;
}

test('every package shipped with Hintmesh is in the third-party notices, with its licence, and no other', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  const shipped = new Map<string, string>();
  for (const [path, { dev, license }] of Object.entries(lock.packages)) {
    if (path !== '' && !dev)
      shipped.set(path.replace(/^.*node_modules\//, ''), license ?? 'MIT (LICENSE file)');
  }
  const rows = readFileSync('THIRD-PARTY-NOTICES.md', 'utf8').matchAll(/^\| (\S+) \| (.+) \|$/gm);
  const noticed = new Map([...rows].map(([, name, licence]) => [name, licence]));
  noticed.delete('package');
  noticed.delete('---');
  assert.deepEqual(noticed, new Map([...shipped].sort()));
});
