/**
 * The whitelist of everything that is ever written to Asterisk: which actions, which headers, which values.
 * Every action passes `encode`; nothing else is ever written. AMI has no escaping and takes a
 * bare LF as the end of a line (main/manager.c, `get_input`), so a value is refused, never mended.
 */
import { isContext, isExtension, isTag, splitLampName } from '../core/names.ts';
import { isPresenceText, isPresenceWord, type Presence, partsOf } from '../core/presence.ts';
import { isDeviceState } from '../core/state.ts';
import { isLease } from './lease.ts';
import { MAX_ACTION_LINE, MAX_ACTION_LINES } from './limits.ts';
import type { ListAction } from './offers.ts';

export type Action =
  | { readonly name: 'Login'; readonly username: string; readonly secret: string }
  | { readonly name: 'Ping' | 'CoreStatus' | 'CoreSettings' | 'ListCommands' }
  | { readonly name: ListAction }
  | { readonly name: 'ExtensionState'; readonly context: string; readonly extension: string }
  /** Reads DEVICE_STATE of a device nobody has: tells whether the function is there. */
  | { readonly name: 'Getvar' }
  | { readonly name: 'Setvar'; readonly device: string; readonly state: string }
  | { readonly name: 'Setvar'; readonly presentity: string; readonly presence: Presence }
  /** The row of a lamp or presence in Asterisk's database: is there one, and take it out; see database.ts. */
  | { readonly name: 'DBGet' | 'DBDel'; readonly device: string }
  | { readonly name: 'DBGet' | 'DBDel'; readonly presentity: string }
  /** The lease of the brokers with this tag; see lease.ts. */
  | { readonly name: 'Getvar'; readonly leaseOf: string }
  | { readonly name: 'Setvar'; readonly leaseOf: string; readonly lease: string };

/** An action that must not be written; the message is the end of a sentence and holds no secret. */
export class Unwritable extends Error {}

/** Header → value. Fresh for each action: the library changes that of its login. */
export type Encoded = Record<string, string>;

/** Only these classes of events are wanted, whatever else the manager user may read. */
const EVENT_CLASSES = 'call,system';

/** Printable ASCII without a blank at either end. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;
/** No line with a value like that is too long, whatever its header. */
const SHORT = MAX_ACTION_LINE / 2;

const CONTROL = /[\u0000-\u001f\u007f\u0080-\u009f\u2028\u2029]/;

/** @throws Unwritable */
export function encode(action: Action): Encoded {
  const headers: Encoded = { action: action.name, ...headersOf(action) };
  let lines = 1; // that of the ActionID
  for (const key in headers) {
    lines += 1;
    checkLine(key, headers[key] ?? '');
  }
  if (lines > MAX_ACTION_LINES) throw new Unwritable('has too many lines');
  return headers;
}

function headersOf(action: Action): Encoded {
  switch (action.name) {
    case 'Login':
      return { username: action.username, secret: action.secret, events: EVENT_CLASSES };
    case 'ExtensionState':
      if (!isContext(action.context)) throw new Unwritable(`context ${quote(action.context)} is no context`);
      if (!isExtension(action.extension)) {
        throw new Unwritable(`extension ${quote(action.extension)} is no extension`);
      }
      return { context: action.context, exten: action.extension };
    case 'Getvar':
      return {
        variable: 'leaseOf' in action ? leaseVariable(action.leaseOf) : 'DEVICE_STATE(Custom:hintmesh)',
      };
    case 'Setvar':
      if ('leaseOf' in action) {
        if (!isLease(action.lease)) throw new Unwritable(`${quote(action.lease)} is no lease`);
        return { variable: leaseVariable(action.leaseOf), value: action.lease };
      }
      if ('presentity' in action) {
        const name = mirrored(action.presentity, 'CustomPresence:');
        return { variable: `PRESENCE_STATE(${name})`, value: presenceValue(action.presence) };
      }
      return {
        variable: `DEVICE_STATE(${mirrored(action.device, 'Custom:')})`,
        value: writable(action.state),
      };
    case 'DBGet':
    case 'DBDel':
      // Keyed by what stands after the prefix (funcs/func_devstate.c, `devstate_write`; func_presencestate.c, `presence_write`).
      if ('presentity' in action) return row('CustomPresence', action.presentity, 'CustomPresence:');
      return row('CustomDevstate', action.device, 'Custom:');
    default:
      return {};
  }
}

type Prefix = 'Custom:' | 'CustomPresence:';

function leaseVariable(tag: string): string {
  if (!isTag(tag)) throw new Unwritable(`${quote(tag)} is no tag`);
  return `HINTMESH_LEASE_${tag}`;
}

/**
 * What shows something of another PBX: `EXT*tag`, or `EXT` where number plans do not overlap. The prefix is
 * written anew: Asterisk takes it in any case (22.11 does not), and what is looked up later only as it was written.
 */
function mirrored(name: string, prefix: Prefix): string {
  const bare = name.slice(prefix.length);
  const isPrefixed = name.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
  if (!isPrefixed || (splitLampName(bare) === undefined && !isExtension(bare))) {
    throw new Unwritable(`${quote(name)} is no lamp (${prefix}EXT*tag or ${prefix}EXT)`);
  }
  return `${prefix}${bare}`;
}

function row(family: string, name: string, prefix: Prefix): Encoded {
  return { family, key: mirrored(name, prefix).slice(prefix.length) };
}

/** The texts go in base64 (`e`): as they are, a comma in them would end them (funcs/func_presencestate.c, `parse_data`). */
function presenceValue(presence: Presence): string {
  const { word, subtype, message } = partsOf(presence);
  if (!isPresenceWord(word) || !isPresenceText(subtype) || !isPresenceText(message)) {
    throw new Unwritable(`presence ${quote(presence)} cannot be written`);
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `${word},${base64(subtype)},${base64(message)},e`;
}

function writable(state: string): string {
  if (!isDeviceState(state) || state === 'UNKNOWN') {
    throw new Unwritable(`state ${quote(state)} cannot be written`);
  }
  return state;
}

function checkLine(key: string, value: string): void {
  // What nearly all of them are.
  if (value.length <= SHORT && PLAIN.test(value)) return;
  if (CONTROL.test(value)) throw new Unwritable(`${key} has a line break or another control character`);
  if (value.trim() !== value) throw new Unwritable(`${key} begins or ends with a blank`);
  if (value === '') throw new Unwritable(`${key} is empty`);
  if (Buffer.byteLength(`${key}: ${value}`) > MAX_ACTION_LINE) {
    throw new Unwritable(`${key} is longer than Asterisk's ${MAX_ACTION_LINE} bytes a line`);
  }
}

/** The lines of an action that passed {@link encode}; asterisk-manager takes several times as long to make them. */
export function packetOf(headers: Encoded, id: string): string {
  let text = `ActionID: ${id}\r\n`;
  for (const key in headers) text += `${key[0]?.toUpperCase()}${key.slice(1)}: ${headers[key]}\r\n`;
  return `${text}\r\n`;
}

/** For messages: short, printable, in quotes. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  // JSON leaves alone what begins a command of a terminal in 8 bits, or turns the writing round.
  return JSON.stringify(short).replace(/[^\x20-\x7e]/g, '?');
}
