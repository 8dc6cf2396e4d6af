/**
 * What this Asterisk has to tell, as far as it differs between versions and modules: which lists there are, and how texts
 * are written in events. Found out in each session, from the names ListCommands gives; no I/O.
 *
 * ListCommands leaves out what the user may not do. But whoever may write a lamp may have the lists below, which stand in
 * the same class (`call`), so one that is not named is not there.
 */
import type { AmiDown, AmiOptions } from './contract.ts';
import type { Answer } from './exchange.ts';
import { told } from './message.ts';
import { missingModule, tooOld } from './reasons.ts';

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

export interface Offers {
  /** As Asterisk gives it, for people. */
  readonly version: string;
  /** The lists that are read, in this order. */
  readonly lists: readonly ListAction[];
  /** The texts of a presence are escaped as in C (since 13.5: main/presencestate.c, `presence_state_to_ami`). */
  readonly escapes: boolean;
}

type Wanted = Pick<AmiOptions, 'channels' | 'devices' | 'presences' | 'mailboxes'>;

/** What is read in this session, or why that is not enough for the config. */
export function offersOf(settings: Answer, commands: Answer, wanted: Wanted): Offers | AmiDown {
  const version = told((settings.ok && settings.message['asteriskversion']) || 'unknown');
  const names = commands.ok ? commands.message : undefined;
  const has = (list: ListAction): boolean => names === undefined || names[list.toLowerCase()] !== undefined;
  // In the core since 13, like the events of devices and of presence: before that no module brings them.
  const isOld = !has('ExtensionStateList');
  if (isOld && wanted.devices) return tooOld(version, 'DeviceStateChange', 'device:');
  if (isOld && wanted.presences) return tooOld(version, 'PresenceStateChange', 'presence:');
  const isRead: Record<ListAction, boolean> = {
    ExtensionStateList: !isOld,
    DeviceStateList: !isOld,
    PresenceStateList: wanted.presences === true || (names !== undefined && has('PresenceStateList')),
    VoicemailUsersList: wanted.mailboxes === true,
    CoreShowChannels: wanted.channels,
  };
  const lists = LISTS.filter((list) => isRead[list]);
  for (const list of lists) {
    const missing = has(list) ? undefined : missingList(list);
    if (missing) return missing;
  }
  return { version, lists, escapes: escapes(version) };
}

/** Asterisk does not know this list: which module would bring it, `undefined` for those in the core. */
export function missingList(list: ListAction): AmiDown | undefined {
  const module = MODULES[list];
  return module === undefined ? undefined : missingModule(module, list);
}

/** A version that cannot be read, such as that of a build from git, is taken for a new one. */
function escapes(version: string): boolean {
  const [, major, minor] = /^(?:certified[/-])?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return true;
  return Number(major) > 13 || (Number(major) === 13 && Number(minor) >= 5);
}
