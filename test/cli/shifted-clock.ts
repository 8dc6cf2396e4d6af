// Loaded into a process before everything else (`--import`): its wall clock is off by as many ms as a file says, which
// is read anew at each SIGUSR2. Owns only that; what is monotonic stays.
import { readFileSync } from 'node:fs';

/** In the environment: the file. */
export const OFFSET_FILE_VARIABLE = 'TEST_CLOCK_OFFSET_FILE';

const file = process.env[OFFSET_FILE_VARIABLE];
if (file !== undefined) {
  const TrueDate = Date;
  let offset = 0;
  const now = (): number => TrueDate.now() + offset;
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
    apply: () => new TrueDate(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
  process.on('SIGUSR2', () => {
    offset = Number(readFileSync(file, 'utf8'));
  });
}
