// One mesh of three PBXs and both transports: whoever is asked, the lamps are right, also after a broker died and
// after a site was cut off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { available } from './available.ts';
import { inLab } from './lab.ts';
import { lampsAre, MSK, SPB, setDevices, WATCHER } from './pair.ts';
import { EKB, LINES, startTrio, type Trio } from './trio.ts';

const asterisks = await available();
const CALLED = `1002*${MSK}`;

/** Of each site's own extensions: by tag, then by extension. */
type States = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Waits until the lamps show these states, each site's at both others; `at`: whose lamps are looked at. */
async function shown(
  { sites }: Trio,
  states: States,
  at: readonly string[] = [MSK, SPB, EKB],
): Promise<void> {
  const looked = sites.filter(({ tag }) => at.includes(tag));
  await Promise.all(
    looked.map(({ pbx, others }) => {
      const lamps = others.flatMap((other) =>
        Object.entries(states[other] ?? {}).map(([extension, state]) => [`${extension}*${other}`, state]),
      );
      return lampsAre(pbx, Object.fromEntries(lamps));
    }),
  );
}

/** Sets Custom devices. */
async function set({ site }: Trio, states: States): Promise<void> {
  for (const [tag, own] of Object.entries(states)) {
    const devices = Object.entries(own).map(([extension, state]) => [`l${extension}`, state]);
    await setDevices(site(tag).pbx, Object.fromEntries(devices));
  }
}

/** `hintmesh status` at each site has a line for each peer, with what it is linked over. */
async function statusNamesTransports({ sites }: Trio): Promise<void> {
  await Promise.all(
    sites.map(async ({ tag, broker, others }) => {
      const { out } = await broker.command('status');
      for (const other of others) {
        const line = LINES.find((each) => [tag, other].every((end) => Object.values(each).includes(end)));
        assert.match(out, new RegExp(`^${other} +live +${line?.transport} `, 'm'));
      }
    }),
  );
}

test(
  'three PBXs, one mesh, both transports: a call on one is seen at the others, whatever breaks',
  {
    skip: asterisks.skip,
  },
  () =>
    inLab(async (lab) => {
      const { forky, bullseye } = asterisks.roots();
      const trio = await startTrio(lab, [forky, bullseye, forky]);
      const { site, cut, mend } = trio;
      const msk = site(MSK);
      await statusNamesTransports(trio);
      const first: States = {
        [MSK]: { 2001: 'INUSE', 2002: 'NOT_INUSE' },
        [SPB]: { 2001: 'RINGING', 2002: 'BUSY' },
        [EKB]: { 2001: 'ONHOLD', 2002: 'NOT_INUSE' },
      };
      await set(trio, first);
      await shown(trio, first);

      const atSpb = await lab.blf(site(SPB).pbx, WATCHER);
      const atEkb = await lab.blf(site(EKB).pbx, WATCHER);
      const watchers = [atSpb, atEkb];
      for (const phone of watchers) await phone.subscribe(CALLED);
      const caller = await lab.softphone(msk.pbx, '1001');
      const callee = await lab.softphone(msk.pbx, '1002');
      const call = caller.call('1002');
      const taken = await callee.ringing();
      for (const phone of watchers) await phone.shows(CALLED, 'early');
      taken.answer();
      await call.is('talking');
      for (const phone of watchers) await phone.shows(CALLED, 'confirmed');

      // The broker that has both transports dies, and misses what happens meanwhile.
      await site(SPB).broker.kill();
      const second: States = {
        [MSK]: { 2001: 'NOT_INUSE', 2002: 'RINGING', 1002: 'INUSE' },
        [SPB]: { 2001: 'BUSY', 2002: 'NOT_INUSE' },
        [EKB]: { 2001: 'INUSE', 2002: 'ONHOLD' },
      };
      await set(trio, { ...second, [MSK]: { 2001: 'NOT_INUSE', 2002: 'RINGING' } });
      await site(SPB).broker.start();
      await shown(trio, second);

      // Its site is cut off from both others, which go on with each other.
      const away = { 2001: 'UNAVAILABLE', 2002: 'UNAVAILABLE', 1002: 'UNAVAILABLE' };
      await cut(SPB, MSK);
      await cut(SPB, EKB);
      const third: States = {
        [MSK]: { 2001: 'ONHOLD', 2002: 'NOT_INUSE' },
        [SPB]: { 2001: 'NOT_INUSE', 2002: 'INUSE' },
        [EKB]: { 2001: 'NOT_INUSE', 2002: 'BUSY' },
      };
      await set(trio, third);
      await shown(trio, { [MSK]: away, [EKB]: away }, [SPB]);
      await shown(trio, { ...third, [SPB]: away }, [MSK, EKB]);
      await mend(SPB, MSK);
      await mend(SPB, EKB);
      await shown(trio, { ...third, [MSK]: { ...third[MSK], 1002: 'INUSE' } });

      await call.hangUp();
      for (const phone of watchers) await phone.shows(CALLED, 'terminated');
      // Nothing ever stood between these two.
      assert.deepEqual(atEkb.shown(CALLED), ['terminated', 'early', 'confirmed', 'terminated']);
      assert.equal(atSpb.lamp(CALLED), 'terminated');
      await statusNamesTransports(trio);
    }),
);
