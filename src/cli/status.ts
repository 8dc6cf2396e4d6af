/** `hintmesh status`: how the running broker is. Owns what the exit code means to monitoring, and how long is waited. */
import { setTimeout as sleep } from 'node:timers/promises';
import { visible } from '../config/formats.ts';
import type { Status } from '../http/contract.ts';
import { statusAnswer } from './answers.ts';
import { ANSWER_TIMEOUT_MS, ask } from './api.ts';
import { type Address, type AtBroker, brokerAddress } from './broker-address.ts';
import { FAILED, Failure, type Io, OK, USAGE } from './io.ts';
import { statusLines } from './status-text.ts';
import { paintFor, printableJson } from './text.ts';

/** What `--wait` alone means. */
export const WAIT_S = 60;
export const MAX_WAIT_S = 86_400;
const ASK_EVERY_MS = 1_000;

export interface StatusOptions extends AtBroker {
  /** Fail when the broker is not ready. */
  readonly check?: boolean;
  /** Seconds, as typed; true: {@link WAIT_S}. Wait until it is ready, and fail when it is not by then. */
  readonly wait?: string | true;
}

export async function status(options: StatusOptions, io: Io): Promise<number> {
  const address = brokerAddress(options, io);
  const answer =
    options.wait === undefined ? await once(address) : await ready(address, seconds(options.wait));
  const found = answer as Status;
  io.out(options.json ? printableJson(answer) : statusLines(found, paintFor(io)).join('\n'));
  if (options.check) return found.ready ? OK : FAILED;
  return options.wait === undefined || isWell(found) ? OK : FAILED;
}

/** One that stands by does what it is there for. */
function isWell({ ready, asterisk }: Status): boolean {
  return ready || asterisk.standsBy;
}

function once(address: Address, timeoutMs = ANSWER_TIMEOUT_MS): Promise<unknown> {
  return ask(address, { path: '/api/status', timeoutMs }, statusAnswer);
}

/** The first answer of a broker that is ready or stands by, or what there is when the time is over. */
async function ready(address: Address, waitSeconds: number): Promise<unknown> {
  const end = performance.now() + waitSeconds * 1_000;
  for (;;) {
    const left = Math.ceil((end - performance.now()) / 1_000) * 1_000;
    const asked = once(address, Math.min(ANSWER_TIMEOUT_MS, Math.max(ASK_EVERY_MS, left)));
    const [result] = await Promise.allSettled([asked]);
    if (result.status === 'fulfilled' && isWell(result.value as Status)) return result.value;
    const rest = end - performance.now();
    if (rest <= 0) return asked;
    await sleep(Math.min(ASK_EVERY_MS, rest));
  }
}

function seconds(wait: string | true): number {
  if (wait === true) return WAIT_S;
  const value = /^\d{1,6}$/.test(wait) ? Number(wait) : 0;
  if (value >= 1 && value <= MAX_WAIT_S) return value;
  throw new Failure(
    `--wait ${visible(JSON.stringify(wait))} is no time; write whole seconds, 1 to ${MAX_WAIT_S}`,
    USAGE,
  );
}
