/**
 * What stands for an extension in an export rule: a device or presentity, or a template of one with `{ext}`. Owns why
 * one is refused, for its state (`device`), for its channels (`channels`) or for what somebody says (`presence`).
 */
import { EXT_PLACEHOLDER } from '../core/device-map.ts';
import { countNamed, enumerate, MAX_RANGE, type Match } from '../core/match.ts';
import { customPresenceName, lampOfDevice, splitLampName } from '../core/names.ts';

export type TemplateUse = 'device' | 'channels';

/** Asterisk cuts device names at 79 characters (main/devicestate.c). */
const MAX_DEVICE = 79;
const DEVICE = /^[A-Za-z][^\s,&()\p{Cc}\p{Z}]*[/:][^\s,&()\p{Cc}\p{Z}]+$/u;
const PRESENTITY = /^[A-Za-z]+:[^\s,&()\p{Cc}\p{Z}]+$/u;
/** What names channels: these capitals and no others. */
const TECHNOLOGIES = ['PJSIP', 'SIP', 'IAX2', 'DAHDI', 'Local'];

/** Why a template is refused beside this match (`undefined`: a wrong one), as the end of a sentence. */
export function whyNotTemplate(
  template: string,
  use: TemplateUse,
  match: Match | undefined,
): string | undefined {
  const slip = whyNotPlaced(template, `PJSIP/${EXT_PLACEHOLDER}`, match);
  if (slip !== undefined) return slip;
  const device = template.replace(EXT_PLACEHOLDER, '1');
  if (lampOfDevice(device) !== undefined) {
    return 'is a lamp (Custom:EXT*tag), the mirror of another PBX; exporting it would send a state back in a circle';
  }
  const isDevice = device.length <= MAX_DEVICE && DEVICE.test(device);
  if (use === 'channels') return whyWithoutChannels(template, isDevice);
  if (isDevice) return undefined;
  return `is no device; a device is like PJSIP/${EXT_PLACEHOLDER} or Custom:name, at most ${MAX_DEVICE} characters, no blanks and none of , & ( )`;
}

/** The same of a presentity, which is a provider's name for somebody. */
export function whyNotPresentity(template: string, match: Match | undefined): string | undefined {
  const slip = whyNotPlaced(template, `CustomPresence:${EXT_PLACEHOLDER}`, match);
  if (slip !== undefined) return slip;
  const presentity = template.replace(EXT_PLACEHOLDER, '1');
  // Asterisk finds a provider whatever its capitals (main/presencestate.c, `ast_presence_state_helper`).
  const name = customPresenceName(presentity.replace(/^custompresence:/i, 'CustomPresence:'));
  if (name !== undefined && splitLampName(name) !== undefined) {
    return 'is what the presence of another PBX is shown by (CustomPresence:EXT*tag); exporting it would send it back in a circle';
  }
  if (presentity.length <= MAX_DEVICE && PRESENTITY.test(presentity)) return undefined;
  return `is no presentity; one is like CustomPresence:${EXT_PLACEHOLDER}, a provider in letters, ":" and a name, at most ${MAX_DEVICE} characters, no blanks and none of , & ( )`;
}

/** Where the placeholder stands. */
function whyNotPlaced(template: string, example: string, match: Match | undefined): string | undefined {
  const [before = '', after, ...more] = template.split(EXT_PLACEHOLDER);
  if (more.length > 0)
    return `has ${EXT_PLACEHOLDER} more than once; once is enough to stand for the extension`;
  if (/[{}]/.test(before + (after ?? ''))) return `has a "{" or "}" other than ${EXT_PLACEHOLDER}`;
  if (after === undefined && match !== undefined && !isSingle(match)) {
    return `has no ${EXT_PLACEHOLDER}, so every extension of the match would have the same state; write e.g. ${example}, or match one extension only`;
  }
  return undefined;
}

/** A channel is `TECHNOLOGY/name-number`, and its device what stands before the last "-" (channels.ts in core/). */
function whyWithoutChannels(template: string, isDevice: boolean): string | undefined {
  const [, technology = '', separator] = /^([^/:]*)([/:])/.exec(template) ?? [];
  if (isDevice && separator === ':') {
    return `never has channels, so it would be NOT_INUSE for ever; its state is exported with device:`;
  }
  const isTechnology = /^[A-Za-z][A-Za-z0-9]*$/.test(technology);
  if (!isDevice || !isTechnology) {
    return `is no device of channels; the channel PJSIP/1001-0000002a is one of PJSIP/1001, so write PJSIP/${EXT_PLACEHOLDER}, at most ${MAX_DEVICE} characters, no blanks and none of , & ( )`;
  }
  const meant = TECHNOLOGIES.find((name) => name.toLowerCase() === technology.toLowerCase());
  if (meant === undefined || meant === technology) return undefined;
  return `is the device of no channel: Asterisk writes ${meant}/…, and capitals count; write ${meant}${template.slice(technology.length)}`;
}

export function isLocal(template: string): boolean {
  return template.startsWith('Local/');
}

function isSingle(match: Match): boolean {
  const isListed = match.every(({ kind }) => kind !== 'pattern' && kind !== 'regex');
  return isListed && countNamed(match) <= MAX_RANGE && enumerate(match).length === 1;
}
