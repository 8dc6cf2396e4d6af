// The demo: two simulated PBXs and two real brokers over pinned TLS on loopback. Calls go on in Moscow (msk)
// and a phone in St Petersburg (spb) watches them. With --once: one scripted call; exit code 0 only if the
// lamp went RINGING → INUSE → NOT_INUSE on the other side.
import { randomUUID } from 'node:crypto';
import { HOST, startSites } from '../broker/sites.ts';
import { until } from '../until.ts';
import { makeCalls } from './calls.ts';
import { once } from './once.ts';

const WATCHED = ['1001', '1002', '1003'];

const args = process.argv.slice(2);
if (args.some((arg) => arg !== '--once')) {
  console.error('usage: npm run demo [-- --once]');
  process.exit(2);
}

console.log(
  'Two simulated Asterisks, msk and spb, and a Hintmesh broker beside each, on loopback over pinned TLS.',
);
const devices = Object.fromEntries(WATCHED.map((extension) => [`PJSIP/${extension}`, 'NOT_INUSE'] as const));
const hints = Object.fromEntries(WATCHED.map((extension) => [extension, `PJSIP/${extension}`]));
// Nobody has this token: the demo can be looked at, not reloaded.
const broker = { http: { host: HOST, port: 0, token: randomUUID() } };
const [msk, spb] = await startSites({
  msk: { asterisk: { hints: { ...hints, '_XXXX*spb': 'Custom:${EXTEN}' }, devices }, broker },
  spb: { asterisk: { hints: { ...hints, '_XXXX*msk': 'Custom:${EXTEN}' }, devices }, broker },
});
if (msk === undefined || spb === undefined) throw new Error('the demo needs two sites');
// Until msk vouches for its lamps, spb shows them as unavailable.
await until(
  'spb hears msk',
  () => spb.broker?.status().peers.every(({ belief }) => belief === 'live') ?? false,
);
for (const extension of WATCHED) spb.asterisk.subscribe(`${extension}*msk`);

for (const { tag, broker: running } of [msk, spb]) {
  console.log(`${tag}: metrics and status at http://${HOST}:${running?.httpAddress?.port}/`);
}

const stop = async (code: number): Promise<never> => {
  await Promise.all([msk.stop(), spb.stop()]);
  process.exit(code);
};
process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));

if (args.includes('--once')) await stop((await once(msk.asterisk, spb.asterisk)) ? 0 : 1);
else makeCalls(msk.asterisk, spb.asterisk, WATCHED);
