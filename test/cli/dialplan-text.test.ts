// The dialplan that is printed: its lines, their order, and that the hand-written file has the same ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Key, SAME } from '../../src/cli/dialplan-names.ts';
import { type DialplanOptions, mannerOf, samplesOf } from '../../src/cli/dialplan-options.ts';
import { dialplanText, type Plan } from '../../src/cli/dialplan-text.ts';

const HAND_WRITTEN = new URL('../../dialplan/hintmesh.conf', import.meta.url);

function key(name: string, more: Partial<Key> = {}): Key {
  return { name, number: name, relation: SAME, presence: false, mailbox: false, ...more };
}

function mailbox(box: string, more: Partial<Key> = {}): Key {
  return key(`vm${box}`, { number: box, relation: { ...SAME, before: 'vm' }, mailbox: true, ...more });
}

const { number: _, ...UNKNOWN } = key('777');
const PLAN: Plan = {
  own: 'msk',
  keys: [
    key('1001'),
    key('*761001'),
    mailbox('1001', { voicemailContext: 'default' }),
    key('front'),
    key('h'),
  ],
  peers: [
    {
      tag: 'spb',
      keys: [key('2001', { presence: true }), mailbox('2001'), key('*762001'), key('front'), UNKNOWN],
    },
    { tag: 'nizhny', keys: [key('73', { number: '3', relation: { ...SAME, before: '7' } })] },
  ],
  plain: [
    { ...key('3001', { presence: true }), pbx: 'spb' },
    { ...key('99'), pbx: 'nizhny' },
  ],
  samples: [],
  called: [],
};

function print(plan: Plan, options: Partial<DialplanOptions> = {}): string[] {
  return dialplanText(plan, mannerOf({ config: 'c', ...options }), 'hintmesh dialplan').split('\n');
}

const isDialplan = (line: string) => line !== '' && !line.startsWith(';');

/** The lines of one context. */
function context(lines: readonly string[], name: string): string[] {
  const from = lines.indexOf(`[${name}]`);
  assert.ok(from >= 0, `[${name}] is there`);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => line.startsWith('['));
  return (end < 0 ? rest : rest.slice(0, end)).filter(isDialplan);
}

describe('the printed dialplan', () => {
  test('has one context to include, which includes the others', () => {
    assert.deepEqual(context(print(PLAN), 'hintmesh'), [
      'exten => hintmesh,hint,Custom:hintmesh',
      'include => hintmesh-msk',
      'include => hintmesh-nizhny',
      'include => hintmesh-spb',
      'include => hintmesh-plain-lamps',
    ]);
  });

  test('for the own tag: the hints that are here anyway, and mailboxes', () => {
    assert.deepEqual(context(print(PLAN, { voicemail: '*97' }), 'hintmesh-msk'), [
      'exten => _XXXX*msk,hint,${HINT(${EXTEN:0:-${LEN(*msk)}}@from-internal)}',
      ' same => 1,Goto(${EXTEN:0:-${LEN(*msk)}},1)',
      'exten => _**XXXX*msk,1,Goto(**${EXTEN:2:-${LEN(*msk)}},1)',
      'exten => _*XXXXXX*msk,hint,${HINT(${EXTEN:0:-${LEN(*msk)}}@from-internal)}',
      ' same => 1,Goto(${EXTEN:0:-${LEN(*msk)}},1)',
      'exten => _vmXXXX*msk,hint,MWI:${STRREPLACE(EXTEN,-):2:-${LEN(*msk)}}@default',
      ' same => 1,Goto(*97,1)',
      'exten => _fro[n]t*msk,hint,${HINT(front@from-internal)}',
      ' same => 1,Goto(front,1)',
      'exten => **front*msk,1,Goto(**front,1)',
      'exten => _h*msk,hint,${HINT(h@from-internal)}',
      ' same => 1,Goto(h,1)',
      'exten => **h*msk,1,Goto(**h,1)',
    ]);
  });

  test('for a peer: lamps, calls and pickups; codes and mailboxes ring nowhere', () => {
    assert.deepEqual(context(print(PLAN), 'hintmesh-spb'), [
      'exten => _XXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)},CustomPresence:${STRREPLACE(EXTEN,-)}',
      ' same => 1,Dial(PJSIP/${EXTEN:0:-${LEN(*spb)}}@trunk-spb)',
      'exten => _**XXXX*spb,1,Dial(PJSIP/**${EXTEN:2:-${LEN(*spb)}}@trunk-spb)',
      'exten => _*XXXXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
      ' same => 1,Dial(PJSIP/${EXTEN:0:-${LEN(*spb)}}@trunk-spb)',
      'exten => _vmXXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
      'exten => 777*spb,hint,Custom:777*spb',
      'exten => front*spb,hint,Custom:front*spb',
      ' same => 1,Dial(PJSIP/front@trunk-spb)',
      'exten => **front*spb,1,Dial(PJSIP/**front@trunk-spb)',
    ]);
    assert.deepEqual(context(print(PLAN), 'hintmesh-nizhny'), [
      'exten => _7X*[n]i[z]h[n]y,hint,Custom:${STRREPLACE(EXTEN,-)}',
      ' same => 1,Dial(PJSIP/${EXTEN:1:-${LEN(*nizhny)}}@trunk-nizhny)',
      'exten => _**7X*[n]i[z]h[n]y,1,Dial(PJSIP/**${EXTEN:3:-${LEN(*nizhny)}}@trunk-nizhny)',
    ]);
  });

  test('plain lamps are written out, 99 before 3001', () => {
    assert.deepEqual(context(print(PLAN), 'hintmesh-plain-lamps'), [
      'exten => 99,hint,Custom:99',
      ' same => 1,Dial(PJSIP/99@trunk-nizhny)',
      'exten => **99,1,Dial(PJSIP/**99@trunk-nizhny)',
      'exten => 3001,hint,Custom:3001,CustomPresence:3001',
      ' same => 1,Dial(PJSIP/3001@trunk-spb)',
      'exten => **3001,1,Dial(PJSIP/**3001@trunk-spb)',
    ]);
    assert.ok(!print({ ...PLAN, plain: [] }).some((line) => line.includes('plain-lamps')));
  });

  test('trunks of peers reach what is exported, by its codes, and nothing that Asterisk goes to by itself', () => {
    const pickup = (name: string, number: string) => [
      `exten => ${name},1,Set(HINTMESH=\${HINT(${number}@from-internal)})`,
      ` same => n,Pickup(${number}@from-internal&${number}@PICKUPMARK)`,
      ' same => n,PickupChan(${CUT(HINTMESH,\\,,1)})',
      ' same => n,Hangup(19)',
    ];
    assert.deepEqual(context(print(PLAN), 'hintmesh-from-peers'), [
      'exten => _XXXX,1,Goto(from-internal,${EXTEN},1)',
      ...pickup('_**XXXX', '${EXTEN:2}'),
      'exten => _*76XXXX,1,Goto(from-internal,${EXTEN},1)',
      'exten => front,1,Goto(from-internal,front,1)',
      ...pickup('**front', 'front'),
    ]);
    const last = (voicemail: string) => context(print(PLAN, { voicemail }), 'hintmesh-from-peers');
    assert.equal(last('*97').at(-1), 'exten => *97,1,Goto(from-internal,*97,1)');
    assert.ok(last('*98{ext}#').includes('exten => _*98XXXX#,1,Goto(from-internal,${EXTEN},1)'));
  });

  test('has the lines of the hand-written file, for the lengths that are in there', () => {
    const samples = samplesOf('3-6');
    const peers = [{ tag: 'spb', keys: [] }];
    const printed = print({ own: 'msk', keys: [], peers, plain: [], samples, called: [] }, { pickup: false });
    const written = readFileSync(HAND_WRITTEN, 'utf8').split('\n').filter(isDialplan);
    assert.deepEqual(printed.filter(isDialplan), [...written, '[hintmesh-from-peers]']);
  });

  test('is the same whatever the order of what is told', () => {
    const turned = {
      ...PLAN,
      keys: PLAN.keys.toReversed(),
      peers: PLAN.peers.toReversed().map(({ tag, keys }) => ({ tag, keys: keys.toReversed() })),
      plain: PLAN.plain.toReversed(),
    };
    assert.deepEqual(print(turned), print(PLAN));
  });

  test('another context, trunk, prefix, number of the voicemail', () => {
    const options = {
      context: 'phones',
      trunk: ['spb=IAX2/to-{tag}/{ext}', 'SIP/{ext}@{tag},30'],
      pickup: '#8',
      voicemail: '*98{ext}',
    };
    const lines = print(PLAN, options);
    assert.ok(lines.includes(' same => 1,Dial(SIP/${EXTEN:1:-${LEN(*nizhny)}}@nizhny,30)'));
    assert.ok(lines.includes(' same => 1,Dial(IAX2/to-spb/*98${EXTEN:2:-${LEN(*spb)}})'));
    assert.ok(lines.includes('exten => _#8XXXX*spb,1,Dial(IAX2/to-spb/**${EXTEN:2:-${LEN(*spb)}})'));
    assert.ok(lines.includes('exten => _#8XXXX*msk,1,Goto(#8${EXTEN:2:-${LEN(*msk)}},1)'));
    assert.ok(lines.includes('exten => _XXXX,1,Goto(phones,${EXTEN},1)'));
    assert.ok(!lines.some((line) => line.includes('from-internal')));
  });

  test('without pickup nothing of it is there', () => {
    assert.ok(!print(PLAN, { pickup: false }).some((line) => /\*\*|Pickup/.test(line)));
  });

  test('another hint for extensions here, where theirs is made by a pattern', () => {
    const lines = print(PLAN, { hint: 'PJSIP/{ext}&SIP/{ext}' });
    for (const line of [
      'exten => _XXXX*msk,hint,PJSIP/${STRREPLACE(EXTEN,-):0:-${LEN(*msk)}}&SIP/${STRREPLACE(EXTEN,-):0:-${LEN(*msk)}}',
      'exten => _*XXXXXX*msk,hint,${HINT(${EXTEN:0:-${LEN(*msk)}}@from-internal)}',
      'exten => _fro[n]t*msk,hint,PJSIP/front&SIP/front',
      'exten => _**XXXX,1,Set(HINTMESH=PJSIP/${EXTEN:2}&SIP/${EXTEN:2})',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  test('with presence in every lamp, but those of mailboxes have none', () => {
    const lamps = print(PLAN, { presence: true }).filter((line) => /hint,Custom:/.test(line));
    const without = lamps.filter((line) => !line.includes(',CustomPresence:'));
    assert.deepEqual(without, [
      'exten => hintmesh,hint,Custom:hintmesh',
      'exten => _vmXXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
    ]);
  });

  test('for FreePBX it says include in the context that is left to the admin', () => {
    assert.deepEqual(context(print(PLAN, { freepbx: true }), 'from-internal-custom'), [
      'include => hintmesh',
    ]);
  });

  test('a plain lamp whose name the peer may choose has no call and no pickup', () => {
    const plain = [
      { ...key('301'), pbx: 'spb' },
      { ...key('911', { presence: true }), pbx: 'spb', lampOnly: true },
    ];
    assert.deepEqual(context(print({ ...PLAN, plain }), 'hintmesh-plain-lamps'), [
      'exten => 301,hint,Custom:301',
      ' same => 1,Dial(PJSIP/301@trunk-spb)',
      'exten => **301,1,Dial(PJSIP/**301@trunk-spb)',
      'exten => 911,hint,Custom:911,CustomPresence:911',
    ]);
  });
});
