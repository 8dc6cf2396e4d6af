// Where a running broker is asked, read from a file that may be wrong in everything else.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readHttpAddress } from '../../src/config/http-address.ts';
import { newFolder } from './folder.ts';

const folder = newFolder();
const read = (yaml: string, env: Record<string, string> = {}) =>
  readHttpAddress(folder.write('h.yaml', yaml), env);
const why = (yaml: string, env?: Record<string, string>) => {
  const address = read(yaml, env);
  return address.ok ? 'it is taken' : `${address.why}; ${address.cure}`;
};
const URL_OPTION = /--url http:\/\/HOST:PORT$/;

describe('the address of a running broker', () => {
  test('is the default where nothing is written', () => {
    const address = { ok: true, host: '127.0.0.1', port: 7441, stateDir: '/var/lib/hintmesh' };
    assert.deepEqual(read('tag: msk\n'), address);
    assert.deepEqual(read('tag: msk\nhttp:\nstate_dir: /var/lib/hintmesh\n'), address);
  });

  test('is what is written, with the folder of state beside the config', () => {
    assert.deepEqual(read('state_dir: state\nhttp: { host: "::1", port: 80 }\n'), {
      ok: true,
      host: '::1',
      port: 80,
      stateDir: join(folder.path, 'state'),
    });
  });

  test('is what the environment says before the file', () => {
    const env = {
      HINTMESH_HTTP_ENABLED: 'true',
      HINTMESH_HTTP_HOST: 'localhost',
      HINTMESH_HTTP_PORT: '81',
      HINTMESH_STATE_DIR: '/run/state',
      HINTMESH_TAG: 'NO TAG',
    };
    assert.deepEqual(read('state_dir: state\nhttp: { enabled: false, port: x }\n', env), {
      ok: true,
      host: 'localhost',
      port: 81,
      stateDir: '/run/state',
    });
  });

  test('is one that can be dialled where the broker listens on all', () => {
    for (const [host, dialled] of [
      ['0.0.0.0', '127.0.0.1'],
      ['::', '::1'],
      ['0:0::0', '::1'],
      ['10.0.0.5', '10.0.0.5'],
      ['pbx.example.com', 'pbx.example.com'],
    ]) {
      const address = read(`http: { host: "${host}" }\n`);
      assert.equal(address.ok && address.host, dialled);
    }
  });

  test('is read whatever else is wrong, and whatever the files it names are', () => {
    const wrong = `tag: NO TAG
tag: msk
identity_file: /nowhere/identity.pem
colour: red
? [a]
: b
ami: { secret: hunter2, secret_file: /nowhere, port: x }
timing: [1, 2]
peers: none
listen: { port: 7442 }
http:
  port: 7442
`;
    assert.equal(folder.load(wrong).ok, false);
    const address = read(wrong);
    assert.equal(address.ok && address.port, 7442);
  });
});

describe('without an address, it is said what to do:', () => {
  test('the file cannot be read', () => {
    const missing = readHttpAddress(join(folder.path, 'none.yaml'), {});
    assert.ok(!missing.ok);
    const words = `${missing.why}; ${missing.cure}`;
    assert.match(words, /^cannot read \S+none.yaml: there is no such file; name the config with -c, or /);
    assert.match(words, URL_OPTION);
  });

  test('HTTP is off, and where that is written', () => {
    assert.match(
      why('tag: msk\nhttp: { enabled: false }\n'),
      /^http.enabled is false \(\S+h.yaml:2:18\), .*; set it to true and restart the broker, or name/,
    );
    assert.match(why('tag: msk\n', { HINTMESH_HTTP_ENABLED: 'false' }), /is false \(HINTMESH_HTTP_ENABLED\)/);
    assert.match(why('http: { enabled: false }\n'), URL_OPTION);
  });

  test('the address itself is wrong', () => {
    for (const [yaml, words] of [
      ['http: { port: x }', /h.yaml:1:15: http.port is "x"; write a whole number .*; mend it, or/],
      ['http:\n  prot: 80', /h.yaml:2:3: http.prot is not a key; did you mean "port"\?; mend it/],
      ['http: off', /h.yaml:1:7: http has keys of its own: enabled, host, port/],
      ['state_dir: [a]', /h.yaml:1:12: state_dir is a single value/],
      ['http: &a { port: 80 }\nstate_dir: *a', /h.yaml:2:12: state_dir is an alias/],
    ] as const) {
      assert.match(why(`${yaml}\n`), words);
      assert.match(why(`${yaml}\n`), URL_OPTION);
    }
    assert.match(why('tag: a\n', { HINTMESH_HTTP_PORT: '0' }), /^HINTMESH_HTTP_PORT: http.port is "0"/);
  });

  test('the file is no YAML, so that what it says of the address is guesswork', () => {
    assert.match(
      why('http: { port: 80 }\nexport: [1, 2\n'),
      /h.yaml:\d+:\d+: not valid YAML: .*; mend it, or/,
    );
    assert.match(why('just text\n'), /must hold keys and values/);
    assert.match(why(''), URL_OPTION);
  });

  test('with the folder of state all the same, if that can be read', () => {
    const stateDir = (yaml: string) => {
      const address = read(`${yaml}\n`);
      assert.ok(!address.ok);
      return address.stateDir;
    };
    assert.equal(stateDir('state_dir: /s\nhttp: { enabled: false }'), '/s');
    assert.equal(stateDir('state_dir: /s\nhttp: { port: x }'), '/s');
    assert.equal(stateDir('state_dir: "a\\nb"\nhttp: { port: x }'), undefined);
    assert.equal(stateDir('state_dir: /s\nhttp: ['), undefined);
  });

  test('and no secret is told', () => {
    for (const yaml of ['http: { port: 80,hunter2: b }', 'ami: { secret: hunter2 }\nhttp: { port: 0 }']) {
      assert.doesNotMatch(why(`${yaml}\n`), /hunter2|it is taken/);
    }
  });
});
