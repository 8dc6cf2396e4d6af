// The trigger as the areas see it: a process that sets devices at one PBX and sees lamps at the other. Owns that process
// and the asking; what it does is in commands.ts.
import { fileURLToPath } from 'node:url';
import { type Child, start } from '../../asterisk/child.ts';
import type { Lab } from '../../asterisk/lab.ts';
import type { Driver, Site } from '../contract.ts';
import { eachLamp } from '../sites/common.ts';
import type { Where } from './commands.ts';
import type { Answer, Ask } from './process.ts';

const PROCESS = fileURLToPath(new URL('process.ts', import.meta.url));
/** All lamps are lit and put out once, at the pace they have: the default one is 50 a second. */
const ALL_MS = 30_000;
const EACH_MS = 50;

/** Ready when every lamp was seen lit and free again, so that none is first seen while it is measured. */
export async function openDriver(lab: Lab, site: Site): Promise<Driver> {
  const all = eachLamp(site.lamps);
  const where: Where = {
    a: { host: site.a.host, port: site.a.amiPort },
    b: { host: site.b.host, port: site.b.amiPort },
    devices: all.map((n) => site.device(n)),
    lamps: all.map((n) => site.lamp(n)),
  };
  const driver = await open(lab, where, site.name);
  const lamps = `lamps of ${site.name} at ${site.b.name}`;
  const ms = ALL_MS + site.lamps * EACH_MS;
  await expectRight(driver, ms, `${lamps} before anything was set`);
  for (const state of ['INUSE', 'NOT_INUSE']) {
    await driver.set(all.map((n) => [n, state] as const));
    await expectRight(driver, ms, `${lamps} when all were set to ${state}`);
  }
  return driver;
}

/** A driver as it is, of devices and lamps that need not be a site's; nothing was set. */
export async function open(lab: Lab, where: Where, name = 'driver'): Promise<Driver> {
  const argv = [process.execPath, '--import', 'tsx', PROCESS];
  const child = start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  lab.keep({
    close: async () => {
      await child.stop('SIGKILL');
    },
  });
  const ask = asking(child, name);
  await ask.ready;
  // Too long for an argument where lamps are many.
  child.process.send(where);
  const call =
    <Name extends keyof Driver>(name: Name) =>
    (...args: Parameters<Driver[Name]>) =>
      ask.call(name, args) as ReturnType<Driver[Name]>;
  return {
    latency: call('latency'),
    burst: call('burst'),
    set: call('set'),
    wrong: call('wrong'),
    settled: call('settled'),
    cpu: call('cpu'),
  };
}

async function expectRight(driver: Driver, ms: number, what: string): Promise<void> {
  const { wrong } = await driver.settled(ms);
  if (wrong > 0) throw new Error(`${wrong} ${what}: wrong`);
}

function asking(child: Child, whose: string) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  const answer = (id: number): Promise<Answer> => new Promise((resolve) => waiting.set(id, resolve));
  const ready = answer(0);
  child.process.on('message', (message: Answer) => {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  void child.exited.then(() => {
    for (const [id, tell] of waiting) tell({ id, error: 'the process ended' });
  });
  return {
    ready,
    call: async (name: string, args: readonly unknown[]): Promise<unknown> => {
      last += 1;
      const answered = answer(last);
      child.process.send({ id: last, name, args } satisfies Ask);
      const { result, error } = await answered;
      if (error !== undefined) throw new Error(`${whose}, ${name}: ${error}`);
      return result;
    },
  };
}
