/**
 * The AMI actions the simulated Asterisk knows: their class and what they answer (main/manager.c, main/pbx.c,
 * res/res_manager_devicestate.c). They read and change the model; the session writes what they return.
 */
import { shuffled, statusText } from './dialplan.ts';
import { type Fields, type Message, packet } from './message.ts';
import type { Pbx } from './pbx.ts';

/** What an action may see of its Asterisk. */
export interface Host {
  readonly pbx: Pbx;
  readonly version: { readonly ami: string; readonly asterisk: string };
  readonly startedAt: Date;
  readonly reloadedAt: Date;
  /** Modules are loaded: DEVICE_STATE() and DeviceStateList exist. */
  readonly functionsLoaded: boolean;
  readonly deviceStateModule: boolean;
  readonly globals: Map<string, string>;
  setvar(device: string, word: string): boolean;
  dialplanReload(): void;
  /** False: no such module. */
  moduleReload(module: string): boolean;
}

type Action = { readonly class: readonly string[]; readonly run?: (message: Message, host: Host) => string };

/** A response with the caller's ActionID in its place. */
export function response(message: Message, word: string, fields: Fields): string {
  const id = message.get('ActionID');
  return packet([['Response', word], ...(id === '' ? [] : ([['ActionID', id]] as const)), ...fields]);
}

export function failure(message: Message, text: string): string {
  return response(message, 'Error', [['Message', text]]);
}

/** A whole list: nothing comes between its rows. */
function list(
  message: Message,
  row: string,
  text: string,
  complete: string,
  rows: readonly Fields[],
): string {
  const id = message.get('ActionID');
  const idField: Fields = id === '' ? [] : [['ActionID', id]];
  return [
    response(message, 'Success', [
      ['EventList', 'start'],
      ['Message', text],
    ]),
    ...rows.map((fields) => packet([['Event', row], ...idField, ...fields])),
    packet([['Event', complete], ...idField, ['EventList', 'Complete'], ['ListItems', String(rows.length)]]),
  ].join('');
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
  else if (call.name !== 'DEVICE_STATE' || !host.functionsLoaded || !host.setvar(call.args, value)) {
    return failure(message, 'Variable not set');
  }
  return response(message, 'Success', [['Message', 'Variable Set']]);
}

function getvar(message: Message, host: Host): string {
  const variable = message.get('Variable');
  if (variable === '') return failure(message, 'No variable specified');
  const call = asFunction(variable);
  let value = '';
  if (!call) value = host.globals.get(variable) ?? '';
  else if (call.name === 'DEVICE_STATE' && host.functionsLoaded) value = host.pbx.deviceState(call.args);
  return response(message, 'Success', [
    ['Variable', variable],
    ['Value', value],
  ]);
}

function extensionState(message: Message, host: Host): string {
  const extension = message.get('Exten');
  if (extension === '') return failure(message, 'Extension not specified');
  const row = host.pbx.askHint(extension, message.get('Context') || 'default');
  return response(message, 'Success', [
    ['Message', 'Extension Status'],
    ['Exten', row.extension],
    ['Context', row.context],
    ['Hint', row.hint],
    ['Status', String(row.status)],
    ['StatusText', statusText(row.status)],
  ]);
}

/** Rows of other families than that of Custom devices are not simulated: there are none. */
function rowOf(message: Message, { pbx }: Host): string | undefined {
  return message.get('Family') === 'CustomDevstate' ? pbx.astdb.get(message.get('Key')) : undefined;
}

function dbGet(message: Message, host: Host): string {
  if (message.get('Family') === '') return failure(message, 'No family specified.');
  if (message.get('Key') === '') return failure(message, 'No key specified.');
  const value = rowOf(message, host);
  if (value === undefined) return failure(message, 'Database entry not found');
  const id = message.get('ActionID');
  const idField: Fields = id === '' ? [] : [['ActionID', id]];
  const key: Fields = [
    ['Family', message.get('Family')],
    ['Key', message.get('Key')],
  ];
  return [
    response(message, 'Success', [
      ['EventList', 'start'],
      ['Message', 'Result will follow'],
    ]),
    packet([['Event', 'DBGetResponse'], ...key, ['Val', value], ...idField]),
    packet([['Event', 'DBGetComplete'], ...idField, ['EventList', 'Complete'], ['ListItems', '1']]),
  ].join('');
}

/** The device stays as it is, in the cache. */
function dbDel(message: Message, host: Host): string {
  if (message.get('Family') === '') return failure(message, 'No family specified.');
  if (message.get('Key') === '') return failure(message, 'No key specified.');
  if (rowOf(message, host) === undefined) return failure(message, 'Database entry could not be deleted');
  host.pbx.astdb.delete(message.get('Key'));
  return response(message, 'Success', [['Message', 'Key deleted successfully']]);
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

const AMI_16 = '5.0.4';
const REPORTING = ['call', 'reporting'];
const SYSTEM = ['system', 'reporting'];

const ACTIONS: Readonly<Record<string, Action>> = {
  Ping: {
    class: [],
    run: (message) =>
      response(message, 'Success', [
        ['Ping', 'Pong'],
        ['Timestamp', `${(Date.now() / 1000).toFixed(6)}`],
      ]),
  },
  ExtensionStateList: {
    class: REPORTING,
    run: (message, { pbx }) =>
      list(
        message,
        'ExtensionStatus',
        'Extension Statuses will follow',
        'ExtensionStateListComplete',
        shuffled(pbx.hintRows(), pbx.random).map((row) => [
          ['Exten', row.extension],
          ['Context', row.context],
          ['Hint', row.hint],
          ['Status', String(row.status)],
          ['StatusText', statusText(row.status)],
        ]),
      ),
  },
  DeviceStateList: {
    class: REPORTING,
    run: (message, { pbx }) =>
      list(
        message,
        'DeviceStateChange',
        'Device State Changes will follow',
        'DeviceStateListComplete',
        shuffled(pbx.devices(), pbx.random).map(([device, state]) => [
          ['Device', device],
          ['State', state],
        ]),
      ),
  },
  CoreShowChannels: {
    class: SYSTEM,
    run: (message, { pbx }) =>
      list(
        message,
        'CoreShowChannel',
        'Channels will follow',
        'CoreShowChannelsComplete',
        shuffled(pbx.channelRows(), pbx.random),
      ),
  },
  ExtensionState: { class: REPORTING, run: extensionState },
  Setvar: { class: ['call'], run: setvar },
  Getvar: { class: REPORTING, run: getvar },
  CoreSettings: {
    class: SYSTEM,
    run: (message, { version }) =>
      response(message, 'Success', [
        ['AMIversion', version.ami],
        ['AsteriskVersion', version.asterisk],
        ['SystemName', ''],
        ['CoreMaxCalls', '0'],
        ['CoreMaxLoadAvg', '0.000000'],
        ['CoreRunUser', ''],
        ['CoreRunGroup', ''],
        ['CoreMaxFilehandles', '0'],
        ['CoreRealTimeEnabled', 'No'],
        ['CoreCDRenabled', 'Yes'],
        ['CoreHTTPenabled', 'No'],
        ...(version.ami === AMI_16 ? [] : [['SoundsSearchCustomDir', 'No'] as const]),
      ]),
  },
  CoreStatus: {
    class: SYSTEM,
    run: (message, { startedAt, reloadedAt, version }) =>
      response(message, 'Success', [
        ['CoreStartupDate', date(startedAt)],
        ['CoreStartupTime', time(startedAt)],
        ['CoreReloadDate', date(reloadedAt)],
        ['CoreReloadTime', time(reloadedAt)],
        ['CoreCurrentCalls', '0'],
        ...(version.ami === AMI_16 ? [] : [['CoreProcessedCalls', '0'] as const]),
      ]),
  },
  Reload: {
    class: ['config', 'system'],
    run: (message, host) =>
      host.moduleReload(message.get('Module') || 'All')
        ? response(message, 'Success', [['Message', 'Module Reloaded']])
        : failure(message, 'No such module'),
  },
  Command: { class: ['command'], run: command },
  DBGet: { class: SYSTEM, run: dbGet },
  DBDel: { class: ['system'], run: dbDel },
  // Known, so that a user without the class is told so; nobody has asked the simulator for more yet.
  Filter: { class: ['system'] },
  Originate: { class: ['originate'] },
  UserEvent: { class: ['user'] },
};

const BY_NAME = new Map(Object.entries(ACTIONS).map(([name, action]) => [name.toLowerCase(), action]));

/** The answer to one action of a user who is logged in and may write `may`. */
export function act(message: Message, may: ReadonlySet<string>, host: Host): string {
  const name = message.get('Action');
  const action = BY_NAME.get(name.toLowerCase());
  const hidden =
    name.toLowerCase() === 'devicestatelist' && !(host.deviceStateModule && host.functionsLoaded);
  if (!action || hidden) {
    return failure(
      message,
      `Invalid/unknown command: ${name}. Use Action: ListCommands to show available commands.`,
    );
  }
  if (action.class.length > 0 && !action.class.some((word) => may.has(word))) {
    return failure(message, 'Permission denied');
  }
  return action.run?.(message, host) ?? failure(message, 'Not simulated');
}
