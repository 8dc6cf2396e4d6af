// The share of fuzzing that CI does: some thousand inputs of each kind, from another seed every time. What fails is
// printed as a file for `npm run fuzz -- --replay FILE`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kind } from './generate.ts';
import { asText, fromText } from './input.ts';
import { attempt, run } from './run.ts';
import { loadSource } from './source.ts';

const SEED = Number(process.env['HINTMESH_FUZZ_SEED'] ?? Date.now() % 1_000_000_007);
const INPUTS: Readonly<Record<Kind, number>> = { mesh: 4_000, ami: 1_200 };

/** What must have happened: else nothing was tried. */
const HAPPENED: Readonly<Record<Kind, readonly string[]>> = {
  mesh: [
    ...['hello', 'snapshot', 'change', 'alive', 'bye', 'write', 'skipped', 'dropped'],
    ...['refused bad-frame', 'refused tag-in-use', 'refused limits'],
  ],
  ami: [
    ...[
      'up',
      'taken',
      'ended',
      'stuck',
      'hint',
      'device',
      'channel state',
      'channel gone',
      'relisted',
      'write',
    ],
    ...['failed not-asterisk', 'hintNamesLamp', 'presence', 'mailbox'],
  ],
};

const source = await loadSource();

for (const kind of ['mesh', 'ami'] as const) {
  test(`${INPUTS[kind]} inputs of ${kind}: no crash, no state or name that is none, memory and time bounded`, async (t) => {
    t.diagnostic(`seed ${SEED}`);
    const { failure, seen, slowestMs } = await run(kind, SEED, INPUTS[kind], source);
    if (failure) assert.fail(`seed ${SEED}: ${failure.why}\n${asText(failure.inputs)}`);
    t.diagnostic(`slowest ${slowestMs.toFixed(0)} ms`);
    for (const what of HAPPENED[kind]) assert.ok((seen[what] ?? 0) > 0, `seed ${SEED}, ${what}: never`);
  });
}

test('a file of inputs says what it was made of, whatever the bytes', () => {
  const inputs = [
    { target: 'events' as const, parts: [Buffer.from('\r\n\0\xff', 'latin1'), Buffer.alloc(0)] },
    { target: 'session' as const, parts: [] },
  ];
  assert.deepEqual(fromText(asText(inputs)), inputs);
});

test('one input can be tried alone, and says what is wrong with it', async () => {
  const good = { target: 'frames' as const, parts: [Buffer.from('{"seq":2,"type":"alive"}')] };
  assert.equal(await attempt([good], source), undefined);
  class Link extends source.Link {
    override start(): void {
      super.start();
      this.close('closed', 'a line\nbreak');
    }
  }
  assert.match((await attempt([good], { ...source, Link })) ?? '', /U\+a/);
});
