/**
 * The AMI actions the simulated Asterisk knows: their class, in which versions they are, and what they answer
 * (main/manager.c). They read and change the model; the session writes what they return. Lists are actions-lists.ts,
 * AstDB is actions-database.ts.
 */
import { dbDel, dbGet } from './actions-database.ts';
import {
  coreShowChannels,
  deviceStateList,
  extensionStateList,
  presenceStateList,
  status,
  voicemailUsersList,
} from './actions-lists.ts';
import { acknowledge, failure, response } from './answer.ts';
import { statusText } from './dialplan.ts';
import type { Fields, Message } from './message.ts';
import type { Pbx } from './pbx.ts';

/** What an action may see of its Asterisk. */
export interface Host {
  readonly pbx: Pbx;
  readonly startedAt: Date;
  readonly reloadedAt: Date;
  /** Modules are loaded: DEVICE_STATE() and DeviceStateList exist. */
  readonly functionsLoaded: boolean;
  readonly deviceStateModule: boolean;
  readonly presenceStateModule: boolean;
  readonly globals: Map<string, string>;
  setvar(device: string, word: string): boolean;
  setPresence(presentity: string, value: string): boolean;
  dialplanReload(): void;
  /** False: no such module. */
  moduleReload(module: string): boolean;
}

interface Action {
  readonly class: readonly string[];
  readonly run?: (message: Message, host: Host, may: ReadonlySet<string>) => string;
  /** Whether this Asterisk has it now; absent: always. */
  readonly isThere?: (host: Host) => boolean;
}

const pad = (n: number) => String(n).padStart(2, '0');
const date = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
const time = (at: Date) => `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;

/** `NAME(args)`: a name that ends in `)` is a function; args go up to the last `)`. */
function asFunction(variable: string): { name: string; args: string } | undefined {
  const open = variable.indexOf('(');
  if (!variable.endsWith(')') || open < 0) return undefined;
  return { name: variable.slice(0, open), args: variable.slice(open + 1, -1) };
}

function setvar(message: Message, host: Host): string {
  const variable = message.get('Variable');
  const value = message.get('Value');
  if (variable === '') return failure(message, 'No variable specified');
  const call = asFunction(variable);
  // Anything else, a trailing blank or a missing `)` included, silently names a global variable.
  if (!call) host.globals.set(variable, value);
  else if (!setFunction(call, value, host)) return failure(message, 'Variable not set');
  return acknowledge(message, 'Variable Set');
}

function setFunction({ name, args }: { name: string; args: string }, value: string, host: Host): boolean {
  if (!host.functionsLoaded) return false;
  if (name === 'DEVICE_STATE') return host.setvar(args, value);
  return name === 'PRESENCE_STATE' && host.setPresence(args, value);
}

function getvar(message: Message, host: Host): string {
  const variable = message.get('Variable');
  if (variable === '') return failure(message, 'No variable specified');
  const call = asFunction(variable);
  // A function that fails has no value; nor has a variable nobody set.
  let value = call ? '' : (host.globals.get(variable) ?? '');
  if (call?.name === 'DEVICE_STATE' && host.functionsLoaded) value = host.pbx.deviceState(call.args);
  if (call?.name === 'PRESENCE_STATE' && host.functionsLoaded) value = presenceValue(call.args, host);
  return response(message, 'Success', [
    ['Variable', variable],
    ['Value', value],
  ]);
}

/** `presence_read` (funcs/func_presencestate.c): straight from the provider. */
function presenceValue(args: string, { pbx }: Host): string {
  const [provider = '', field = '', options = ''] = args.split(',');
  const said = pbx.shape.since13 ? pbx.presences.of(provider, false) : undefined;
  if (!said || field === '') return '';
  if (field === 'value') return said.word;
  const text = field === 'subtype' ? said.subtype : field === 'message' ? said.message : '';
  return options.includes('e') ? Buffer.from(text).toString('base64') : text;
}

function presenceState(message: Message, { pbx }: Host): string {
  const provider = message.get('Provider');
  if (provider === '') return failure(message, 'No provider specified');
  const said = pbx.presences.of(provider);
  if (!said) return failure(message, `Invalid provider ${provider} or provider in invalid state`);
  const texts: Fields = [
    ['Subtype', said.subtype],
    ['Message', said.message],
    ['PresenceMessage', said.message],
  ];
  return response(message, 'Success', [
    ['Message', 'Presence State'],
    ['State', said.word],
    ...texts.filter(([, text]) => text !== ''),
  ]);
}

function extensionState(message: Message, { pbx }: Host): string {
  const extension = message.get('Exten');
  if (extension === '') return failure(message, 'Extension not specified');
  const row = pbx.askHint(extension, message.get('Context') || 'default');
  return response(message, 'Success', [
    ['Message', 'Extension Status'],
    ['Exten', row.extension],
    ['Context', row.context],
    ['Hint', row.hint],
    ['Status', String(row.status)],
    ...(pbx.shape.since13 ? ([['StatusText', statusText(row.status)]] as const) : []),
  ]);
}

/** Nobody is asked whether there is such a mailbox, or any. */
function mailboxCount(message: Message, { pbx }: Host): string {
  const name = message.get('Mailbox');
  if (name === '') return failure(message, 'Mailbox not specified');
  const { fresh, old } = pbx.voicemail.get(name) ?? { fresh: 0, old: 0 };
  return response(message, 'Success', [
    ['Message', 'Mailbox Message Count'],
    ['Mailbox', name],
    ['UrgMessages', '0'],
    ['NewMessages', String(fresh)],
    ['OldMessages', String(old)],
  ]);
}

/** The one command of the CLI that matters here. */
function command(message: Message, host: Host): string {
  if (message.get('Command') !== 'dialplan reload') return failure(message, 'Not simulated');
  host.dialplanReload();
  return response(message, 'Success', [
    ['Message', 'Command output follows'],
    ['Output', 'Dialplan reloaded.'],
  ]);
}

/** What the user may do, with a text of our own. */
function listCommands(message: Message, host: Host, may: ReadonlySet<string>): string {
  const rows = Object.entries(ACTIONS)
    .filter(([, { isThere }]) => isThere?.(host) !== false)
    .filter(([, action]) => isAllowed(action, may))
    .map(([name, action]): readonly [string, string] => {
      const priv = action.class.length === 0 ? '<none>' : [...action.class, 'all'].join(',');
      return [name, `Simulated.  (Priv: ${priv})`];
    });
  return response(message, 'Success', rows);
}

function coreSettings(message: Message, { pbx: { shape } }: Host): string {
  return response(message, 'Success', [
    ['AMIversion', shape.ami],
    ['AsteriskVersion', shape.asterisk],
    ['SystemName', ''],
    ['CoreMaxCalls', '0'],
    ['CoreMaxLoadAvg', '0.000000'],
    ['CoreRunUser', ''],
    ['CoreRunGroup', ''],
    ['CoreMaxFilehandles', '0'],
    ['CoreRealTimeEnabled', 'No'],
    ['CoreCDRenabled', 'Yes'],
    ['CoreHTTPenabled', 'No'],
    ...(shape.since18 ? ([['SoundsSearchCustomDir', 'No']] as const) : []),
  ]);
}

function coreStatus(message: Message, { startedAt, reloadedAt, pbx }: Host): string {
  return response(message, 'Success', [
    ['CoreStartupDate', date(startedAt)],
    ['CoreStartupTime', time(startedAt)],
    ['CoreReloadDate', date(reloadedAt)],
    ['CoreReloadTime', time(reloadedAt)],
    ['CoreCurrentCalls', '0'],
    ...(pbx.shape.since18 ? ([['CoreProcessedCalls', '0']] as const) : []),
  ]);
}

function reload(message: Message, host: Host): string {
  return host.moduleReload(message.get('Module') || 'All')
    ? acknowledge(message, 'Module Reloaded')
    : failure(message, 'No such module');
}

const REPORTING = ['call', 'reporting'];
const SYSTEM = ['system', 'reporting'];
const since13 = ({ pbx }: Host): boolean => pbx.shape.since13;

const ACTIONS: Readonly<Record<string, Action>> = {
  Ping: {
    class: [],
    run: (message) =>
      response(message, 'Success', [
        ['Ping', 'Pong'],
        ['Timestamp', `${(Date.now() / 1000).toFixed(6)}`],
      ]),
  },
  ListCommands: { class: [], run: listCommands },
  ExtensionStateList: {
    class: REPORTING,
    isThere: since13,
    run: (message, { pbx }) => extensionStateList(message, pbx),
  },
  DeviceStateList: {
    class: REPORTING,
    isThere: (host) => since13(host) && host.deviceStateModule && host.functionsLoaded,
    run: (message, { pbx }) => deviceStateList(message, pbx),
  },
  PresenceStateList: {
    class: REPORTING,
    isThere: (host) => since13(host) && host.presenceStateModule && host.functionsLoaded,
    run: (message, { pbx }) => presenceStateList(message, pbx),
  },
  VoicemailUsersList: {
    class: REPORTING,
    isThere: ({ pbx, functionsLoaded }) => pbx.voicemail.isLoaded && functionsLoaded,
    run: (message, { pbx }) => voicemailUsersList(message, pbx),
  },
  CoreShowChannels: { class: SYSTEM, run: (message, { pbx }) => coreShowChannels(message, pbx) },
  Status: {
    class: ['system', 'call', 'reporting'],
    // Newer ones have it too; that one is not simulated.
    isThere: (host) => !since13(host),
    run: (message, { pbx }) => status(message, pbx),
  },
  ExtensionState: { class: REPORTING, run: extensionState },
  PresenceState: { class: REPORTING, isThere: since13, run: presenceState },
  MailboxCount: { class: REPORTING, run: mailboxCount },
  Setvar: { class: ['call'], run: setvar },
  Getvar: { class: REPORTING, run: getvar },
  CoreSettings: { class: SYSTEM, run: coreSettings },
  CoreStatus: { class: SYSTEM, run: coreStatus },
  Reload: { class: ['config', 'system'], run: reload },
  Command: { class: ['command'], run: command },
  DBGet: { class: SYSTEM, run: (message, { pbx }) => dbGet(message, pbx) },
  DBDel: { class: ['system'], run: (message, { pbx }) => dbDel(message, pbx) },
  // Known, so that a user without the class is told so; nobody has asked the simulator for more yet.
  Filter: { class: ['system'], isThere: since13 },
  Originate: { class: ['originate'] },
  UserEvent: { class: ['user'] },
};

const BY_NAME = new Map(Object.entries(ACTIONS).map(([name, action]) => [name.toLowerCase(), action]));

function isAllowed(action: Action, may: ReadonlySet<string>): boolean {
  return action.class.length === 0 || action.class.some((word) => may.has(word));
}

/** The answer to one action of a user who is logged in and may write `may`. */
export function act(message: Message, may: ReadonlySet<string>, host: Host): string {
  const name = message.get('Action');
  const action = BY_NAME.get(name.toLowerCase());
  if (!action || action.isThere?.(host) === false) {
    return failure(
      message,
      `Invalid/unknown command: ${name}. Use Action: ListCommands to show available commands.`,
    );
  }
  if (!isAllowed(action, may)) return failure(message, 'Permission denied');
  return action.run?.(message, host, may) ?? failure(message, 'Not simulated');
}
