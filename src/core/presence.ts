/**
 * The presence states of Asterisk: what a person says of herself, beside what her phone does. Owns the closed list of
 * words, the bounds of the texts beside them, and the one text form in which a presence is kept and compared.
 */

/** In the order of Asterisk's `state2string` (main/presencestate.c). */
export const PRESENCE_WORDS = ['not_set', 'unavailable', 'available', 'away', 'xa', 'chat', 'dnd'] as const;

export type PresenceWord = (typeof PRESENCE_WORDS)[number];

/** Bytes (UTF-8) of a subtype or message: `PRESENCE_STATE` decodes base64 into 256 (funcs/func_presencestate.c). */
export const MAX_PRESENCE_TEXT = 255;

/** A presence as one text: two are the same if and only if these are equal. Made by {@link presenceOf} only. */
export type Presence = string & { readonly presence: never };

export interface PresenceParts {
  readonly word: PresenceWord;
  /** Free texts, '' when there is none; no control characters, no blank at either end, which AMI would lose. */
  readonly subtype: string;
  readonly message: string;
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROLS = new RegExp(CONTROL, 'g');
/** Half a character, which no text on a wire can hold. */
const HALVES = /[\ud800-\udfff]/gu;

export function isPresenceWord(word: string): word is PresenceWord {
  return (PRESENCE_WORDS as readonly string[]).includes(word);
}

/** Whether it can be the subtype or message of a presence. */
export function isPresenceText(text: string): boolean {
  return (
    text.trim() === text &&
    !CONTROL.test(text) &&
    text.search(HALVES) < 0 &&
    Buffer.byteLength(text) <= MAX_PRESENCE_TEXT
  );
}

/** A text made fit: control characters are blanks, those at the ends go, and what is too long is cut between two characters. */
export function presenceText(text: string): string {
  const plain = text.replace(HALVES, '\ufffd').replace(CONTROLS, ' ').trim();
  if (Buffer.byteLength(plain) <= MAX_PRESENCE_TEXT) return plain;
  let kept = '';
  let bytes = 0;
  for (const character of plain) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_PRESENCE_TEXT) break;
    kept += character;
  }
  return kept.trimEnd();
}

/** Both texts must be as {@link isPresenceText} has them. */
export function presenceOf({ word, subtype, message }: PresenceParts): Presence {
  return JSON.stringify([word, subtype, message]) as Presence;
}

/** Tells a presence from a device state: none of those begins so. */
export function isPresence(state: string): state is Presence {
  return state.startsWith('[');
}

/** As Asterisk writes it: `away,lunch,back at two`, without the commas nothing follows. */
export function presenceWords(presence: Presence): string {
  const { word, subtype, message } = partsOf(presence);
  return [word, subtype, message].join(',').replace(/,+$/, '');
}

export function partsOf(presence: Presence): PresenceParts {
  const [word, subtype, message] = JSON.parse(presence) as [PresenceWord, string, string];
  return { word, subtype, message };
}

/** Nothing was ever said: what Asterisk has where nothing was written. */
export const NOT_SET: Presence = presenceOf({ word: 'not_set', subtype: '', message: '' });
/** What the lamps of a gone origin say: nobody vouches for anything there. */
export const GONE_PRESENCE: Presence = presenceOf({ word: 'unavailable', subtype: '', message: '' });
