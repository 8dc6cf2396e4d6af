/**
 * What a command may touch of the process it runs in: where it prints, the environment, and the wish that it
 * stop. main.ts hands over the real ones. No command ends the process; each gives back its exit code.
 */

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One or more whole lines to stdout. */
  out(text: string): void;
  /** One or more whole lines to stderr. */
  err(text: string): void;
  /** From the first call on, SIGINT and SIGTERM are ours: the signal aborts at the first of them. */
  takeSignals(): AbortSignal;
  /** From the first call on, SIGHUP is ours: `heard` is called at each. */
  onHangup(heard: () => void): void;
}

export const OK = 0;
/** What was asked for is right, but it could not be done, or the config is wrong. */
export const FAILED = 1;
/** What was typed is no command. */
export const USAGE = 2;
