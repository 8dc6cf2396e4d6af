/**
 * The names Hintmesh lives by: extension, tag, lamp. Owns their alphabets, how a lamp's name is built and
 * split, and why a name is refused. Everything a socket says passes here before it is believed, and again
 * before it becomes part of an AMI line.
 */

/** `Custom:` + at most this many characters: Asterisk cuts device names at 79 (main/devicestate.c). */
export const MAX_LAMP_NAME = 72;

/**
 * `CustomPresence:` + at most this many: after a restart Asterisk lists the names of presences cut at 79 as well (seen on
 * 16.28 and 22.10), and what is cut could be read as a lamp of another tag.
 */
export const MAX_PRESENCE_NAME = 64;

const EXTENSION = /^[A-Za-z0-9*+#][A-Za-z0-9*+#._]*$/;
const TAG = /^[a-z][a-z0-9]*(\.[a-z0-9]+)*$/;
/** Asterisk keeps a context's name in 80 characters (`AST_MAX_CONTEXT`, include/asterisk/channel.h). */
const CONTEXT = /^[A-Za-z0-9_.:+-]{1,79}$/;
const CUSTOM_PREFIX = /^custom:/i;
const CUSTOM_PRESENCE = 'CustomPresence:';

/** A lamp: the mirror of extension `extension` of PBX `tag`. */
export interface LampName {
  readonly extension: string;
  readonly tag: string;
}

/** Whether a device is a lamp that has no tag in its name. */
export type IsLamp = (device: string) => boolean;

/** A dialplan context that can be named in a config and asked about over AMI: no blanks, nothing that splits. */
export function isContext(text: string): boolean {
  return CONTEXT.test(text);
}

export function isExtension(text: string): boolean {
  return text.length < MAX_LAMP_NAME && EXTENSION.test(text);
}

export function isTag(text: string): boolean {
  return text.length >= 2 && text.length < MAX_LAMP_NAME && TAG.test(text);
}

/** Why a tag is refused, as the end of a sentence, or `undefined` when it is one. */
export function whyNotTag(text: string): string | undefined {
  if (isTag(text)) return undefined;
  if (text === '') return 'is empty; a tag is the short name of a PBX, like "msk" or "b.example.com"';
  if (text.includes('-')) return 'has a "-", which Asterisk ignores when it matches extensions; leave it out';
  if (/[A-Z]/.test(text))
    return 'has an upper-case letter; lamps are case-sensitive, so tags are lower case only';
  if (/^[0-9]/.test(text)) return 'starts with a digit; a tag starts with a letter a-z';
  if (text.length < 2) return 'has one character only; a tag has two or more';
  if (text.length >= MAX_LAMP_NAME)
    return `is too long; a lamp's name EXT*tag has at most ${MAX_LAMP_NAME} characters`;
  return 'is not a tag; a tag is a-z, 0-9 and single dots between, starting with a letter';
}

/** Why an extension is refused, as the end of a sentence, or `undefined` when it is one. */
export function whyNotExtension(text: string): string | undefined {
  if (isExtension(text)) return undefined;
  if (text === '') return 'is empty';
  if (text.includes('/')) {
    return 'has a "/"; Asterisk loses everything before the last "/" of a Custom device when it restarts';
  }
  if (text.includes('-')) return 'has a "-", which Asterisk ignores when it matches extensions';
  if (text.includes('@')) return 'has a "@"; phones cannot subscribe to such an extension';
  if (text.includes('&') || text.includes(',')) return 'has a "&" or ","; both split a hint';
  if (text.length >= MAX_LAMP_NAME)
    return `is too long; a lamp's name EXT*tag has at most ${MAX_LAMP_NAME} characters`;
  return 'is not an extension; allowed are A-Z a-z 0-9 * + # and, after the first character, . and _';
}

/** `EXT*tag`, or `undefined` when together they are longer than Asterisk can hold. */
export function lampName(extension: string, tag: string): string | undefined {
  const name = `${extension}*${tag}`;
  return name.length <= MAX_LAMP_NAME ? name : undefined;
}

/** `Custom:EXT*tag` for a name made by {@link lampName}. */
export function lampDevice(name: string): string {
  return `Custom:${name}`;
}

/** `CustomPresence:EXT*tag` for a name made by {@link lampName}. */
export function lampPresentity(name: string): string {
  return `${CUSTOM_PRESENCE}${name}`;
}

/** What stands after `CustomPresence:`, in any case (main/presencestate.c); `undefined`: the presentity is something else. */
export function customPresenceName(presentity: string): string | undefined {
  return /^custompresence:/i.test(presentity) ? presentity.slice(CUSTOM_PRESENCE.length) : undefined;
}

/** Splits `EXT*tag` at its LAST `*`: FreePBX has extensions such as `*76EXT`. */
export function splitLampName(name: string): LampName | undefined {
  if (name.length > MAX_LAMP_NAME) return undefined;
  const star = name.lastIndexOf('*');
  if (star < 1) return undefined;
  const extension = name.slice(0, star);
  const tag = name.slice(star + 1);
  return isExtension(extension) && isTag(tag) ? { extension, tag } : undefined;
}

/** What stands after `Custom:`, whatever the case of that; `undefined` when the device is something else. */
export function customName(device: string): string | undefined {
  return CUSTOM_PREFIX.test(device) ? device.slice('Custom:'.length) : undefined;
}

/**
 * The lamp a device is, whatever the case of its `Custom:` prefix (hints were matched without regard to
 * case up to 22.10), or `undefined` when the device is something else.
 */
export function lampOfDevice(device: string): LampName | undefined {
  const name = customName(device);
  return name === undefined ? undefined : splitLampName(name);
}

/**
 * The devices a hint names. Asterisk splits presence off at the first `,` and devices at `&`
 * (main/pbx.c, `ast_add_hint`, `extension_state_cb`).
 */
export function devicesOfHint(hint: string): string[] {
  const comma = hint.indexOf(',');
  return (comma < 0 ? hint : hint.slice(0, comma))
    .split('&')
    .map((device) => device.trim())
    .filter((device) => device !== '');
}
