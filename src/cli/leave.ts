/**
 * `hintmesh leave`: the running broker says a final bye and ends. Owns the question before it, because the peers'
 * lamps change at once.
 */
import { visible } from '../config/formats.ts';
import type { Status } from '../http/contract.ts';
import { statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { type AtBroker, commandAddress } from './broker-address.ts';
import { FAILED, Failure, type Io, OK, USAGE } from './io.ts';
import { printableJson } from './text.ts';

export interface LeaveOptions extends AtBroker {
  /** Ask nobody. */
  readonly yes?: boolean;
}

const YES = /^\s*y(es)?\s*$/i;

export async function leave(options: LeaveOptions, io: Io): Promise<number> {
  const { address, token } = commandAddress(options, 'leave', io);
  const { pbx, peers, asterisk } = (await ask(address, { path: '/api/status' }, statusAnswer)) as Status;
  if (asterisk.standsBy) {
    throw new Failure(
      `the broker at ${address.url} stands by for another one, which would stay: stop this one, then run leave where that one runs`,
    );
  }
  if (!options.yes && !(await isSure(visible(pbx), peers.filter(({ former }) => !former).length, io))) {
    io.err('nothing was done');
    return FAILED;
  }
  const answer = await ask(address, { method: 'POST', path: '/api/leave', token }, () => undefined);
  io.out(
    options.json ? printableJson(answer) : `${visible(pbx)} leaves: its peers are told, and the broker ends`,
  );
  return OK;
}

async function isSure(pbx: string, peers: number, io: Io): Promise<boolean> {
  const whom = peers === 1 ? '1 peer' : `${peers} peers`;
  const answer = await io.ask(
    `${pbx} leaves for good: its lamps at ${whom} go to their gone_state at once. (A restart needs no leave.) Sure? [y/N] `,
  );
  if (answer === undefined)
    throw new Failure(
      `${pbx} leaves for good: its lamps at the peers go to their gone_state at once; to do it, add --yes`,
      USAGE,
    );
  return YES.test(answer);
}
