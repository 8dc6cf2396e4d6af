// The harness proves itself on both versions before anything is concluded from it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { available, eachRoot } from './available.ts';
import { run, start } from './child.ts';
import { inLab, type Lab } from './lab.ts';
import type { Namespace } from './net.ts';
import type { Root } from './provision.ts';

const asterisks = await available();

const DIALPLAN = `[phones]
exten => _1XXX,1,Dial(PJSIP/\${EXTEN},30)
exten => 1001,hint,PJSIP/1001
exten => 1002,hint,PJSIP/1002
exten => 1003,hint,Custom:l1003
exten => _XXXX*msk,hint,Custom:\${EXTEN}
`;

function boot(lab: Lab, root: Root, name: string): Promise<Asterisk> {
  return lab.pbx({ root, name, phones: ['1001', '1002', '1009'], dialplan: DIALPLAN });
}

for (const { title, root } of eachRoot(asterisks)) {
  describe(title, { skip: asterisks.skip }, () => {
    test('two instances boot side by side, log no error, and know nothing of each other', () =>
      inLab(async (lab) => {
        const [one, two] = await Promise.all([boot(lab, root(), 'one'), boot(lab, root(), 'two')]);
        console.log(`# boot: ${Math.round(one.bootMs)} and ${Math.round(two.bootMs)} ms`);
        const [amiOne, amiTwo] = [await one.ami(), await two.ami()];
        await amiOne.setCustom('l1003', 'INUSE');
        assert.equal(await amiOne.hintState('1003', one.context), 'InUse');
        assert.equal(await amiTwo.hintState('1003', two.context), 'Idle');
        assert.deepEqual([...one.errors(), ...two.errors()], []);
      }));

    test("the broker's AMI user is told that Asterisk is booted and may set a device, but not run commands", () =>
      inLab(async (lab) => {
        const pbx = await boot(lab, root(), 'one');
        const ami = await pbx.loginAs(pbx.broker);
        await ami.event('FullyBooted');
        await ami.setCustom('1001*msk', 'RINGING');
        assert.equal(await ami.deviceState('Custom:1001*msk'), 'RINGING');
        await until('DeviceStateChange of the lamp', () => ami.changesOf('Custom:1001*msk').length > 0);
        assert.match(
          (await ami.action({ Action: 'Command', Command: 'core show version' }))['message'] ?? '',
          /denied/,
        );
        assert.ok((await ami.list('ExtensionStateList')).some((row) => row['exten'] === '1003'));
      }));

    test('a lamp in AstDB outlives a restart and kill -9, and a frozen instance thaws', () =>
      inLab(async (lab) => {
        const pbx = await boot(lab, root(), 'one');
        await (await pbx.ami()).setCustom('1001*msk', 'INUSE');
        await pbx.stop();
        await pbx.start();
        assert.equal(await (await pbx.ami()).deviceState('Custom:1001*msk'), 'INUSE');
        await pbx.kill();
        await pbx.start();
        const ami = await pbx.ami();
        assert.equal(await ami.deviceState('Custom:1001*msk'), 'INUSE');
        await pbx.freeze();
        const answer = ami.action({ Action: 'Ping' });
        assert.equal(
          await Promise.race([answer, new Promise((r) => setTimeout(r, 300, 'silence'))]),
          'silence',
        );
        pbx.thaw();
        assert.equal((await answer)['response'], 'Success');
        assert.match(await pbx.cli('core show uptime'), /uptime/);
      }));

    test('a SIPp call with a hold moves the hints of both phones, and a subscribed phone sees it', () =>
      inLab(async (lab) => {
        const pbx = await boot(lab, root(), 'one');
        const [caller, callee] = [await lab.sipp(pbx, '1001'), await lab.sipp(pbx, '1002')];
        const watcher = await lab.blf(pbx, '1009');
        await watcher.subscribe('1001');
        await watcher.subscribe('1002');
        const ami = await pbx.ami();
        const taken = await callee.takeCall({ ringMs: 500 });
        const made = await caller.call('1002', { talkMs: 500, holdMs: 500 });
        await Promise.all([taken.done, made.done]);
        const free = (phone: string): boolean => ami.changesOf(`PJSIP/${phone}`).at(-1) === 'NOT_INUSE';
        await until('both phones are free again', () => free('1001') && free('1002'));
        await watcher.shows('1001', 'terminated');
        await watcher.shows('1002', 'terminated');
        assert.deepEqual(watcher.shown('1001'), ['terminated', 'confirmed', 'terminated']);
        assert.deepEqual(watcher.shown('1002'), ['terminated', 'early', 'confirmed', 'terminated']);
        // chan_pjsip shows a hold on the phone that IS held, and some hangups pass through INUSE once more.
        const states = ami.changesOf('PJSIP/1002').filter((state, i, all) => state !== all[i - 1]);
        assert.deepEqual(states.slice(0, 3), ['RINGING', 'INUSE', 'ONHOLD']);
        assert.deepEqual(new Set(ami.changesOf('PJSIP/1001')), new Set(['INUSE', 'NOT_INUSE']));
        assert.deepEqual(pbx.errors(), []);
      }));

    test('a PBX at rest answers every OPTIONS', () =>
      inLab(async (lab) => {
        const pbx = await boot(lab, root(), 'one');
        const probe = await lab.probe(pbx, '1009', 5);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        const { asked, answered, slowestMs } = await probe.finish();
        console.log(`# OPTIONS: ${answered}/${asked}, slowest ${slowestMs.toFixed(1)} ms`);
        assert.ok(asked > 50);
        assert.equal(answered, asked);
        await pbx.freeze();
        const deaf = await lab.probe(pbx, '1009', 5);
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.equal((await deaf.finish(500)).answered, 0);
      }));
  });
}

describe('three hosts', { skip: asterisks.skip }, () => {
  test('reach each other and this process; a cut parts two and nobody else; a mended line is whole', () =>
    inLab(async (lab) => {
      const hosts = await lab.hosts(3);
      const [a, b, c] = hosts.all as [Namespace, Namespace, Namespace];
      const listen = `const s = () => require('net').createServer((c) => c.on('error', () => {}).end()).listen(7000, '0.0.0.0'); s()`;
      const server = start([...b.enter, process.execPath, '-e', listen]);
      const reach = (enter: readonly string[], address: string): Promise<boolean> =>
        run([...enter, 'timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${address}/7000`]).then(
          () => true,
          () => false,
        );
      try {
        await until('this process reaches b', () => reach([], b.address));
        assert.equal(await reach(a.enter, b.peerAddress), true);
        await hosts.cut(a, b);
        assert.equal(await reach(a.enter, b.peerAddress), false);
        assert.equal(await reach(c.enter, b.peerAddress), true);
        assert.equal(await reach([], b.address), true);
        await hosts.mend(a, b);
        await until('a reaches b again', () => reach(a.enter, b.peerAddress));
      } finally {
        await server.stop();
      }
    }));
});
