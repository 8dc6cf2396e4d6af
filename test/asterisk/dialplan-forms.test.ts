// Each form that `hintmesh dialplan` prints, in real Asterisks: which names have which lamp, what a key calls, what the
// trunks of peers reach, what presence does to a phone that wants none, and the flavour for FreePBX.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Key } from '../../src/cli/dialplan-names.ts';
import { mannerOf, samplesOf } from '../../src/cli/dialplan-options.ts';
import { dialplanText, type Plan } from '../../src/cli/dialplan-text.ts';
import { until } from '../until.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { available, eachRoot } from './available.ts';
import { hintOf } from './dialplan-scene.ts';
import { inLab, type Lab } from './lab.ts';

const asterisks = await available();

const key = (name: string, more: Partial<Key> = {}): Key => ({
  name,
  number: name,
  relation: { before: '', after: '', lead: '', trail: '' },
  presence: false,
  mailbox: false,
  ...more,
});
const mailbox = (box: string, more: Partial<Key> = {}): Key =>
  key(`vm${box}`, {
    number: box,
    relation: { before: 'vm', after: '', lead: '', trail: '' },
    mailbox: true,
    ...more,
  });
/** Called 8 and three digits here, and 12 and the same at home. */
const renamed = (digits: string): Key =>
  key(`8${digits}`, { number: `12${digits}`, relation: { before: '8', after: '', lead: '12', trail: '' } });
const LONG = `zx.${'nx.'.repeat(20)}z`;

const PLAN: Plan = {
  own: 'msk',
  keys: [key('1001'), key('reception'), renamed('003'), mailbox('1001', { voicemailContext: 'default' })],
  peers: [
    {
      tag: 'spb',
      keys: [
        key('1001', { presence: true }),
        key('*761001'),
        key('reception', { presence: true }),
        mailbox('1001'),
      ],
    },
    { tag: 'b.example.com', keys: [key('1001'), renamed('003')] },
    { tag: 'nizhny', keys: [key('+7831'), key('x1.n')] },
    { tag: LONG, keys: [key('1001')] },
  ],
  plain: [
    { ...key('2001', { presence: true }), pbx: 'spb' },
    { ...key('fax'), pbx: 'nizhny' },
  ],
  samples: samplesOf('3'),
  called: [],
};
const FORMS_SITE = `[phones]
include => hintmesh
include => locals
[locals]
exten => 1001,hint,PJSIP/1001&Custom:DND1001
exten => 12003,hint,Custom:l12003
exten => reception,hint,Custom:front
exten => 1001,1,Wait(1)
[hintmesh]
exten => before,hint,Custom:before
`;

/** As FreePBX lays it out; the #include stands in the middle of the admin's own lines. */
const FREEPBX_SITE = `[phones]
include => from-internal
[from-internal]
include => from-internal-custom
include => ext-local
include => app-pickup
[from-internal-custom]
exten => 7771,1,NoOp()
#include hintmesh.conf
exten => 7772,1,NoOp()
[ext-local]
exten => 1001,hint,PJSIP/1001&Custom:DND1001,CustomPresence:1001
exten => 1001,1,Dial(PJSIP/1001)
[app-pickup]
exten => _**X.,1,Pickup(\${EXTEN:2})
`;

/** What priority 1 of an extension is. */
async function callOf(pbx: Asterisk, name: string, context = 'phones'): Promise<string> {
  const shown = await pbx.cli(`dialplan show ${name}@${context}`);
  return /1\. (.*?)\s+\[/.exec(shown)?.[1] ?? 'none';
}

for (const { title, root } of eachRoot(asterisks)) {
  describe(`forms that hintmesh dialplan prints, on ${title}`, { skip: asterisks.skip }, () => {
    const loaded = (scenario: (lab: Lab, pbx: Asterisk, ami: TestAmi) => Promise<void>) =>
      inLab(async (lab) => {
        const manner = mannerOf({ config: '', context: 'phones', voicemail: '*98{ext}' });
        const dialplan = `${FORMS_SITE}${dialplanText(PLAN, manner, 'hintmesh dialplan')}\n`;
        const pbx = await lab.pbx({ root: root(), name: 'msk', phones: ['1001', '1009'], dialplan });
        await scenario(lab, pbx, await pbx.ami());
        assert.deepEqual(pbx.errors(), []);
      });

    test('each name has its lamp, and names beside them have none', () =>
      loaded(async (_, __, ami) => {
        const expected: Record<string, string> = {
          hintmesh: 'Custom:hintmesh',
          // A context of this name that was there before keeps its lines.
          before: 'Custom:before',
          '1001*spb': 'Custom:1001*spb,CustomPresence:1001*spb',
          '1-002*spb': 'Custom:1002*spb,CustomPresence:1002*spb',
          '1002*spb': 'Custom:1002*spb,CustomPresence:1002*spb',
          '*761001*spb': 'Custom:*761001*spb',
          '100*spb': 'Custom:100*spb',
          'vm1001*spb': 'Custom:vm1001*spb',
          'vm100*spb': 'none',
          'VM1001*spb': 'none',
          'reception*spb': 'Custom:reception*spb,CustomPresence:reception*spb',
          'receptio*spb': 'none',
          '8003*b.example.com': 'Custom:8003*b.example.com',
          '1001*b.example.com': 'Custom:1001*b.example.com',
          '1001*bxexample.com': 'none',
          '+7831*nizhny': 'Custom:+7831*nizhny',
          '+7831*2i22h2y': 'none',
          'x1.n*nizhny': 'Custom:x1.n*nizhny',
          '11.2*nizhny': 'none',
          [`1001*${LONG}`]: `Custom:1001*${LONG}`,
          2001: 'Custom:2001,CustomPresence:2001',
          2002: 'none',
          fax: 'Custom:fax',
          '1001*msk': 'PJSIP/1001&Custom:DND1001',
          '8003*msk': 'Custom:l12003',
          'reception*msk': 'Custom:front',
          'vm1001*msk': 'MWI:1001@default',
          'vm1-002*msk': 'MWI:1002@default',
        };
        const found: Record<string, string> = {};
        for (const name of Object.keys(expected)) found[name] = await hintOf(ami, name);
        assert.deepEqual(found, expected);
      }));

    test('each key calls what it should, and the trunks of peers reach no more than what is exported', () =>
      loaded(async (_, pbx) => {
        const expected: Record<string, string> = {
          '1001*spb': 'Dial(PJSIP/${EXTEN:0:-${LEN(*spb)}}@trunk-spb)',
          '**1001*spb': 'Dial(PJSIP/**${EXTEN:2:-${LEN(*spb)}}@trunk-spb)',
          '**reception*spb': 'Dial(PJSIP/**reception@trunk-spb)',
          '**761001*spb': 'none',
          '***761001*spb': 'none',
          'vm1001*spb': 'Dial(PJSIP/*98${EXTEN:2:-${LEN(*spb)}}@trunk-spb)',
          '**vm1001*spb': 'none',
          '8003*b.example.com': 'Dial(PJSIP/12${EXTEN:1:-${LEN(*b.example.com)}}@trunk-b.example.com)',
          '1001*b.example.com': 'Dial(PJSIP/${EXTEN:0:-${LEN(*b.example.com)}}@trunk-b.example.com)',
          '8003*msk': 'Goto(12${EXTEN:1:-${LEN(*msk)}},1)',
          '**1001*msk': 'Goto(**${EXTEN:2:-${LEN(*msk)}},1)',
          2001: 'Dial(PJSIP/2001@trunk-spb)',
          '**2001': 'Dial(PJSIP/**2001@trunk-spb)',
        };
        const found: Record<string, string> = {};
        for (const name of Object.keys(expected)) found[name] = await callOf(pbx, name);
        assert.deepEqual(found, expected);
        const trunk: Record<string, string> = {
          1001: 'Goto(phones,${EXTEN},1)',
          8003: 'Goto(phones,12${EXTEN:1},1)',
          reception: 'Goto(phones,reception,1)',
          '**1001': 'Set(HINTMESH=${HINT(${EXTEN:2}@phones)})',
          '**8003': 'Set(HINTMESH=${HINT(12${EXTEN:3}@phones)})',
          '*981001': 'Goto(phones,${EXTEN},1)',
          100: 'none',
          12003: 'none',
          vm1001: 'none',
          '1001*spb': 'none',
          20011: 'none',
        };
        const reached: Record<string, string> = {};
        for (const name of Object.keys(trunk)) reached[name] = await callOf(pbx, name, 'hintmesh-from-peers');
        assert.deepEqual(reached, trunk);
      }));

    test('the flavour for FreePBX, whose own lines and contexts stay as they are', () =>
      inLab(async (lab) => {
        const text = dialplanText(
          PLAN,
          mannerOf({ config: '', freepbx: true }),
          'hintmesh dialplan --freepbx',
        );
        const pbx = await lab.pbx({
          root: root(),
          name: 'msk',
          phones: ['1001'],
          dialplan: FREEPBX_SITE,
          files: { 'hintmesh.conf': `${text}\n` },
        });
        const ami = await pbx.ami();
        assert.equal(await hintOf(ami, '1001*spb'), 'Custom:1001*spb,CustomPresence:1001*spb');
        assert.equal(await hintOf(ami, '1001*msk'), 'PJSIP/1001&Custom:DND1001,CustomPresence:1001');
        assert.match(await callOf(pbx, '**1001*spb'), /^Dial\(PJSIP\/\*\*\$/);
        assert.equal(await callOf(pbx, '**2001'), 'Dial(PJSIP/**2001@trunk-spb)');
        assert.equal(await callOf(pbx, '**1001'), 'Pickup(${EXTEN:2})');
        assert.equal(await callOf(pbx, '1001'), 'Dial(PJSIP/1001)');
        for (const name of ['7771', '7772']) assert.equal(await callOf(pbx, name), 'NoOp()');
        assert.equal(await callOf(pbx, '1001', 'hintmesh-from-peers'), 'Goto(from-internal,${EXTEN},1)');
        assert.deepEqual(pbx.errors(), []);
      }));

    test('a phone that wants the dialog alone sees presence in a hint as one NOTIFY of the same state', () =>
      loaded(async (lab, pbx, ami) => {
        const phone = await lab.blf(pbx, '1009');
        await phone.subscribe('1001*spb');
        const states = () => phone.notifies('1001*spb').map(({ state }) => state);
        const heard = (count: number) => until(`${count} NOTIFYs`, () => states().length === count);
        const set = async (value: string) => {
          const device = 'PRESENCE_STATE(CustomPresence:1001*spb)';
          const answer = await ami.action({ Action: 'Setvar', Variable: device, Value: value });
          assert.equal(answer['response'], 'Success');
        };
        await set('away,,');
        await heard(2);
        await set('away,,');
        await ami.setCustom('1001*spb', 'RINGING');
        await heard(3);
        await set('dnd,,');
        await heard(4);
        await ami.setCustom('1001*spb', 'INUSE');
        await heard(5);
        assert.deepEqual(states(), ['terminated', 'terminated', 'early', 'early', 'confirmed']);
        assert.ok(phone.notifies('1001*spb').every(({ body }) => !/away|dnd/.test(body)));
      }));
  });
}
