// The configuration of compose.yaml and its images, run without a container engine (containers.ts says how):
// `init` makes what two PBXs need, Asterisk and the broker take it, and a lamp lights.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TOKEN_FILE } from '../../src/cli/token.ts';
import { available } from '../asterisk/available.ts';
import { until } from '../until.ts';
import { Containers, TAGS, type Tag } from './containers.ts';
import { tool } from './tools.ts';

const asterisks = await available();
const promtool = await tool('promtool');

describe('what deploy/compose.yaml runs, without a container engine', { skip: asterisks.skip }, () => {
  let containers: Containers;
  /** What every file of a volume holds. */
  const files = (tag: Tag, of: string): Map<string, string> => {
    const folder = containers.volume(tag, of);
    return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  };

  before(async () => {
    containers = new Containers(asterisks.roots().forky);
    await containers.open();
  });
  after(() => containers.close());

  test('init makes identities, secrets and configs that hintmesh check finds nothing wrong with', async () => {
    await containers.init();
    for (const tag of TAGS) {
      const { ok, out } = containers.hintmesh(tag, 'check');
      assert.ok(ok, out);
      // That Prometheus may ask from another container is what it is for.
      const warnings = out.split('\n').filter((line) => line.includes('warning'));
      assert.deepEqual(
        warnings.filter((line) => !line.includes('http.host is 0.0.0.0')),
        [],
      );
    }
  });

  test('what init makes is readable for its owner alone, and the secret is the same on both sides', () => {
    const secrets = TAGS.map((tag) => {
      for (const of of ['hintmesh', 'asterisk']) {
        for (const name of files(tag, of).keys()) {
          assert.equal(statSync(join(containers.volume(tag, of), name)).mode & 0o777, 0o600, name);
        }
        const owner = of === 'asterisk' ? containers.asteriskUser.uid : 1000;
        const paths = ['.', ...files(tag, of).keys()].map((name) => join(containers.volume(tag, of), name));
        for (const path of paths) assert.equal(statSync(path).uid, owner, path);
      }
      const secret = files(tag, 'hintmesh').get('ami.secret')?.trim() ?? '';
      assert.match(secret, /^[0-9a-f]{48}$/);
      assert.ok(files(tag, 'asterisk').get('manager.conf')?.includes(`\nsecret = ${secret}\n`));
      return secret;
    });
    assert.notEqual(secrets[0], secrets[1]);
  });

  test('init changes nothing the second time', async () => {
    const before = TAGS.map((tag) => [files(tag, 'hintmesh'), files(tag, 'asterisk')]);
    await containers.init();
    assert.deepEqual(
      TAGS.map((tag) => [files(tag, 'hintmesh'), files(tag, 'asterisk')]),
      before,
    );
  });

  test('the Asterisks and the brokers start, and the brokers are ready', async () => {
    await Promise.all(TAGS.map((tag) => containers.startAsterisk(tag)));
    await Promise.all(TAGS.map((tag) => containers.startBroker(tag)));
    for (const tag of TAGS) {
      const { ok, out } = containers.hintmesh(tag, 'status', '--check');
      assert.ok(ok, out);
    }
  });

  test('an extension switched by hand on one PBX lights its lamp on the other', async () => {
    for (const [here, there] of [
      ['msk', 'spb'],
      ['spb', 'msk'],
    ] as const) {
      containers.cli(here, 'devstate change Custom:2001 INUSE');
      await until(
        () => `lamp of ${here} at ${there}\n${containers.log(`${there}-broker`)}`,
        () => /Custom:2001\*.*INUSE/.test(containers.cli(there, 'devstate list').replaceAll('\n', ' ')),
      );
      // By pattern, so there is one as soon as somebody asks.
      assert.match(containers.cli(there, `dialplan show 2001*${here}@from-internal`), /hint/);
    }
  });

  test('Prometheus can ask each broker from outside, and nobody can ask more', async () => {
    for (const tag of TAGS) {
      assert.match(await (await containers.get(tag, '/metrics')).text(), /^hintmesh_ready 1$/m);
      assert.equal((await containers.get(tag, '/healthz')).status, 200);
      assert.equal((await containers.get(tag, '/api/status')).status, 403);
    }
  });

  test('promtool finds nothing to mend in the metrics', { skip: promtool.skip }, async () => {
    const metrics = await (await containers.get('msk', '/metrics')).text();
    const { status, stdout, stderr } = spawnSync(promtool.path, ['check', 'metrics'], {
      input: metrics,
      encoding: 'utf8',
    });
    assert.equal(`${stdout}${stderr}`, '');
    assert.equal(status, 0);
  });

  test('the health of a broker is asked where it listens, whatever its config says by now', async () => {
    const config = join(containers.volume('msk', 'hintmesh'), 'hintmesh.yaml');
    const made = readFileSync(config, 'utf8');
    const withHttp = (http: string): { ok: boolean; out: string } => {
      writeFileSync(config, made.replace(/^http: .*$/m, `http: ${http}`));
      return containers.health('msk');
    };
    const token = join(containers.volume('msk', 'state'), TOKEN_FILE);
    try {
      const well = { ok: true, out: 'http://127.0.0.1:7441/healthz: 200' };
      assert.deepEqual(containers.health('msk'), well);
      assert.deepEqual(withHttp('{ host: 0.0.0.0, port: 7442 }'), well);
      assert.deepEqual(withHttp('{ port: many }'), well);
      // Where it left no address, the config tells.
      renameSync(token, `${token}.away`);
      const { out: address, ok } = withHttp(`{ host: ${containers.address('msk')}, port: 7441 }`);
      assert.ok(ok, address);
      assert.ok(!withHttp('{ host: 0.0.0.0, port: 7442 }').ok, 'nobody listens there');
      // A broker that cannot be asked is not unhealthy; a config that says nothing of it is.
      assert.ok(withHttp('{ enabled: false }').ok);
      assert.ok(!withHttp('{ port: many }').ok);
    } finally {
      renameSync(`${token}.away`, token);
      writeFileSync(config, made);
    }
  });

  test('SIGTERM, the signal of both images, ends all of them in good order', async () => {
    for (const [name, exit] of await containers.stop()) {
      assert.deepEqual(exit, { code: 0, signal: null }, name);
    }
  });
});
