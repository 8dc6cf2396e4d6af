// The life of a whole broker process beside a simulated Asterisk and a peer: what the commands show of it, and the
// ways in which it ends.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { TOKEN_FILE } from '../../src/cli/token.ts';
import type { Status } from '../../src/http/contract.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { Site } from '../broker/sites.ts';
import { SimulatedAsterisk } from '../sim/asterisk.ts';
import { type BrokerFiles, brokerFiles } from './broker-files.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';
import { type Running, start } from './spawn.ts';
import { until } from './until.ts';

const ASTERISK = {
  bootMs: 20,
  hints: { '1001': 'PJSIP/1001', '_XXXX*msk': 'Custom:${EXTEN}', '_XXXX*spb': 'Custom:${EXTEN}' },
  devices: { 'PJSIP/1001': 'NOT_INUSE' },
} as const;

interface Msk extends BrokerFiles {
  readonly asterisk: SimulatedAsterisk;
  readonly broker: Running;
  /** Its peer, in this process. */
  readonly spb: Site;
}

/** The rest of msk's config; `more` goes into the entry of its peer, as keygen printed it. */
function configFor(spb: Site, more = ''): string {
  const { fingerprint, curve } = spb.identity;
  return `export: [{ context: ext-local, match: 1001 }]
peers:
  - { tag: spb, url: "wss://127.0.0.1:${spb.port}", fingerprint: "${fingerprint}", curve_key: "${curve?.publicKey}"${more} }
`;
}

/** Two PBXs that know each other's states. */
async function federation(): Promise<Msk> {
  const asterisk = new SimulatedAsterisk({ name: 'msk', ...ASTERISK });
  await asterisk.start();
  await asterisk.whenBooted();
  after(() => asterisk.stop());
  const files = await brokerFiles({ amiPort: asterisk.port });
  const peer = { tag: 'msk', fingerprint: files.fingerprint, goneState: 'UNAVAILABLE' } as const;
  const spb = new Site('spb', loadIdentity(await generateIdentity('spb')), {
    asterisk: ASTERISK,
    broker: { peers: [peer] },
  });
  after(() => spb.stop());
  await spb.asterisk.start();
  await spb.asterisk.whenBooted();
  await spb.startBroker([]);
  files.write(configFor(spb));
  const broker = start(['run', '-c', files.file]);
  await broker.says('"event":"started"');
  await until(() => existsSync(join(files.stateDir, TOKEN_FILE)));
  await until(() => beliefOf(spb) === 'live');
  await until(async () => (await hintmesh('status', '-c', files.file, '--check')).code === 0);
  return { ...files, asterisk, broker, spb };
}

function beliefOf(spb: Site): string | undefined {
  return spb.broker?.status().peers.find(({ peer }) => peer === 'msk')?.belief;
}

describe('the commands at a real broker', () => {
  test('show its peers, states and conditions, and what changes, as lines and as JSON', async () => {
    const { file, asterisk, broker, spb } = await federation();
    const { out } = await hintmesh('status', '-c', file);
    assert.match(
      out,
      /^msk {2}hintmesh \d\S+, up \S+ \S+, ready\n {2}asterisk {2}\S+, up\n {2}exports {3}1 extension\n/,
    );
    assert.match(out, /\nspb +live +websocket .* to wss:\/\/127.0.0.1:\d+\n/);
    const json = JSON.parse((await hintmesh('status', '-c', file, '--json')).out) as Status;
    assert.deepEqual([json.pbx, json.ready, json.peers.length], ['msk', true, 1]);
    assert.match(
      (await hintmesh('states', '-c', file)).out,
      /^PBX .*\nmsk +1001 +NOT_INUSE +-\nspb +1001 +NOT_INUSE +NOT_INUSE\n$/,
    );

    const stop = new AbortController();
    const seen = { plain: '', json: '' };
    const watching = (['plain', 'json'] as const).map((form) =>
      hintmeshIn(
        {
          stop: stop.signal,
          read: (text) => {
            seen[form] += `${text}\n`;
            return true;
          },
        },
        'watch',
        '-c',
        file,
        ...(form === 'json' ? ['--json'] : []),
      ),
    );
    let on = false;
    await until(async () => {
      // The first changes may come before both watch.
      on = !on;
      asterisk.setDevice('PJSIP/1001', on ? 'RINGING' : 'NOT_INUSE');
      spb.asterisk.setDevice('PJSIP/1001', on ? 'INUSE' : 'NOT_INUSE');
      return (
        [/export +1001 +RINGING\n/, /lamp +1001\*spb +INUSE\n/].every((line) => line.test(seen.plain)) &&
        seen.json.includes('"state":"INUSE"')
      );
    });
    stop.abort();
    for (const { code, err } of await Promise.all(watching)) assert.deepEqual([code, err], [0, '']);
    for (const line of seen.json.trimEnd().split('\n')) assert.ok(JSON.parse(line).type);

    await asterisk.stop();
    await until(async () => (await hintmesh('status', '-c', file, '--check')).code === 1);
    const ill = await hintmesh('status', '-c', file);
    assert.equal(ill.code, 0);
    assert.match(ill.out, /asterisk {2}down\n/);
    assert.match(ill.out, /\nerror asterisk-down, for .*\n {2}start Asterisk/);
    broker.child.kill('SIGTERM');
    await broker.ended;
    const gone = await hintmesh('status', '-c', file);
    assert.equal(gone.code, 1);
    assert.match(gone.err, /^no broker answers at http:\/\/127.0.0.1:\d+: connection refused\n/);
  });
});

describe('two sites that run', () => {
  test('go from WebSocket to ZeroMQ and back, one reload each, and no lamp goes dark', async () => {
    const { file, write, curveKey, fingerprint, asterisk, spb } = await federation();
    const peer = { tag: 'msk', fingerprint, curveKey, goneState: 'UNAVAILABLE' } as const;
    const reconfigureSpb = (...transport: ['zeromq'] | []) => {
      const [name] = transport;
      const peers = [{ ...peer, ...(name && { transport: name }) }];
      spb.broker?.reconfigure({ ...spb.brokerOptions([]), peers });
    };
    const reload = async (more: string) => {
      write(configFor(spb, more));
      const { code, out, err } = await hintmesh('reload', '-c', file);
      assert.equal(code, 0, err);
      return out;
    };
    const linkIs = (transport: string) =>
      until(async () => {
        const { out } = await hintmesh('status', '-c', file);
        return new RegExp(`\\nspb +live +${transport} .* to wss://127.0.0.1:${spb.port}\\n`).test(out);
      });
    const lampsFollow = async (state: 'INUSE' | 'RINGING' | 'BUSY') => {
      spb.asterisk.setDevice('PJSIP/1001', state);
      asterisk.setDevice('PJSIP/1001', state);
      await until(() => asterisk.lamp('1001*spb') === state && spb.asterisk.lamp('1001*msk') === state);
    };
    asterisk.subscribe('1001*spb');
    spb.asterisk.subscribe('1001*msk');
    await linkIs('websocket');
    await lampsFollow('BUSY');
    const shown: (string | undefined)[][] = [asterisk, spb.asterisk].map((site) => {
      const states: (string | undefined)[] = [];
      site.onHint((extension, state) => extension.includes('*') && states.push(state));
      return states;
    });
    // First the one that is dialled: it lets both in from then on.
    reconfigureSpb('zeromq');
    assert.equal(await reload(', transport: zeromq'), 'peer spb: transport websocket → zeromq\n');
    await linkIs('zeromq');
    await lampsFollow('INUSE');
    assert.equal(await reload(''), 'peer spb: transport zeromq → websocket\n');
    await linkIs('websocket');
    reconfigureSpb();
    await linkIs('websocket');
    await lampsFollow('RINGING');

    // What the phones were told, from before the first to after the last.
    assert.deepEqual(shown, Array(2).fill(['INUSE', 'RINGING']));
  });
});

describe('a broker ends', () => {
  test('with 0 and a bye at SIGTERM, though clients hang at every door of it', async () => {
    const { broker, spb, listenPort, http, file } = await federation();
    const doors = [listenPort, Number(new URL(http).port)];
    for (const port of doors) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      after(() => socket.destroy());
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write('GET /api/watch HTTP/1.1\r\nhost: localhost\r\n');
    }
    const watching = hintmeshIn({ stop: new AbortController().signal }, 'watch', '-c', file);
    await until(() => spb.broker?.status().peers[0]?.link !== undefined);
    const asked = performance.now();
    broker.child.kill('SIGTERM');
    const { code, out, err } = await broker.ended;
    assert.deepEqual([code, err], [0, '']);
    assert.ok(performance.now() - asked < 5_000, 'what is promised to systemd');
    assert.match(out.trimEnd().split('\n').at(-1) ?? '', /"event":"stopped"/);
    await until(() => beliefOf(spb) === 'suspect');
    assert.equal((await watching).code, 1);
  });

  test('with 0 when it is told to leave, and its lamps at the peers show it at once', async () => {
    const { broker, spb, file } = await federation();
    spb.asterisk.subscribe('1001*msk');
    await until(() => spb.asterisk.lamp('1001*msk') === 'NOT_INUSE');
    const { code, out, err } = await hintmesh('leave', '-c', file, '--yes');
    assert.deepEqual([code, out, err], [0, 'msk leaves: its peers are told, and the broker ends\n', '']);
    const ended = await broker.ended;
    assert.deepEqual([ended.code, ended.err], [0, '']);
    assert.match(ended.out, /"event":"stopped"/);
    // After a stop like others it would be suspect for 15 s, and its lamps as they were.
    assert.equal(beliefOf(spb), 'gone');
    await until(() => spb.asterisk.lamp('1001*msk') === 'UNAVAILABLE');
  });
});
