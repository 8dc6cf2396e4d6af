// The driver's process: takes a command by IPC, does it, and answers. Owns no measurement (commands.ts).
import { commands, type Where } from './commands.ts';

/** `args` are those of the method of this name. */
export interface Ask {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** One at a time: what one command counts is not another's. */
let before: Promise<unknown> = Promise.resolve();

process.once('message', (where: Where) => {
  const byName = new Map<string, (...args: never[]) => Promise<unknown>>(Object.entries(commands(where)));
  process.on('message', ({ id, name, args }: Ask) => {
    before = before
      .then(() => byName.get(name)?.(...(args as never[])))
      .then(
        (result) => process.send?.({ id, result } satisfies Answer),
        (error: unknown) => process.send?.({ id, error: String(error) } satisfies Answer),
      );
  });
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 } satisfies Answer);
