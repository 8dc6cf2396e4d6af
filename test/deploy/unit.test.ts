// The systemd unit as systemd reads it: no mistake in it, and as hard as the documentation says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runSync } from '../asterisk/child.ts';
import { tool } from './tools.ts';

const UNIT = 'deploy/hintmesh.service';
const analyze = await tool('systemd-analyze');

describe('deploy/hintmesh.service', () => {
  const unit = readFileSync(UNIT, 'utf8');
  const readme = readFileSync('deploy/README.md', 'utf8');

  test('systemd finds no mistake in it', { skip: analyze.skip }, () => {
    const { ok, out } = runSync([analyze.path, 'verify', '--man=no', UNIT]);
    // It also reads the units of this machine, whose mistakes are not ours.
    const ours = out.split('\n').filter((line) => line.includes('hintmesh'));
    assert.deepEqual(ours, []);
    assert.ok(ok || ours.length === 0, out);
  });

  test('it is no more exposed than deploy/README.md says', { skip: analyze.skip }, () => {
    const printed = /Overall exposure level for hintmesh\.service: (\d+\.\d) OK/;
    const told = printed.exec(readme)?.[1];
    assert.ok(told, 'deploy/README.md must print the line of systemd-analyze security');
    const { out } = runSync([analyze.path, 'security', '--offline=true', '--no-pager', UNIT]);
    const found = printed.exec(out)?.[1];
    assert.ok(found, out);
    assert.ok(Number(found) <= Number(told), `exposure ${found}, ${told} in the README`);
  });

  test('no secret needs to be readable for the user that the broker runs as', () => {
    for (const [name, variable] of [
      ['identity.pem', 'HINTMESH_IDENTITY_FILE'],
      ['ami.secret', 'HINTMESH_AMI_SECRET_FILE'],
    ]) {
      assert.match(unit, new RegExp(`^LoadCredential=${name}:/etc/hintmesh/${name}$`, 'm'));
      assert.match(unit, new RegExp(`^Environment=${variable}=%d/${name}$`, 'm'));
    }
  });
});
