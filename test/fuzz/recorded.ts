/**
 * What is right, for bytes that are nearly so: packets that real Asterisks sent (test/fixtures/ami), the answers of an
 * honest one to what a broker asks, and frames as a broker makes them.
 */
import {
  encodeBody,
  encodeHello,
  encodePing,
  encodePong,
  encodeRefuse,
  withSeq,
} from '../../src/mesh/frames.ts';
import { BOOTED, deviceEvent, hintEvent, list } from '../ami/scripted.ts';
import { fixture, parseRecording, recordings } from '../sim/recording.ts';
import { OURS, PEER } from './federation.ts';

/** Stands for the ActionID that an answer needs. */
export const ID = '{{id}}';
export const GREETING = 'Asterisk Call Manager/11.0.0\r\n';

const wire = (text: string): string => text.replaceAll('\n', '\r\n');

export function honest(extension: string, status: number): string {
  return wire(hintEvent(extension, status));
}

const HINTS = [hintEvent('1001', 0), hintEvent('1002', 1), hintEvent('1001*spb', 4, 'Custom:1001*spb')];
const DEVICES = [deviceEvent('PJSIP/1001', 'NOT_INUSE'), deviceEvent('Custom:1001*spb', 'UNAVAILABLE')];
const CHANNEL =
  'Event: CoreShowChannel\nPrivilege: call,all\nChannel: PJSIP/3001-00000001\nChannelState: 6\nUniqueid: 1.1\n\n';

const PRESENCE =
  'Event: PresenceStateChange\nPrivilege: call,all\nPresentity: CustomPresence:1001*spb\nStatus: away\nSubtype: \nMessage: lunch\n\n';
const MAILBOX =
  'Event: VoicemailUserEntry\nPrivilege: call,all\nVMContext: default\nVoicemailBox: 1001\nNewMessageCount: 1\nOldMessageCount: 0\n\n';
const COMMANDS = [
  ...['Setvar', 'ExtensionState', 'ExtensionStateList', 'DeviceStateList', 'CoreShowChannels'],
  ...['PresenceStateList', 'VoicemailUsersList'],
];

/** What an honest Asterisk with a handful of hints says to an action. */
export function answerOf(action: Readonly<Record<string, string>>): string {
  const id = action['ActionID'] ?? ID;
  const ok = (text: string): string => wire(`Response: Success\nActionID: ${id}\n${text}\n`);
  switch (action['Action']?.toLowerCase()) {
    case 'login':
      return ok('Message: Authentication accepted\n') + wire(BOOTED);
    case 'ping':
      return ok('Ping: Pong\nTimestamp: 1795228002.855963\n');
    case 'corestatus':
      return ok('CoreStartupDate: 2026-11-21\nCoreStartupTime: 02:26:11\n');
    case 'coresettings':
      return ok('AMIversion: 11.0.0\nAsteriskVersion: 22.10.1\n');
    case 'listcommands':
      return ok(COMMANDS.map((name) => `${name}: What it does. (Priv: call,all)\n`).join(''));
    case 'getvar':
      return ok(`Variable: x\nValue: ${action['Variable']?.startsWith('DEVICE') ? 'UNKNOWN' : ''}\n`);
    case 'extensionstatelist':
      return wire(list({ actionid: id }, 'ExtensionStateList', HINTS));
    case 'devicestatelist':
      return wire(list({ actionid: id }, 'DeviceStateList', DEVICES));
    case 'presencestatelist':
      return wire(list({ actionid: id }, 'PresenceStateList', [PRESENCE]));
    case 'voicemailuserslist':
      return wire(list({ actionid: id }, 'VoicemailUsersList', [MAILBOX]));
    case 'coreshowchannels':
      return wire(list({ actionid: id }, 'CoreShowChannels', [CHANNEL]));
    case 'extensionstate':
      return ok('Message: Extension Status\nExten: 1001\nContext: ext-local\nHint: PJSIP/1\nStatus: 0\n');
    default:
      return ok('Message: Variable Set\n');
  }
}

/** action, in lower case → what is right to say to it. */
export function answers(): [action: string, answer: string][] {
  const names = ['login', 'coresettings', 'listcommands', 'getvar', 'extensionstatelist', 'devicestatelist'];
  const said = [...names, 'coreshowchannels', 'extensionstate', 'setvar', 'ping'].map(
    (Action): [string, string] => [Action, answerOf({ Action, Variable: 'DEVICE_STATE' })],
  );
  return [['greeting', GREETING], ...said];
}

/** Each packet that any recorded Asterisk sent, once; those of the other program that was logged in get a real id. */
export function packets(): Buffer[] {
  const texts = new Set<string>();
  for (const name of recordings()) {
    for (const { packets: sent } of parseRecording(fixture(name))) {
      for (const lines of sent) texts.add(`${lines.join('\r\n')}\r\n\r\n`);
    }
  }
  return [...texts].flatMap((text) => {
    const bytes = Buffer.from(text);
    const id = /ActionID: [^\r]*/;
    return id.test(text) ? [bytes, Buffer.from(text.replace(id, `ActionID: ${ID}`))] : [bytes];
  });
}

/** What `spb` says to `msk` after its hello and a first snapshot (seq 1), some words at a time. */
export function conversations(): Buffer[][] {
  const device = (extension: string, state: 'INUSE' | 'RINGING' | 'NOT_INUSE' | null) => ({
    kind: 'device' as const,
    extension,
    state,
  });
  const many = Array.from({ length: 10 }, (_, n) => device(`${1_000 + n}`, 'NOT_INUSE'));
  const change = encodeBody({
    type: 'change',
    entries: [device('1001', 'RINGING'), device('1001', 'INUSE')],
    at: 412_734.6,
  });
  const gone = encodeBody({
    type: 'change',
    entries: [device('*761001', 'INUSE'), device('1001', null)],
    at: 0,
  });
  const part = encodeBody({ type: 'snapshot', entries: many, last: false });
  const last = encodeBody({ type: 'snapshot', entries: [device('1001', 'NOT_INUSE')], last: true });
  const alive = encodeBody({ type: 'alive' });
  return [
    [withSeq(2, change)],
    [withSeq(2, alive), withSeq(3, gone)],
    [withSeq(2, part), withSeq(3, last)],
    [withSeq(2, encodeBody({ type: 'bye', final: false }))],
    [encodePong(1, 412_735.9), encodePing(7), withSeq(2, change)],
    ['{"type":"sing","la":[1]}', withSeq(2, alive)],
  ].map((words) => words.map((text) => Buffer.from(text)));
}

export function hellos(): Buffer[] {
  const refuse = encodeRefuse('tag-in-use', 'another broker with the tag "spb" is alive');
  return [encodeHello(PEER, OURS, 'e1'), encodeHello(PEER, OURS, 'e2'), refuse].map((text) =>
    Buffer.from(text),
  );
}
