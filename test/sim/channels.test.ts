// Channels of the simulated Asterisk, as far as recordings do not show them: that events, rows, devices and hints say
// the same whatever is played, and the renames of Asterisk up to 11, which are from its source.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aggregate, type DeviceState } from '../../src/core/state.ts';
import type { Call } from './calls.ts';
import { Pbx, type PbxEvent, type PbxOptions } from './pbx.ts';

const PHONES = ['1001', '1002', '1003', '1004'];
const HINTS = Object.fromEntries(PHONES.map((phone) => [phone, `PJSIP/${phone}`]));

function boot(options: PbxOptions = {}): { pbx: Pbx; events: PbxEvent[] } {
  const events: PbxEvent[] = [];
  const pbx = new Pbx({ hints: HINTS, ...options });
  pbx.onEvent = (event) => events.push(event);
  pbx.loadModules();
  pbx.dialplanReload();
  return { pbx, events };
}

const field = (fields: PbxEvent['fields'], name: string) =>
  fields.find(([header]) => header === name)?.[1] ?? '';

interface Known {
  name: string;
  state: string;
  held: boolean;
}

/** What a listener makes of the events, as src/core must: name and state by id; up to 11 states go with the names. */
function listen(events: readonly PbxEvent[]): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const { name: event, fields } of events) {
    const id = field(fields, 'Uniqueid');
    const channel = known.get(id);
    if (event === 'Newchannel' || event === 'Newstate') {
      const [name, state] = [field(fields, 'Channel'), field(fields, 'ChannelState')];
      known.set(id, { name, state, held: channel?.held ?? false });
    } else if (event === 'Hangup') known.delete(id);
    else if (event === 'Rename' && channel) {
      channel.name = field(fields, 'Newname');
      const other = [...known.values()].find(({ name }) => name === `${channel.name}<MASQ>`);
      if (other) [channel.state, other.state] = [other.state, channel.state];
    }
  }
  return known;
}

/** Random lives of calls; every call ends up in some state or gone. */
const script = fc.array(
  fc.record({
    verb: fc.constantFrom('call', 'answer', 'hold', 'resume', 'hangup', 'reject', 'pickUp', 'transfer'),
    a: fc.nat({ max: 3 }),
    b: fc.nat({ max: 3 }),
  }),
  { maxLength: 30 },
);

function perform(pbx: Pbx, steps: readonly { verb: string; a: number; b: number }[]): void {
  const calls: Call[] = [];
  for (const { verb, a, b } of steps) {
    const [from = '', to = ''] = [PHONES[a], PHONES[b]];
    const call = calls[a];
    try {
      if (verb === 'call' && from !== to) calls.push(pbx.call(from, to));
      else if (verb === 'answer') call?.answer();
      else if (verb === 'hold') call?.hold();
      else if (verb === 'resume') call?.resume();
      else if (verb === 'hangup') call?.hangup();
      else if (verb === 'reject') call?.reject();
      else if (verb === 'pickUp') call?.pickUp(to);
      else if (verb === 'transfer' && call !== calls[b]) call?.transfer(calls[b] ?? call);
    } catch (error) {
      assert.match(String(error), /no phone in common/);
    }
  }
  pbx.settle();
}

test('whatever calls are made, events and rows tell the same channels, and devices and hints follow them', () => {
  fc.assert(
    fc.property(script, fc.nat(), fc.boolean(), (steps, seed, renames) => {
      const { pbx, events } = boot({ seed, renames });
      perform(pbx, steps);
      const known = listen(events);
      const rows = pbx.channelRows().map((row) => [field(row, 'Uniqueid'), row] as const);
      assert.deepEqual(
        new Map([...known].map(([id, { name, state }]) => [id, `${name} ${state}`])),
        new Map(rows.map(([id, row]) => [id, `${field(row, 'Channel')} ${field(row, 'ChannelState')}`])),
      );
      const WORDS: Record<string, DeviceState> = { 4: 'INUSE', 5: 'RINGING', 6: 'INUSE', 7: 'BUSY' };
      for (const phone of PHONES) {
        const states = [...known.values()].flatMap(({ name, state }) =>
          name.startsWith(`PJSIP/${phone}-`) && !name.endsWith('>') ? [WORDS[state] ?? 'NOT_INUSE'] : [],
        );
        const device = pbx.deviceState(`PJSIP/${phone}`);
        const unheld = device === 'ONHOLD' ? 'INUSE' : device === 'INVALID' ? 'NOT_INUSE' : device;
        const expected = aggregate(['NOT_INUSE', ...states]);
        // A device of which one call is held and another is not shows the other; hold is in no event of it.
        assert.equal(unheld, expected, phone);
        if (device !== 'INVALID') assert.equal(pbx.hintState(phone), device, phone);
      }
    }),
    { numRuns: 300 },
  );
});

test('a pickup as of Asterisk up to 11 renames: the id of the ringing phone goes on under the name of the other', () => {
  const { pbx, events } = boot({ renames: true });
  const call = pbx.call('1001', '1002');
  call.pickUp('1003');
  call.hold('1003');
  call.resume('1003');
  pbx.settle();
  const about = events.filter(({ fields }) => field(fields, 'Uniqueid') !== '');
  const told = about.map(({ name, fields }) =>
    [name, ...['Channel', 'Newname', 'Status', 'ChannelState'].map((header) => field(fields, header))]
      .filter((text) => text !== '')
      .join(' '),
  );
  assert.deepEqual(told.slice(3), [
    'Newchannel PJSIP/1003-00000002 4',
    'Newstate PJSIP/1003-00000002 6',
    'Newstate PJSIP/1001-00000000 6',
    'Rename PJSIP/1003-00000002 PJSIP/1003-00000002<MASQ>',
    'Rename PJSIP/1002-00000001 PJSIP/1003-00000002',
    'Rename PJSIP/1003-00000002<MASQ> PJSIP/1002-00000001<ZOMBIE>',
    'Hangup PJSIP/1002-00000001<ZOMBIE> 5',
    'Hold PJSIP/1003-00000002 On',
    'Hold PJSIP/1003-00000002 Off',
  ]);
  const ids = about.map(({ fields }) => field(fields, 'Uniqueid').split('.')[1]);
  assert.deepEqual(ids.slice(3), ['2', '2', '0', '2', '1', '2', '2', '1', '1']);
  assert.equal(pbx.deviceState('PJSIP/1002'), 'NOT_INUSE');
  assert.equal(pbx.deviceState('PJSIP/1003'), 'INUSE');
});

test('a restart forgets the channels without a word, and no id is given twice', () => {
  const { pbx, events } = boot();
  const call = pbx.call('1001', '1002');
  pbx.settle();
  const ids = pbx.channelRows().map((row) => field(row, 'Uniqueid'));
  assert.equal(ids.length, 2);
  pbx.forget();
  const told = events.length;
  call.answer();
  call.hangup();
  pbx.call('1003', '1004');
  pbx.loadModules();
  pbx.settle();
  assert.equal(events.length, told);
  assert.deepEqual(pbx.channelRows(), []);
  pbx.call('1001', '1002');
  for (const row of pbx.channelRows()) assert.ok(!ids.includes(field(row, 'Uniqueid')));
});
