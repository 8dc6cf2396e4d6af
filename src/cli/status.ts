/** `hintmesh status`: how the running broker is. Owns what the exit code means to monitoring. */
import type { Status } from '../http/contract.ts';
import { statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { type AtBroker, brokerAddress } from './broker-address.ts';
import { FAILED, type Io, OK } from './io.ts';
import { statusLines } from './status-text.ts';
import { paintFor, printableJson } from './text.ts';

export interface StatusOptions extends AtBroker {
  /** Fail when the broker is not ready. */
  readonly check?: boolean;
}

export async function status(options: StatusOptions, io: Io): Promise<number> {
  const answer = await ask(brokerAddress(options, io), { path: '/api/status' }, statusAnswer);
  const found = answer as Status;
  io.out(options.json ? printableJson(answer) : statusLines(found, paintFor(io)).join('\n'));
  return options.check && !found.ready ? FAILED : OK;
}
