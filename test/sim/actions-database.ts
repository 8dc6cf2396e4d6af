/**
 * DBGet and DBDel of the simulated Asterisk (main/db.c): the rows of Custom devices and presences; other families are empty.
 */
import { acknowledge, failure, idOf, response } from './answer.ts';
import { type Fields, type Message, packet } from './message.ts';
import type { Pbx } from './pbx.ts';

function familyOf(message: Message, pbx: Pbx): Map<string, string> | undefined {
  const family = message.get('Family');
  if (family === 'CustomDevstate') return pbx.astdb;
  return family === 'CustomPresence' ? pbx.presences.astdb : undefined;
}

function whyNot(message: Message): string | undefined {
  if (message.get('Family') === '') return 'No family specified.';
  return message.get('Key') === '' ? 'No key specified.' : undefined;
}

export function dbGet(message: Message, pbx: Pbx): string {
  const wrong = whyNot(message);
  if (wrong) return failure(message, wrong);
  const value = familyOf(message, pbx)?.get(message.get('Key'));
  if (value === undefined) return failure(message, 'Database entry not found');
  const id = idOf(message);
  const row: Fields = [
    ['Family', message.get('Family')],
    ['Key', message.get('Key')],
    ['Val', value],
  ];
  const text = ['Message', 'Result will follow'] as const;
  const { since13 } = pbx.shape;
  const end: Fields = since13
    ? [
        ['EventList', 'Complete'],
        ['ListItems', '1'],
      ]
    : [];
  return [
    response(message, 'Success', since13 ? [['EventList', 'start'], text] : [text]),
    packet([['Event', 'DBGetResponse'], ...row, ...id]),
    packet([['Event', 'DBGetComplete'], ...id, ...end]),
  ].join('');
}

/** The device or presence stays as it is, in the cache. */
export function dbDel(message: Message, pbx: Pbx): string {
  const wrong = whyNot(message);
  if (wrong) return failure(message, wrong);
  if (!familyOf(message, pbx)?.delete(message.get('Key'))) {
    return failure(message, 'Database entry could not be deleted');
  }
  return acknowledge(message, 'Key deleted successfully');
}
