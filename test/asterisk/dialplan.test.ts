// The shipped dialplan/hintmesh.conf and deploy/manager.conf, in real Asterisks: which names have a lamp and
// which have none, what the own tag shows, where calls go, and what the broker's manager user may do and hears.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../until.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { available, eachRoot } from './available.ts';
import { run } from './child.ts';
import { inLab, type Lab } from './lab.ts';
import type { Root } from './provision.ts';

const asterisks = await available();
const shipped = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const HINTMESH_CONF = shipped('dialplan/hintmesh.conf');

/** As the file says: a line that begins with ";" and no blank is dialplan that is switched off. */
const switchedOn = (text: string): string => text.replaceAll(/^;(?=\S)/gm, '');

/** A PBX laid out as FreePBX is: phones in from-internal, hints in ext-local, the include in from-internal-custom. */
const siteDialplan = (include: string): string => `#include "${include}"
[phones]
include => from-internal
[from-internal]
include => from-internal-custom
include => ext-local
[from-internal-custom]
include => hintmesh
[ext-local]
exten => 1001,hint,PJSIP/1001&Custom:DND1001,CustomPresence:1001
exten => 1003,hint,Custom:l1003
exten => *761001,hint,Custom:DEVDND1001
exten => 1001,1,Dial(PJSIP/1001,30)
exten => 1003,1,Wait(1)
`;
const PHONES = ['1001', '1002', '1009', 'trunk-spb', 'trunk-b.example.com'];

/** Boots a PBX that includes `text` from a file of its own, and runs `scenario` with it. */
function withSite(
  root: Root,
  text: string,
  scenario: (site: { lab: Lab; pbx: Asterisk; ami: TestAmi }) => Promise<void>,
  manager?: string,
): Promise<void> {
  // Named like the instances' own folders, so that what a killed run leaves is removed like theirs.
  const folder = `/tmp/hintmesh-${process.pid}-dialplan`;
  mkdirSync(join(root.path, folder), { recursive: true });
  writeFileSync(join(root.path, folder, 'hintmesh.conf'), text);
  return inLab(async (lab) => {
    const pbx = await lab.pbx({
      root,
      name: 'msk',
      phones: PHONES,
      dialplan: siteDialplan(`${folder}/hintmesh.conf`),
      ...(manager === undefined ? {} : { manager }),
    });
    await scenario({ lab, pbx, ami: await pbx.ami() });
    assert.deepEqual(pbx.errors(), []);
  }).finally(() => rmSync(join(root.path, folder), { recursive: true, force: true }));
}

/** Hint and status text as AMI's ExtensionState gives them; a name without a hint has the text `none`. */
async function hintOf(ami: TestAmi, name: string): Promise<string> {
  const answer = await ami.action({ Action: 'ExtensionState', Exten: name, Context: 'phones' });
  return answer['status'] === '-1' ? 'none' : `${answer['hint']} ${answer['statustext']}`;
}

async function assertHints(ami: TestAmi, expected: Readonly<Record<string, string>>): Promise<void> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(expected)) found[name] = await hintOf(ami, name);
  assert.deepEqual(found, expected);
}

/** The user parts that calls to `trunk` were sent with, in order. */
function dialledOn(lab: Lab, trunk: string): string[] {
  return readdirSync(lab.folder)
    .filter((name) => name.includes(`-${trunk}-`) && name.endsWith('-answer.messages'))
    .sort()
    .map((name) => /^INVITE sip:([^@\s]*)@/m.exec(readFileSync(join(lab.folder, name), 'utf8'))?.[1] ?? '');
}

for (const { title, root } of eachRoot(asterisks)) {
  describe(`dialplan on ${title}`, { skip: asterisks.skip }, () => {
    test('a lamp of a known tag and length has its Custom hint, and nothing else has one', () =>
      withSite(root(), readFileSync(HINTMESH_CONF, 'utf8'), async ({ lab, pbx, ami }) => {
        assert.match(await pbx.cli('dialplan show 1001*spb@phones'), /'_XXXX\*spb' =>\s+hint: Custom:/);
        await ami.setCustom('1001*spb', 'RINGING');
        await assertHints(ami, {
          '1001*spb': 'Custom:1001*spb Ringing',
          '100*spb': 'Custom:100*spb Idle',
          '10001*spb': 'Custom:10001*spb Idle',
          '100001*spb': 'Custom:100001*spb Idle',
          '*76100*spb': 'Custom:*76100*spb Idle',
          '*761001*spb': 'Custom:*761001*spb Idle',
          '*76100001*spb': 'Custom:*76100001*spb Idle',
          '10*spb': 'none',
          '1000001*spb': 'none',
          '*7610*spb': 'none',
          '*761000001*spb': 'none',
          '1001*SPB': 'none',
          '1001*spbx': 'none',
          '1001*sp': 'none',
          '1001*nsk': 'none',
          a001: 'none',
          // Switched off in the file as it is shipped.
          '1001*b.example.com': 'none',
          '1001*nizhny': 'none',
        });
        const phone = await lab.blf(pbx, '1009');
        await phone.subscribe('1001*spb');
        await phone.shows('1001*spb', 'early');
        await ami.setCustom('1001*spb', 'NOT_INUSE');
        await phone.shows('1001*spb', 'terminated');
        await assert.rejects(phone.subscribe('1001*nsk'), /404/);
      }));

    test('a tag with dots or with x, z, n in it is matched exactly', () =>
      withSite(root(), switchedOn(readFileSync(HINTMESH_CONF, 'utf8')), ({ ami }) =>
        assertHints(ami, {
          '1001*b.example.com': 'Custom:1001*b.example.com Idle',
          '*761001*b.example.com': 'Custom:*761001*b.example.com Idle',
          '1001*bxexample.com': 'none',
          '1001*b.e1ample.com': 'none',
          '1001*b.eXample.com': 'none',
          '1001*b.example.com.org': 'none',
          '1001*nizhny': 'Custom:1001*nizhny Idle',
          '1001*2i22h2y': 'none',
          '1001*Nizhny': 'none',
          '1001*spb': 'Custom:1001*spb Idle',
        }),
      ));

    test('a name written with dashes is the lamp it means, and takes that lamp from nobody', () =>
      withSite(root(), readFileSync(HINTMESH_CONF, 'utf8'), async ({ ami }) => {
        await ami.setCustom('1002*spb', 'INUSE');
        // The first to ask makes the hint, and 1002*spb is then served the same one.
        await assertHints(ami, {
          '1-002*spb': 'Custom:1002*spb InUse',
          '1002*spb': 'Custom:1002*spb InUse',
          '*76-1001*s-pb': 'Custom:*761001*spb Idle',
        });
      }));

    test('on msk itself 1001*msk is the hint of 1001, over a reload too, and calls 1001', () =>
      withSite(root(), readFileSync(HINTMESH_CONF, 'utf8'), async ({ lab, pbx, ami }) => {
        const callee = await lab.sipp(pbx, '1001');
        const caller = await lab.sipp(pbx, '1002');
        await ami.setCustom('l1003', 'INUSE');
        await ami.setCustom('DEVDND1001', 'BUSY');
        await assertHints(ami, {
          '1001*msk': 'PJSIP/1001&Custom:DND1001,CustomPresence:1001 Idle',
          '1003*msk': 'Custom:l1003 InUse',
          '*761001*msk': 'Custom:DEVDND1001 Busy',
          '1999*msk': ' Unavailable',
          '10*msk': 'none',
        });
        const watcher = await lab.blf(pbx, '1009');
        await watcher.subscribe('1001*msk');
        await ami.command('dialplan reload');
        const taken = await callee.takeCall({ ringMs: 500 });
        const made = await caller.call('1001*msk', { talkMs: 500 });
        await Promise.all([taken.done, made.done]);
        await watcher.shows('1001*msk', 'terminated');
        assert.deepEqual(watcher.shown('1001*msk'), ['terminated', 'early', 'confirmed', 'terminated']);
        assert.deepEqual(dialledOn(lab, '1001'), ['1001']);
      }));

    test('a call to a lamp goes out on the trunk of its tag, with the part before the last star', () =>
      withSite(root(), switchedOn(readFileSync(HINTMESH_CONF, 'utf8')), async ({ lab, pbx, ami }) => {
        const caller = await lab.sipp(pbx, '1002');
        const trunks = {
          'trunk-spb': ['1001*spb', '*761001*spb', '100*spb', '100001*spb'],
          'trunk-b.example.com': ['1001*b.example.com'],
        };
        for (const [name, numbers] of Object.entries(trunks)) {
          const trunk = await lab.sipp(pbx, name);
          for (const number of numbers) {
            // Calls find their way also when the hint of the same name was made already.
            await hintOf(ami, number);
            const taken = await trunk.takeCall({ ringMs: 50 });
            const made = await caller.call(number, { talkMs: 50 });
            await Promise.all([taken.done, made.done]);
          }
        }
        assert.deepEqual(dialledOn(lab, 'trunk-spb'), ['1001', '*761001', '100', '100001']);
        assert.deepEqual(dialledOn(lab, 'trunk-b.example.com'), ['1001']);
      }));

    test('the file for the other side is this one with the two tags exchanged', async () => {
      const sed = /^; {3}sed '(.*)' hintmesh\.conf$/m.exec(readFileSync(HINTMESH_CONF, 'utf8'))?.[1];
      const text = await run(['sed', sed ?? '', HINTMESH_CONF]);
      await withSite(root(), text, async ({ pbx, ami }) => {
        await ami.setCustom('l1003', 'INUSE');
        await assertHints(ami, {
          '1003*msk': 'Custom:1003*msk Idle',
          '1003*spb': 'Custom:l1003 InUse',
        });
        assert.match(await pbx.cli('dialplan show 1003*msk@phones'), /LEN\(\*msk\).*@trunk-msk\)/);
      });
    });

    test('the shipped manager user has what the broker needs, and little else', () => {
      const text = readFileSync(shipped('deploy/manager.conf'), 'utf8');
      // Beside the harness's user of that name; the secret is the one line that an admin must change.
      const manager = text.replace('[hintmesh]', '[shipped]').replace(/^secret = .*$/m, 'secret = test-only');
      const site = readFileSync(HINTMESH_CONF, 'utf8');
      return withSite(
        root(),
        site,
        async ({ pbx, ami }) => {
          const broker = await pbx.loginAs({ username: 'shipped', secret: 'test-only' });
          await broker.event('FullyBooted');
          await broker.setCustom('1001*spb', 'INUSE');
          assert.equal(await broker.hintState('1001*spb', 'phones'), 'InUse');
          assert.ok((await broker.list('ExtensionStateList')).some((row) => row['exten'] === '1001*spb'));
          assert.ok(
            (await broker.list('DeviceStateList')).some((row) => row['device'] === 'Custom:1001*spb'),
          );
          await ami.action({ Action: 'Reload', Module: 'pbx_config.so' });
          const call = { Channel: 'Local/1003@phones', Application: 'Wait', Data: '1' };
          await ami.action({ Action: 'Originate', ...call, Async: 'true' });
          await ami.event('OriginateResponse');
          await broker.setCustom('1001*spb', 'RINGING');
          await until('the lamp rings', () => broker.changesOf('Custom:1001*spb').includes('RINGING'));
          await until('Reload', () => broker.events.some((event) => event['event'] === 'Reload'));
          const heard = new Set(broker.events.map((event) => event['event']));
          // Nothing of the call, which made other events for those who hear all.
          assert.deepEqual([...heard].sort(), [
            'DeviceStateChange',
            'ExtensionStatus',
            'FullyBooted',
            'Reload',
          ]);
          assert.ok(ami.events.some((event) => event['event'] === 'Newchannel'));
          for (const action of ['Command', 'Originate', 'Reload', 'UserEvent', 'DBPut', 'UpdateConfig']) {
            assert.match((await broker.action({ Action: action }))['message'] ?? '', /denied/, action);
          }
        },
        manager,
      );
    });
  });
}
