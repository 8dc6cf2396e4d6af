/**
 * PresenceStateChange, as an event or as a row of PresenceStateList, in the core's words. Owns what such a packet must
 * look like to be believed, and how Asterisk writes texts into it.
 */
import { isPresenceWord, presenceOf, presenceText } from '../core/presence.ts';
import type { PresenceStatus } from '../core/source.ts';
import type { Message } from './message.ts';

/** Asterisk bounds what a hint names of them (main/pbx.c, `ast_extension_presence_state`), not what is written. */
const MAX_PRESENTITY = 255;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** As C has them (main/utils.c, `escape_sequences_map`). */
const ESCAPED: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const ESCAPE = /\\([abfnrtv\\'"?])/g;

/** What somebody says of herself, or `undefined` when the packet does not tell. `escaped`: its texts are written as in C. */
export function presenceStatus(message: Message, escaped: boolean): PresenceStatus | undefined {
  const presentity = message['presentity'];
  const word = message['status'];
  if (presentity === undefined || presentity === '' || presentity.length > MAX_PRESENTITY) return undefined;
  if (CONTROL.test(presentity) || word === undefined || !isPresenceWord(word)) return undefined;
  const text = (header: string): string => {
    const written = message[header] ?? '';
    return presenceText(escaped ? unescaped(written) : written);
  };
  return {
    presentity,
    presence: presenceOf({ word, subtype: text('subtype'), message: text('message') }),
  };
}

/** Every other backslash stands for itself. */
function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, letter: string) => ESCAPED[letter] ?? letter);
}
