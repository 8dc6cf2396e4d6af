/**
 * Why a running broker could not be asked, and what to do about it. Owns the words; nothing that the other end
 * said reaches a terminal as it came.
 */
import { visible } from '../config/formats.ts';
import type { Address } from './broker-address.ts';
import { Failure } from './io.ts';
import { VERSION } from './version.ts';

/** What mends a token file, and reloads without one. */
export const BY_SIGNAL = 'systemctl kill --kill-who=main -s HUP hintmesh, or kill -HUP and its process id';

/** What is quoted of an answer that says no. */
const MAX_QUOTED = 300;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
};

/** Nobody listens there. */
export class NoBroker extends Failure {}

export function unreachable(address: Address, error: unknown): Failure {
  const moved = address.mayDiffer
    ? `\n  if it runs, and ${address.mayDiffer} since it started, restart it`
    : '';
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) return notUnderstood(address, 'it is no HTTP');
  if (code === 'ECONNRESET') {
    return new Failure(
      `${address.url} ended the connection without an answer; is the broker ending just now?`,
    );
  }
  const Kind = code === 'ECONNREFUSED' ? NoBroker : Failure;
  return new Kind(
    [
      `no broker answers at ${address.url}: ${REASONS[code] ?? code}`,
      `  the address is ${address.from}`,
      `  start the broker with: systemctl start hintmesh, or by hand: hintmesh run${moved}`,
    ].join('\n'),
  );
}

export function noAnswer({ url }: Address, timeoutMs: number): Failure {
  return new Failure(
    `no answer from ${url} within ${timeoutMs / 1_000} s: the broker hangs, or another program is there`,
  );
}

/** `wrong`: the place in the answer, or what it is not. `running`: the version that a broker there tells. */
export function notUnderstood({ url }: Address, wrong: string | undefined, running?: string): Failure {
  const where = wrong ? ` (${visible(wrong)})` : '';
  return new Failure(`the answer of ${url} is not understood${where}: ${whyNot(running)}`);
}

function whyNot(running: string | undefined): string {
  if (running === undefined) return 'another program is there, or a hintmesh of another version';
  if (running !== VERSION) {
    return `the broker is hintmesh ${visible(running)}, and this command is ${VERSION}
  restart the broker with this version: systemctl restart hintmesh`;
  }
  return `the broker is hintmesh ${VERSION} too, but perhaps of another build
  if hintmesh was installed anew since it started, restart it: systemctl restart hintmesh`;
}

export function tooLong({ url }: Address, what: string): Failure {
  return new Failure(`the answer of ${url} is given up: it has ${what}`);
}

export function refused({ url }: Address, path: string, status: number, body: string): Failure {
  if (status === 401) {
    return new Failure(
      `${url} does not take the token found in state_dir
  if state_dir was changed since the broker started, restart it
  if the broker could not write there, mend that and have it try again: ${BY_SIGNAL}`,
    );
  }
  const reason = reasonIn(body);
  return new Failure(`${url}${path} is refused (${status})${reason === '' ? '' : `: ${reason}`}`);
}

/** `error` of a JSON object, or the beginning of what there is. */
function reasonIn(body: string): string {
  let text = body;
  try {
    const { error } = JSON.parse(body) as { readonly error?: unknown };
    if (typeof error === 'string') text = error;
  } catch {
    // Then it is text.
  }
  return visible(text.trim().slice(0, MAX_QUOTED));
}
