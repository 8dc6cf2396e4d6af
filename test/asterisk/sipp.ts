// Real SIP phones: SIPp plays REGISTER and calls. Owns SIPp's command line and its processes; what is said is
// in sipp-scenarios.ts. One phone has one port and makes or takes one call at a time.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Asterisk } from './asterisk.ts';
import { type Child, start } from './child.ts';
import { freeUdpPort } from './ports.ts';
import { answerScenario, callScenario, registerScenario } from './sipp-scenarios.ts';

/** A scenario that has not ended by then has failed. */
const SCENARIO_TIMEOUT_S = 60;

/** SIPp opens several from the one it is given. */
const MEDIA_PORTS = 8;

export interface CallTimes {
  /** How long the callee rings before it answers. */
  readonly ringMs?: number;
  /** How long the caller talks before it hangs up (or holds). */
  readonly talkMs?: number;
  /** The caller puts the call on hold for so long after talking; absent: not at all. */
  readonly holdMs?: number;
}

export class SippPhone {
  readonly user: string;
  readonly pbx: Asterisk;
  readonly #folder: string;
  readonly #local: string;
  #port = 0;
  #media = 0;
  #running = new Set<Child>();
  #count = 0;

  /** `local`: the address of this process that `pbx` reaches. */
  constructor(pbx: Asterisk, user: string, folder: string, local = '127.0.0.1') {
    this.pbx = pbx;
    this.user = user;
    this.#folder = folder;
    this.#local = local;
  }

  /** Registers with its PBX. */
  async open(): Promise<void> {
    this.#port = await freeUdpPort(this.#local);
    this.#media = await freeUdpPort(this.#local, MEDIA_PORTS);
    await (await this.#play('register', registerScenario(this.user))).done;
  }

  /** Takes one call from now on; `done` when it has ended well, rejects when it did not. */
  async takeCall(times: CallTimes = {}): Promise<{ done: Promise<void> }> {
    return this.#play('answer', answerScenario(times.ringMs ?? 1_000));
  }

  /** Calls `to`; `done` when the call has ended well. */
  async call(to: string, times: CallTimes = {}): Promise<{ done: Promise<void> }> {
    return this.#play('call', callScenario(this.user, to, times.talkMs ?? 1_000, times.holdMs));
  }

  async #play(name: string, scenario: string): Promise<{ done: Promise<void> }> {
    this.#count += 1;
    const file = join(this.#folder, `${this.pbx.name}-${this.user}-${this.#count}-${name}`);
    await writeFile(`${file}.xml`, scenario);
    const child = start([
      'sipp',
      '-sf',
      `${file}.xml`,
      ...['-m', '1', '-nostdin', '-i', this.#local, '-p', String(this.#port), '-mp', String(this.#media)],
      ...['-timeout', String(SCENARIO_TIMEOUT_S), '-timeout_error'],
      ...['-trace_err', '-error_file', `${file}.errors`],
      ...['-trace_msg', '-message_file', `${file}.messages`],
      `${this.pbx.host}:${this.pbx.sipPort}`,
    ]);
    this.#running.add(child);
    const done = this.#finish(child, `${this.user} at ${this.pbx.name}: ${name}`, `${file}.errors`);
    // Whoever awaits `done` sees it fail; until then it is no unhandled rejection.
    done.catch(() => {});
    return { done };
  }

  async #finish(child: Child, what: string, errors: string): Promise<void> {
    const exit = await child.exited;
    this.#running.delete(child);
    if (exit.code === 0) return;
    const text = await readFile(errors, 'utf8').catch(() => '');
    throw new Error(`SIPp ${what}: ${exit.signal ?? `exit ${exit.code}`}\n${text.slice(0, 1_000)}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.stop('SIGKILL')));
  }
}
