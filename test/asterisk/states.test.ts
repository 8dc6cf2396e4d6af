// Same state, same lamp: each cell of the tables in docs/states.md, on phones of all three kinds, with a pair of brokers
// between the device and the phone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEVICE_STATES } from '../../src/core/state.ts';
import { available, eachPairing } from './available.ts';
import type { BlfPhone } from './blf-phone.ts';
import { inLab, type Lab } from './lab.ts';
import { believes, HASTY, lampsAre, MSK, type Pair, setDevices, startPair, WATCHER } from './pair.ts';
import { type Kind, PACKAGES, type Row, tableOf } from './states-table.ts';
import { takeAway } from './taken-away.ts';

const asterisks = await available();

const KINDS = Object.keys(PACKAGES) as Kind[];
/** Its hint goes; nobody ever had the other one. */
const [REMOVED, NEVER] = ['2099', '2999'] as const;

/** A phone that is to see that a phone which talks rings too. */
const EARLY = 'early';

type Phones = Readonly<Record<Kind, BlfPhone<string>>>;

/** Extension 200N is the hint, and 300N the device, in the Nth state. */
function extensionsOf({ what }: Row): string[] {
  if (what === 'the hint was removed (-2)') return [REMOVED];
  if (what === 'there never was one (-1)') return [NEVER];
  const [state = '', by] = what.split(' by a ');
  const n = (DEVICE_STATES as readonly string[]).indexOf(state);
  assert.ok(n >= 0, `${what} is a state`);
  if (by === undefined) return state === 'UNKNOWN' ? [`200${n}`] : [`200${n}`, `300${n}`];
  return [by === 'hint' ? `200${n}` : `300${n}`];
}

/** The devices behind them, in their states. One that was never set is UNKNOWN. */
const DEVICES = Object.fromEntries(
  DEVICE_STATES.flatMap((state, n) =>
    state === 'UNKNOWN'
      ? []
      : [
          [`l200${n}`, state],
          [`d300${n}`, state],
        ],
  ),
);

async function phonesOf(lab: Lab, { spb }: Pair, extensions: readonly string[]): Promise<Phones> {
  const opened = KINDS.map(async (kind) => {
    const phone = await lab.presencePhone<string>(spb, WATCHER, PACKAGES[kind]);
    for (const extension of extensions) await phone.subscribe(`${extension}*${MSK}`);
    return [kind, phone] as const;
  });
  return Object.fromEntries(await Promise.all(opened)) as Phones;
}

/** The row is what Asterisk has, and what the phones are sent. */
async function holds(row: Row, extensions: readonly string[], { spb }: Pair, phones: Phones): Promise<void> {
  for (const extension of extensions) {
    const lamp = `${extension}*${MSK}`;
    await lampsAre(spb, { [lamp]: row.written });
    for (const kind of KINDS) {
      await phones[kind].shows(lamp, row.shown[kind]).catch((error) => {
        throw new Error(`${row.what}, ${kind}: ${error instanceof Error ? error.message : error}`);
      });
    }
  }
}

describe('same state, same lamp', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: each cell of docs/states.md`, () =>
      inLab(async (lab) => {
        const pair = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          spbExtras: {
            modules: ['res_pjsip_xpidf_body_generator'],
            pjsip: `[${EARLY}](phone)\nnotify_early_inuse_ringing=yes\n`,
          },
          broker: { timing: HASTY },
          mskBroker: {
            exports: [
              { context: 'phones', match: '_2XXX' },
              { device: 'Custom:d{ext}', match: '3000-3009' },
            ],
          },
        });
        const { msk, mskBroker, spbBroker } = pair;
        const rows = tableOf('source state');
        const states = new Set(rows.map(({ what }) => what.split(' ')[0]));
        assert.deepEqual(
          DEVICE_STATES.filter((state) => !states.has(state)),
          [],
        );

        const busy = extensionsOf({ what: 'INUSE' } as Row);
        const phones = await phonesOf(lab, pair, [...new Set(rows.flatMap(extensionsOf))]);
        await setDevices(msk, DEVICES);
        await takeAway(msk, REMOVED);
        for (const row of rows) await holds(row, extensionsOf(row), pair, phones);
        const early = await lab.blf(pair.spb, EARLY);
        const [both = ''] = extensionsOf({ what: 'RINGINUSE' } as Row);
        await early.subscribe(`${both}*${MSK}`);
        assert.equal(early.lamp(`${both}*${MSK}`), 'early');

        await mskBroker.kill();
        await believes(spbBroker, MSK, 'gone');
        for (const row of tableOf('gone_state')) {
          const [gone_state = ''] = row.what.split(', it was ');
          await spbBroker.reload({ lamps: { gone_state } });
          await holds(row, busy, pair, phones);
        }
        assert.deepEqual([...msk.errors(), ...pair.spb.errors()], []);
      }));
  }
});
