/**
 * Reading everything the local Asterisk has: its hints, its devices, its channels if they are wanted, and the
 * extensions that no list shows. Owns which lists are asked for, and what it means when one fails.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HintKey, HintStatus } from '../core/source.ts';
import type { AmiDown, AmiOptions } from './contract.ts';
import { askedStatus, channelStatus, deviceStatus, hintStatus } from './events.ts';
import type { Answer, Exchange } from './exchange.ts';
import { ASK_WINDOW, MAX_LISTED, MAX_ROWS, type Times } from './limits.ts';
import type { Merge } from './merge.ts';
import { listFailed, missingModule, missingWrite } from './reasons.ts';

/** How 22.11 says that there are no hints at all (up to 22.10: Success and no rows). */
const NO_HINTS = /no dialplan hints/i;

/**
 * Fills `merge` with all lists, then with the extensions `toAsk` names. The caller gives it the events that
 * arrive meanwhile. Resolves with why it could not, `undefined` when all was read.
 */
export async function readLists(
  exchange: Exchange,
  merge: Merge,
  toAsk: (listed: readonly HintStatus[]) => readonly HintKey[],
  options: AmiOptions,
  times: Times,
  again: boolean,
): Promise<AmiDown | undefined> {
  const hints = exchange.ask({ name: 'ExtensionStateList' }, times.row, (row) => {
    const status = row['event'] === 'ExtensionStatus' ? hintStatus(row) : undefined;
    if (status) merge.hint(status);
  });
  const devices = exchange.ask({ name: 'DeviceStateList' }, times.row, (row) => {
    const status = row['event'] === 'DeviceStateChange' ? deviceStatus(row) : undefined;
    if (status) merge.device(status);
  });
  const channels = options.channels
    ? exchange.ask({ name: 'CoreShowChannels' }, times.row, (row) => {
        const status = row['event'] === 'CoreShowChannel' ? channelStatus(row) : undefined;
        if (status) merge.channel({ type: 'state', ...status });
      })
    : undefined;
  const hintsAnswer = await hints;
  const devicesAnswer = await devices;
  const channelsAnswer = await channels;
  const failure =
    (isNoHints(hintsAnswer) ? undefined : whyFailed('ExtensionStateList', hintsAnswer, options)) ??
    whyFailed('DeviceStateList', devicesAnswer, options) ??
    (channelsAnswer && whyFailed('CoreShowChannels', channelsAnswer, options));
  if (failure) return failure;
  const asked = await askEach(exchange, merge, toAsk(merge.hints()), options, times, again);
  if (!asked && !merge.isWhole) return listFailed('the lists', `they have more than ${MAX_LISTED} names`);
  return asked;
}

/** At most ASK_WINDOW questions are in flight, each answer makes room for the next; `again`: one, with a pause. */
async function askEach(
  exchange: Exchange,
  merge: Merge,
  keys: readonly HintKey[],
  options: AmiOptions,
  times: Times,
  again: boolean,
): Promise<AmiDown | undefined> {
  if (keys.length > MAX_ROWS) {
    return listFailed('hints', `${keys.length} extensions are to be asked for, more than ${MAX_ROWS}`);
  }
  let next = 0;
  let failure: AmiDown | undefined;
  const worker = async (): Promise<void> => {
    for (let key = keys[next++]; key && !failure; key = keys[next++]) {
      const { context, extension } = key;
      const asked = key;
      const answer = await exchange.ask(
        { name: 'ExtensionState', context, extension },
        times.answer,
        (row) => {
          const status = askedStatus(asked, row);
          if (status) merge.hint(status);
          else failure ??= notUnderstood(asked);
        },
      );
      failure ??= whyFailed('ExtensionState', answer, options);
      if (again && next < keys.length) await sleep(times.askGap);
    }
  };
  await Promise.all(Array.from({ length: again ? 1 : ASK_WINDOW }, worker));
  return failure;
}

function notUnderstood(key: HintKey): AmiDown {
  return listFailed(`the hint ${key.extension}@${key.context}`, 'Asterisk gave no status for it');
}

function isNoHints(answer: Answer): boolean {
  return !answer.ok && answer.kind === 'refused' && NO_HINTS.test(answer.why);
}

function whyFailed(action: string, answer: Answer, options: AmiOptions): AmiDown | undefined {
  if (answer.ok) return undefined;
  if (answer.kind === 'refused' && /permission denied/i.test(answer.why))
    return missingWrite(options, action);
  if (action === 'DeviceStateList' && answer.kind === 'refused' && /unknown command/i.test(answer.why)) {
    // The others are in the core.
    return missingModule('res_manager_devicestate', action);
  }
  return listFailed(action, answer.why);
}
