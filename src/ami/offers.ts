/**
 * What this Asterisk has to tell, as far as it differs between versions and modules: which lists there are, what cannot be
 * had without those that are missing, and how texts are written in events. Found out in each session, from the names
 * ListCommands gives, and again while something is missing; no I/O.
 *
 * ListCommands leaves out what the user may not do. But whoever may write a lamp may have the lists below, which stand in
 * the same class (`call`), so one that is not named is not there.
 */
import type { AmiDown, AmiOptions } from './contract.ts';
import type { Answer } from './exchange.ts';
import { told } from './message.ts';
import { type Lines, lackingEvent, lackingList, missingModule } from './reasons.ts';

/** The actions that list something, in the order in which they are asked for. */
const LISTS = [
  'ExtensionStateList',
  'DeviceStateList',
  'PresenceStateList',
  'VoicemailUsersList',
  'CoreShowChannels',
] as const;
export type ListAction = (typeof LISTS)[number];

/** Where the lists that a module brings come from. The other two are in the core. */
const MODULES: Partial<Record<ListAction, string>> = {
  DeviceStateList: 'res_manager_devicestate',
  PresenceStateList: 'res_manager_presencestate',
  VoicemailUsersList: 'app_voicemail',
};

/** What cannot be had, whether the config wants it or not, by the list it would come from: a sentence for the admin. */
export type Lacking = ReadonlyMap<ListAction, string>;

/** The lines of export that take their states from such a list alone. */
const LINES: Partial<Record<ListAction, Lines>> = {
  PresenceStateList: 'presence',
  VoicemailUsersList: 'mailbox',
};

export interface Offers {
  /** As Asterisk gives it, for people. */
  readonly version: string;
  /** The lists that are read, in this order. */
  readonly lists: readonly ListAction[];
  readonly lacking: Lacking;
  /** The texts of a presence are escaped as in C (since 13.5: main/presencestate.c, `presence_state_to_ami`). */
  readonly escapes: boolean;
}

type Wanted = Pick<AmiOptions, 'channels' | 'devices' | 'presences' | 'mailboxes'>;

/** What is read in this session, or why that is not enough for any lamp to be right. */
export function offersOf(settings: Answer, commands: Answer, wanted: Wanted): Offers | AmiDown {
  const version = told((settings.ok && settings.message['asteriskversion']) || 'unknown');
  const found = find(version, commands, wanted);
  return 'reason' in found ? found : { version, escapes: escapes(version), ...found };
}

/** The same later in the session: modules come and go. Without an answer what was read is tried again. */
export function offersAgain(before: Offers, commands: Answer, wanted: Wanted): Offers | AmiDown {
  if (!commands.ok) return before;
  const found = find(before.version, commands, wanted);
  return 'reason' in found ? found : { ...before, ...found };
}

function find(
  version: string,
  commands: Answer,
  wanted: Wanted,
): Pick<Offers, 'lists' | 'lacking'> | AmiDown {
  const names = commands.ok ? commands.message : undefined;
  const has = (list: ListAction): boolean => names === undefined || names[list.toLowerCase()] !== undefined;
  const lacking = new Map<ListAction, string>();
  // In the core since 13: before that there are no events of devices and of presence either, and no module brings them.
  const isOld = !has('ExtensionStateList');
  if (isOld) {
    lacking.set('DeviceStateList', lackingEvent(version, 'device'));
    lacking.set('PresenceStateList', lackingEvent(version, 'presence'));
  }
  const isRead: Record<ListAction, boolean> = {
    ExtensionStateList: !isOld,
    DeviceStateList: !isOld,
    PresenceStateList: !isOld && (wanted.presences === true || names !== undefined),
    VoicemailUsersList: wanted.mailboxes === true,
    CoreShowChannels: wanted.channels,
  };
  const lists: ListAction[] = [];
  for (const list of LISTS) {
    if (!isRead[list]) continue;
    const missing = has(list) ? undefined : missingList(list);
    if (typeof missing === 'object') return missing;
    if (missing === undefined) lists.push(list);
    else lacking.set(list, missing);
  }
  return { lists, lacking };
}

/**
 * Asterisk does not know this list. Without that of devices no lamp can be kept right; without the others of modules only
 * what some lines of the config name is missing, and which. `undefined`: it is in the core.
 */
export function missingList(list: ListAction): AmiDown | string | undefined {
  const module = MODULES[list];
  const of = LINES[list];
  if (module === undefined) return undefined;
  return of === undefined ? missingModule(module, list) : lackingList(list, of, module);
}

/** Which lines of export take their states from this list alone; `undefined`: all lamps need it. */
export function linesOf(list: ListAction): Lines | undefined {
  return LINES[list];
}

/** What of these options cannot be had, in one sentence. */
export function lackingText(lacking: Lacking, wanted: Wanted): string | undefined {
  const isWanted: Partial<Record<ListAction, boolean | undefined>> = {
    DeviceStateList: wanted.devices,
    PresenceStateList: wanted.presences,
    VoicemailUsersList: wanted.mailboxes,
  };
  const texts = [...lacking].flatMap(([list, text]) => (isWanted[list] ? [text] : []));
  return texts.length > 0 ? texts.join('; and ') : undefined;
}

/** A version that cannot be read, such as that of a build from git, is taken for a new one. */
function escapes(version: string): boolean {
  const [, major, minor] = /^(?:certified[/-])?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return true;
  return Number(major) > 13 || (Number(major) === 13 && Number(minor) >= 5);
}
