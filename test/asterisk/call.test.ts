// A call on one PBX, seen on the lamps of real subscriptions at the other, both ways at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asterisk } from './asterisk.ts';
import { available, eachPairing } from './available.ts';
import type { BlfPhone } from './blf-phone.ts';
import { TRANSPORTS } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import { startPair, WATCHER } from './pair.ts';

const asterisks = await available();

/** A lamp may be this much later than the phone itself: two AMI sessions, one link, one NOTIFY. */
const LATE_MS = 1_000;
const RING_MS = 1_000;
const TALK_MS = 1_000;

/** 1001 calls 1002 at `pbx`. */
async function call(lab: Lab, pbx: Asterisk): Promise<() => Promise<void>> {
  const [caller, callee] = [await lab.sipp(pbx, '1001'), await lab.sipp(pbx, '1002')];
  return async () => {
    const taken = await callee.takeCall({ ringMs: RING_MS });
    const made = await caller.call('1002', { talkMs: TALK_MS });
    await Promise.all([taken.done, made.done]);
  };
}

async function watch(lab: Lab, pbx: Asterisk, tag: string): Promise<BlfPhone> {
  const phone = await lab.blf(pbx, WATCHER);
  await phone.subscribe(`1001*${tag}`);
  await phone.subscribe(`1002*${tag}`);
  return phone;
}

async function sawTheCall(phone: BlfPhone, tag: string): Promise<void> {
  const [caller, callee] = [`1001*${tag}`, `1002*${tag}`];
  await phone.shows(caller, 'terminated');
  await phone.shows(callee, 'terminated');
  assert.deepEqual(phone.shown(caller), ['terminated', 'confirmed', 'terminated']);
  assert.deepEqual(phone.shown(callee), ['terminated', 'early', 'confirmed', 'terminated']);
  const at = (state: string): number =>
    phone.notifies(callee).find((notify) => notify.state === state)?.at ?? 0;
  const rang = at('confirmed') - at('early');
  assert.ok(Math.abs(rang - RING_MS) < LATE_MS, `the lamp rang for ${rang} ms, the phone for ${RING_MS} ms`);
  for (const { body, state } of phone.notifies(callee)) {
    assert.match(body, new RegExp(`<dialog id="1002\\*${tag}"[^]*<state>${state}</state>`));
  }
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  for (const transport of TRANSPORTS) {
    test(
      `${title}, ${transport}: phones see the other PBX's call ring, answered and ended, both ways at once`,
      {
        skip: asterisks.skip,
      },
      () =>
        inLab(async (lab) => {
          const { msk, spb } = await startPair(lab, {
            msk: origin(),
            spb: receiver(),
            transport,
          });
          const calls = [await call(lab, msk), await call(lab, spb)];
          const atSpb = await watch(lab, spb, 'msk');
          const atMsk = await watch(lab, msk, 'spb');
          await Promise.all(calls.map((begin) => begin()));
          await sawTheCall(atSpb, 'msk');
          await sawTheCall(atMsk, 'spb');
          assert.deepEqual([...msk.errors(), ...spb.errors()], []);
        }),
    );
  }
}
