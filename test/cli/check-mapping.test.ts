// What `hintmesh check` prints of a mapping, and that what cannot be carried is refused with the reason.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFolder } from '../config/folder.ts';
import { hintmesh } from './in-process.ts';

const folder = newFolder();
const identity = join(folder.path, 'own.pem');
await hintmesh('keygen', '--tag', 'msk', '--out', identity);
assert.match(readFileSync(identity, 'utf8'), /BEGIN CERTIFICATE/);

const config = (lines: string) =>
  folder.write(
    'h.yaml',
    `tag: msk
identity_file: own.pem
ca_file: ca.pem
state_dir: state
ami: { secret_file: secret }
listen: { host: "0.0.0.0" }
peers: [{ tag: spb }, { tag: nsk }]
${lines}`,
  );

test('check prints who sees what, under which name', async () => {
  const file = config(`export:
  - { context: ext-local, match: [_1XXX, /^5/], except: [1005, _19XX, /9$/] }
  - { context: ext-local, match: _2XXX, as: "1{ext}", to: [spb, nsk] }
  - { mailbox: default, match: _1XXX, to: spb }
  - { presence: "CustomPresence:{ext}", match: 1000-1099 }
import:
  - { match: "_[47]XXX" }
  - { from: spb, match: _3XXX, except: 3000, as: "{ext:-3}" }
plain_lamps:
  - { from: nsk, match: _4XXX, as: "{ext:0:-1}#" , except: ["_4XX[1-9]"] }
`);
  const { code, out, err } = await hintmesh('check', '-c', file);
  assert.deepEqual([code, err], [0, '']);
  const lines = out.split('\n').map((line) => line.trim());
  const at = lines.indexOf('exports   hints of ext-local: _1XXX, /^5/, except 1005, _19XX, /9$/');
  assert.deepEqual(lines.slice(at + 1, at + 7), [
    'hints of ext-local: _2XXX, as 1{ext}  for spb, nsk only',
    'mailboxes of default: _1XXX, as vm{ext}  for spb only',
    'presence of CustomPresence:{ext}: 1000-1099',
    'imports   of every peer: _[47]XXX',
    'of spb: _3XXX, except 3000, as {ext:-3}',
    'plain     of nsk: _4XXX, except _4XX[1-9], as {ext:0:-1}#',
  ]);
  const without = await hintmesh('check', '-c', config('export: [{ context: a, match: 1 }]\n'));
  assert.doesNotMatch(without.out, /imports|plain /);
});

test('check refuses names that cannot be carried, each with its reason', async () => {
  for (const [name, why] of [
    ['10/01', /loses everything before the last "\/"/],
    ['a-b', /"-", which Asterisk ignores/],
    ['1001@x', /phones cannot subscribe/],
    ['1&2', /both split a hint/],
    ['ü', /is not an extension; allowed are/],
    ['.5', /is not an extension; allowed are .* after the first character/],
  ] as const) {
    const { code, err } = await hintmesh(
      'check',
      '-c',
      config(`export: [{ context: a, match: "${name}" }]\n`),
    );
    assert.equal(code, 1, name);
    assert.match(err, why);
  }
  const carried = ['*761001', 'boss', 'a.b_c', '#1', '+7495'];
  const yaml = carried.map((name) => JSON.stringify(name)).join(', ');
  const { code, err } = await hintmesh('check', '-c', config(`export: [{ context: a, match: [${yaml}] }]\n`));
  assert.deepEqual([code, err], [0, '']);
});
