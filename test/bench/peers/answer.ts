// The asked side of a helper process (helper.ts asks). Owns the shapes of question and answer, and that every question
// has one answer.

/** What can be asked, by name. */
// biome-ignore lint/suspicious/noExplicitAny: each command has arguments of its own; `Helper` checks them.
export type Commands = Readonly<Record<string, (...args: any[]) => unknown>>;

export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** From now on this process does what it is asked. The channel to whoever asks keeps it alive, if `stays`. */
export function answerTo(commands: Commands, stays: boolean): void {
  const answer = async ({ id, name, args }: Asked): Promise<void> => {
    try {
      process.send?.({ id, result: await commands[name]?.(...args) } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: (error as Error).message } satisfies Answer);
    }
  };
  process.on('message', (asked: Asked) => void answer(asked));
  if (!stays) process.channel?.unref();
}
