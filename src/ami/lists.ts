/**
 * Reading everything the local Asterisk has: the lists it offers, and the extensions that none of them shows. Owns how the
 * lists are asked for, what becomes of their rows, and what it means when one fails.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HintKey, HintStatus } from '../core/source.ts';
import type { AmiDown, AmiOptions } from './contract.ts';
import { askedStatus, channelStatus, deviceStatus, hintStatus } from './events.ts';
import { type Answer, type Exchange, isForbidden, isUnknown } from './exchange.ts';
import { ASK_WINDOW, MAX_LISTED, MAX_ROWS, type Times } from './limits.ts';
import { mailboxOfRow } from './mailbox.ts';
import type { Merge } from './merge.ts';
import type { Message } from './message.ts';
import { type Lacking, type ListAction, linesOf, missingList, type Offers } from './offers.ts';
import { presenceStatus } from './presence.ts';
import { lackingRight, listFailed, missingWrite } from './reasons.ts';

/** How 22.11 says that there are no hints at all (up to 22.10: Success and no rows). */
const NO_HINTS = /no dialplan hints/i;

/** What each row of a list becomes; one that is not understood is no row. */
const ROWS: Record<ListAction, (row: Message, merge: Merge, offers: Offers) => void> = {
  ExtensionStateList: (row, merge) => {
    const status = row['event'] === 'ExtensionStatus' ? hintStatus(row) : undefined;
    if (status) merge.hint(status);
  },
  DeviceStateList: (row, merge) => {
    const status = row['event'] === 'DeviceStateChange' ? deviceStatus(row) : undefined;
    if (status) merge.device(status);
  },
  PresenceStateList: (row, merge, { escapes }) => {
    const status = row['event'] === 'PresenceStateChange' ? presenceStatus(row, escapes) : undefined;
    if (status) merge.presence(status);
  },
  VoicemailUsersList: (row, merge) => {
    const status = row['event'] === 'VoicemailUserEntry' ? mailboxOfRow(row) : undefined;
    if (status) merge.mailbox(status);
  },
  CoreShowChannels: (row, merge) => {
    const status = row['event'] === 'CoreShowChannel' ? channelStatus(row) : undefined;
    if (status) merge.channel({ type: 'state', ...status });
  },
};

/**
 * Fills `merge` with all lists, then with the extensions `toAsk` names. The caller gives it the events that
 * arrive meanwhile. Resolves with why it could not; else with the lists that count as empty because they are gone.
 */
export async function readLists(
  exchange: Exchange,
  merge: Merge,
  toAsk: (listed: readonly HintStatus[]) => readonly HintKey[],
  offers: Offers,
  options: AmiOptions,
  times: Times,
  again: boolean,
): Promise<AmiDown | Lacking> {
  // All at once: Asterisk takes them one after the other, and events come between them.
  const answers = await Promise.all(
    offers.lists.map(async (list): Promise<[ListAction, Answer]> => {
      const onRow = (row: Message): void => ROWS[list](row, merge, offers);
      return [list, await exchange.ask({ name: list }, times.row, onRow)];
    }),
  );
  const lacking = new Map<ListAction, string>();
  for (const [list, answer] of answers) {
    const failure = isNoHints(answer) ? undefined : whyListFailed(list, answer, options);
    if (typeof failure === 'object') return failure;
    if (failure !== undefined) lacking.set(list, failure);
  }
  const asked = await askEach(exchange, merge, toAsk(merge.hints()), options, times, again);
  if (!asked && !merge.isWhole) return listFailed('the lists', `they have more than ${MAX_LISTED} names`);
  return asked ?? lacking;
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

/** A text: what cannot be had without it, while the rest goes on. */
function whyListFailed(list: ListAction, answer: Answer, options: AmiOptions): AmiDown | string | undefined {
  const of = linesOf(list);
  if (of !== undefined && isForbidden(answer)) return lackingRight(options, list, of);
  return (isUnknown(answer) ? missingList(list) : undefined) ?? whyFailed(list, answer, options);
}

function whyFailed(action: string, answer: Answer, options: AmiOptions): AmiDown | undefined {
  if (answer.ok) return undefined;
  return isForbidden(answer) ? missingWrite(options, action) : listFailed(action, answer.why);
}
