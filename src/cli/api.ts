/**
 * The running broker, asked over HTTP. Owns the bounds on its answers: the other end may hang, be another version,
 * or no broker at all. What is then said is in api-failures.ts.
 */
import { type IncomingMessage, request } from 'node:http';
import type { Check } from './answers.ts';
import { noAnswer, notUnderstood, refused, tooLong, unreachable } from './api-failures.ts';
import type { Address } from './broker-address.ts';
import { Failure } from './io.ts';

/** The longest an answer is waited for, from the call to its last byte. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** A watcher hears something at least every 10 s (`HEARTBEAT_MS` of http/limits.ts). */
export const SILENCE_MS = 30_000;
/** States of some 700 000 extensions; all other answers are far smaller. */
export const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** One event of `watch`. */
export const MAX_LINE_CHARACTERS = 64 * 1024;

const STATUS = '/api/status';
const IS_VERSION = /^\d+\.\d+\.\d+[\w.+-]{0,40}$/;

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly timeoutMs?: number;
  /** An answer that passes the check is one, also when its status says no. */
  readonly anyStatus?: true;
}

/** What the broker answers, checked; rejects with a {@link Failure} when that cannot be had. */
export async function ask(address: Address, call: Call, check: Check): Promise<unknown> {
  const timeoutMs = call.timeoutMs ?? ANSWER_TIMEOUT_MS;
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(address, call, patience);
    const body = await wholeBody(address, response);
    const status = response.statusCode ?? 0;
    const value = parse(body);
    const wrong = value === undefined ? 'it is no JSON' : check(value, '');
    const accepted = (status >= 200 && status < 300) || call.anyStatus === true;
    if (accepted && wrong === undefined) return value;
    if (status !== 200) throw refused(address, call.path, status, body);
    throw await misunderstood(address, wrong, patience);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw patience.aborted ? noAnswer(address, timeoutMs) : unreachable(address, error);
  }
}

/** Why an answer is not understood, by the version that the broker itself tells. */
export async function misunderstood(
  address: Address,
  wrong: string | undefined,
  patience: AbortSignal = AbortSignal.timeout(ANSWER_TIMEOUT_MS),
): Promise<Failure> {
  return notUnderstood(address, wrong, await versionAt(address, patience));
}

/** Of a broker, in what else it tells it may be another one than ours; `undefined`: it tells none. */
async function versionAt(address: Address, patience: AbortSignal): Promise<string | undefined> {
  try {
    const response = await send(address, { path: STATUS }, patience);
    const { pbx, version } = Object(parse(await wholeBody(address, response)));
    return typeof pbx === 'string' && typeof version === 'string' && IS_VERSION.test(version)
      ? version
      : undefined;
  } catch {
    // Then that it was not understood is all there is to say.
    return undefined;
  }
}

/**
 * The lines of an answer that goes on until the other end, or `stop`, ends it; neither is a failure. The times are
 * milliseconds: until it begins, and between two signs of life.
 */
export async function* follow(
  address: Address,
  path: string,
  stop: AbortSignal,
  { answerMs, silenceMs } = { answerMs: ANSWER_TIMEOUT_MS, silenceMs: SILENCE_MS },
): AsyncGenerator<string> {
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  stop.addEventListener('abort', giveUp);
  if (stop.aborted) giveUp();
  const wait = (ms: number) => setTimeout(giveUp, ms);
  let timer = wait(answerMs);
  let waited = answerMs;
  let begun = false;
  try {
    const response = await send(address, { path }, patience.signal);
    const status = response.statusCode ?? 0;
    if (status !== 200) throw refused(address, path, status, await wholeBody(address, response));
    begun = true;
    waited = silenceMs;
    let rest = '';
    for await (const chunk of response.setEncoding('utf8')) {
      clearTimeout(timer);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARACTERS) {
        throw tooLong(address, `a line of more than ${MAX_LINE_CHARACTERS} characters`);
      }
      // However long the lines take their reader, the other end is not to blame.
      yield* lines;
      timer = wait(silenceMs);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (stop.aborted) return;
    if (patience.signal.aborted) throw noAnswer(address, waited);
    // Once it has begun: cut off, which is an end like another.
    if (!begun) throw unreachable(address, error);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', giveUp);
  }
}

/** The beginning of the answer. */
function send(
  { host, port }: Address,
  { method = 'GET', path, token }: Call,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    accept: 'application/json',
    ...(method === 'POST' && { 'content-length': 0 }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    request({ host, port, method, path, headers, signal, agent: false }, resolve).once('error', reject).end();
  });
}

async function wholeBody(address: Address, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > MAX_ANSWER_BYTES) throw tooLong(address, `more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
