// The process that storms, as the area sees it. Owns that process and the asking; what it does is storm-process.ts's.
import { fileURLToPath } from 'node:url';
import { start } from '../../asterisk/child.ts';
import type { Lab } from '../../asterisk/lab.ts';
import type { Where } from '../driver/commands.ts';
import type { Stormed, StormNews, StormOrder } from './storm-process.ts';

const PROCESS = fileURLToPath(new URL('./storm-process.ts', import.meta.url));

export interface Storm {
  /** One at a time. */
  blow(order: StormOrder): {
    /** `a` has answered all. */
    readonly triggered: Promise<void>;
    readonly done: Promise<Stormed>;
  };
}

/** Ready to begin; gone with the lab. */
export async function openStorm(lab: Lab, where: Where): Promise<Storm> {
  const argv = [process.execPath, '--import', 'tsx', PROCESS];
  const child = start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  lab.keep({
    close: async () => {
      await child.stop('SIGKILL');
    },
  });
  const news = <Kind extends StormNews['kind']>(kind: Kind): Promise<StormNews & { kind: Kind }> =>
    new Promise((resolve, reject) => {
      const hear = (said: StormNews): void => {
        if (said.kind !== kind && said.kind !== 'failed') return;
        child.process.off('message', hear);
        if (said.kind === 'failed') reject(new Error(`storm: ${said.error}`));
        else resolve(said as StormNews & { kind: Kind });
      };
      child.process.on('message', hear);
      void child.exited.then(() => reject(new Error('the storm ended before it was over')));
    });
  const ready = news('ready');
  child.process.send(where);
  await ready;
  return {
    blow: (order) => {
      const triggered = news('triggered').then(() => {});
      const done = news('done');
      // Whoever waits for the end alone is told of a failure there.
      triggered.catch(() => {});
      done.catch(() => {});
      child.process.send(order);
      return { triggered, done };
    },
  };
}
