/**
 * What a command may touch of the process it runs in: where it prints, the environment, and the wish that it
 * stop. main.ts hands over the real ones. No command ends the process; each gives back its exit code.
 */

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout is a terminal: then it may be coloured. */
  readonly terminal: boolean;
  /** One or more whole lines to stdout. */
  out(text: string): void;
  /** One or more whole lines to stderr. */
  err(text: string): void;
  /** When stdout has taken all that was printed; false: nobody takes it any more. */
  flushed(): Promise<boolean>;
  /** One line that somebody types at the terminal; `undefined`: there is nobody, or they ended it. */
  ask(question: string): Promise<string | undefined>;
  /** From the first call on, SIGINT and SIGTERM are ours: the signal aborts at the first of them. */
  takeSignals(): AbortSignal;
  /** From the first call on, SIGHUP is ours: `heard` is called at each, and once for those before the call. */
  onHangup(heard: () => void): void;
}

export const OK = 0;
/** What was asked for is right, but it could not be done, or the config is wrong. */
export const FAILED = 1;
/** What was typed is no command. */
export const USAGE = 2;

/** Ends a command: what went wrong, in lines for stderr, and its exit code. No secrets. */
export class Failure extends Error {
  readonly code: typeof FAILED | typeof USAGE;

  constructor(text: string, code: typeof FAILED | typeof USAGE = FAILED) {
    super(text);
    this.code = code;
  }
}

/** Resolves with `value` when the signal aborts, at once if it has. */
export function whenAborted<T>(signal: AbortSignal, value: T): Promise<T> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(value);
    else signal.addEventListener('abort', () => resolve(value), { once: true });
  });
}
