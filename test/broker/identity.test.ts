// Changing the identity of a PBX as docs/security.md tells it, with whole brokers: no lamp flashes.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';
import { type Site, startSites } from './sites.ts';

let sites: Site[] = [];
afterEach(() => Promise.all(sites.map((site) => site.stop())));

const asterisk = {
  bootMs: 20,
  hints: { '1001': 'PJSIP/1001', '_XXXX*msk': 'Custom:${EXTEN}', '_XXXX*spb': 'Custom:${EXTEN}' },
  devices: { 'PJSIP/1001': 'INUSE' },
} as const;

test('the peers are told the next keys, the PBX takes them, the peers forget the old ones', async () => {
  sites = await startSites({ msk: { asterisk }, spb: { asterisk } });
  const [msk, spb] = sites as [Site, Site];
  const shows = (state: string) =>
    until(`1001*msk is ${state}`, () => spb.asterisk.lamp('1001*msk') === state);
  let links = 0;
  /** By a link that was not there before. */
  const linked = () =>
    until('linked', () => {
      const ups = spb.reports.filter(({ event }) => event === 'link-up').length;
      const { link, belief } = spb.broker?.status().peers[0] ?? {};
      if (ups <= links || link === undefined || belief !== 'live') return false;
      links = ups;
      return true;
    });
  await linked();
  spb.asterisk.subscribe('1001*msk');
  await shows('INUSE');
  const lamps = () => spb.reports.filter(({ event }) => event === 'lamp').length;
  const before = lamps();

  const next = loadIdentity(await generateIdentity('msk'));
  const told = spb.brokerOptions([msk]);
  const [entry] = told.peers;
  assert.ok(entry);
  spb.broker?.reconfigure({ ...told, peers: [{ ...entry, next: { fingerprint: next.fingerprint } }] });
  await linked();

  await msk.broker?.close();
  msk.identity = next;
  await msk.startBroker([spb]);
  await linked();

  spb.broker?.reconfigure({ ...told, peers: [{ ...entry, fingerprint: next.fingerprint }] });
  await linked();
  assert.equal(lamps(), before, 'no lamp was written');
  msk.asterisk.setDevice('PJSIP/1001', 'RINGING');
  await shows('RINGING');
  assert.deepEqual(
    spb.reports.filter(({ event, fields }) => event === 'peer-belief' && fields['to'] === 'gone'),
    [],
  );
});
