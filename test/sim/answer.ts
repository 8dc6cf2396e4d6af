/**
 * How the simulated Asterisk puts an answer to an action: one response, a refusal, a list in one piece.
 */
import { type Fields, type Message, packet } from './message.ts';

/** A response with the caller's ActionID in its place. */
export function response(message: Message, word: string, fields: Fields): string {
  return packet([['Response', word], ...idOf(message), ...fields]);
}

export function failure(message: Message, text: string): string {
  return response(message, 'Error', [['Message', text]]);
}

export function acknowledge(message: Message, text: string): string {
  return response(message, 'Success', [['Message', text]]);
}

/** The ActionID as a header of a row; nothing without one. */
export function idOf(message: Message): Fields {
  const id = message.get('ActionID');
  return id === '' ? [] : [['ActionID', id]];
}

/** A whole list: nothing comes between its rows. */
export function list(
  message: Message,
  row: string,
  text: string,
  complete: string,
  rows: readonly Fields[],
): string {
  const id = idOf(message);
  return [
    response(message, 'Success', [
      ['EventList', 'start'],
      ['Message', text],
    ]),
    ...rows.map((fields) => packet([['Event', row], ...id, ...fields])),
    packet([['Event', complete], ...id, ['EventList', 'Complete'], ['ListItems', String(rows.length)]]),
  ].join('');
}
