// Calls without end, for somebody to look at.
import type { SimulatedAsterisk } from '../sim/asterisk.ts';

const RING_MS = 2_000;
const TALK_MS = 4_000;
const PAUSE_MS = 1_500;

/** Prints each lamp change at `watcher` while the `extensions` of `origin` call each other. */
export function makeCalls(
  origin: SimulatedAsterisk,
  watcher: SimulatedAsterisk,
  extensions: readonly string[],
): void {
  let changedAt = performance.now();
  const at = (): string => new Date().toISOString().slice(11, 23);
  watcher.onHint((extension, state) => {
    if (!extension.includes('*')) return;
    const delay = (performance.now() - changedAt).toFixed(1);
    console.log(`${at()}  spb  lamp ${extension}  ${state ?? 'dark'}  (${delay} ms after msk)`);
  });
  console.log('Calls at msk, lamps at spb; stop with Ctrl-C.');
  let turn = 0;
  const next = (): void => {
    const from = extensions[turn % extensions.length] ?? '';
    const to = extensions[(turn + 1) % extensions.length] ?? '';
    turn += 1;
    const say = (what: string): void => {
      console.log(`${at()}  msk  ${from} ${what} ${to}`);
      changedAt = performance.now();
    };
    say('calls');
    const call = origin.call(from, to);
    setTimeout(() => {
      say('is answered by');
      call.answer();
    }, RING_MS);
    setTimeout(() => {
      say('hangs up on');
      call.hangup();
    }, RING_MS + TALK_MS);
    setTimeout(next, RING_MS + TALK_MS + PAUSE_MS);
  };
  next();
}
