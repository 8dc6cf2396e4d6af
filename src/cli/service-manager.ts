/**
 * What systemd is told of the service, and when: sd_notify(3). Owns the order of the messages, the watchdog, and
 * that a message that is slow or cannot be sent never disturbs the broker. Not started by systemd, without
 * NOTIFY_SOCKET, it does nothing.
 */
import type { Io } from './io.ts';
import { NOTIFY_TIMEOUT_MS, notify } from './notify.ts';

/** Milliseconds; tests have less of them. */
export interface ServiceTimes {
  /** What one message may take. */
  readonly notify: number;
  /** How often the status line is looked at; it is sent when it is another. */
  readonly statusEvery: number;
}

const TIMES: ServiceTimes = { notify: NOTIFY_TIMEOUT_MS, statusEvery: 2_000 };
/** However short WATCHDOG_USEC is. */
const MIN_WATCHDOG_EVERY_MS = 50;
/** A longer one, Node would make a very short one. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ServiceOptions {
  readonly env: Io['env'];
  /** How the broker is, in one line: for `systemctl status`. */
  status(): string;
  /** A message could not be sent; called for the first only. */
  failed(why: string): void;
}

interface Message {
  readonly kind: 'started' | 'reloading' | 'reloaded' | 'stopping' | 'status';
  readonly assignments: readonly string[];
}

export class ServiceManager {
  readonly #options: ServiceOptions;
  readonly #times: ServiceTimes;
  readonly #enabled: boolean;
  /** One of each kind at most: a later one takes the place of one that still waits. */
  #waiting: Message[] = [];
  #sending = false;
  #answering = false;
  #toldStatus: string | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #hasFailed = false;

  constructor(options: ServiceOptions, times: ServiceTimes = TIMES) {
    this.#options = options;
    this.#times = times;
    this.#enabled = (options.env['NOTIFY_SOCKET'] ?? '') !== '';
  }

  /** The broker runs. From now on the watchdog is answered, for as long as the event loop turns. */
  started(): void {
    if (!this.#enabled) return;
    this.#say('started', 'READY=1', ...this.#newStatus());
    const every = watchdogMs(this.#options.env);
    // Four times in the time: one that is lost, or late, is no death.
    if (every !== undefined) this.#timers.push(setInterval(() => void this.#answerWatchdog(), every / 4));
    this.#timers.push(setInterval(() => this.#say('status', ...this.#newStatus()), this.#times.statusEvery));
  }

  reloading(): void {
    // Of a reload that it was not told of yet, systemd needs not hear.
    // With it goes the status that it would have told.
    if (this.#waiting.some(({ kind }) => kind === 'reloaded')) this.#toldStatus = undefined;
    this.#waiting = this.#waiting.filter(({ kind }) => kind !== 'reloading' && kind !== 'reloaded');
    // When it began, by the clock of the machine (CLOCK_MONOTONIC), which Node's hrtime is on Linux.
    this.#say('reloading', 'RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  reloaded(): void {
    this.#say('reloaded', 'READY=1', ...this.#newStatus());
  }

  stopping(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#say('stopping', 'STOPPING=1');
  }

  #newStatus(): string[] {
    if (!this.#enabled) return [];
    const status = this.#options.status();
    if (status === this.#toldStatus) return [];
    this.#toldStatus = status;
    return [`STATUS=${status}`];
  }

  #say(kind: Message['kind'], ...assignments: string[]): void {
    if (!this.#enabled || assignments.length === 0) return;
    this.#waiting = [...this.#waiting.filter((message) => message.kind !== kind), { kind, assignments }];
    void this.#send();
  }

  /** One at a time, for each is a process of its own and they must not overtake each other. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#notify(next.assignments);
    }
    this.#sending = false;
  }

  /** Beside the others, so that none of them holds it up; none while the last is under way. */
  async #answerWatchdog(): Promise<void> {
    if (this.#answering) return;
    this.#answering = true;
    await this.#notify(['WATCHDOG=1']);
    this.#answering = false;
  }

  async #notify(assignments: readonly string[]): Promise<void> {
    const why = await notify(assignments, this.#options.env, this.#times.notify);
    if (why === undefined || this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.failed(why);
  }
}

/** Milliseconds within which systemd wants a sign of life, if it wants any of this process. */
function watchdogMs(env: Io['env']): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? '');
  const pid = env['WATCHDOG_PID'] ?? '';
  const ours = pid === '' || Number(pid) === process.pid;
  if (!ours || !Number.isFinite(microseconds) || microseconds <= 0) return undefined;
  return Math.min(Math.max(4 * MIN_WATCHDOG_EVERY_MS, microseconds / 1_000), MAX_TIMER_MS);
}
