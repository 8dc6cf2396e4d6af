// A tiny manager port whose every byte the test decides. By default it answers like a booted Asterisk 22 with
// a handful of hints; a test replaces single answers, the greeting, or how bytes are cut into writes.
// It is no model of Asterisk (that is test/sim): it keeps no state between actions.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

export type Action = Readonly<Record<string, string>>;

/** What the peer does with an action: text to write (LF becomes CR LF), or nothing. */
export type Reply = (action: Action, peer: Peer) => string | undefined;

export interface Peer {
  readonly socket: net.Socket;
  /** Writes text, LF as CR LF, cut as the script says. */
  say(text: string): void;
  /** Actions this connection sent, in order, header names in lower case. */
  readonly actions: Action[];
}

export interface Script {
  greeting?: string;
  /** By action name in lower case. */
  replies?: Record<string, Reply>;
  /** Cuts what is written into the pieces in which it leaves. */
  cut?: (text: string) => Iterable<string | Buffer>;
  tls?: tls.SecureContextOptions;
}

export function event(name: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\n`);
  return `Event: ${name}\nPrivilege: call,all\n${lines.join('')}\n`;
}

export function hintEvent(extension: string, status: number, hint = `PJSIP/${extension}`): string {
  return event('ExtensionStatus', {
    Exten: extension,
    Context: 'ext-local',
    Hint: hint,
    Status: String(status),
    StatusText: 'whatever',
  });
}

export function deviceEvent(device: string, state: string): string {
  return event('DeviceStateChange', { Device: device, State: state });
}

/** The texts as the event has them: escaped since 13.5. */
export function presenceEvent(presentity: string, status: string, subtype = '', message = ''): string {
  return event('PresenceStateChange', {
    ...{ Presentity: presentity, Status: status, Subtype: subtype, Message: message },
  });
}

/** MessageWaiting, since 12. */
export function mailboxEvent(mailbox: string, unread: number, old = 0): string {
  return event('MessageWaiting', {
    ...{ Mailbox: mailbox, Waiting: unread > 0 ? '1' : '0', New: String(unread), Old: String(old) },
  });
}

/** A row of VoicemailUsersList; the fields that nobody reads are left out, but for some. */
export function mailboxRow(context: string, box: string, unread: number): string {
  return event('VoicemailUserEntry', {
    ...{ VMContext: context, VoiceMailbox: box, Fullname: 'One', Email: '(null)', UniqueID: '' },
    ...{ NewMessageCount: String(unread), OldMessageCount: '7' },
  });
}

/** What Asterisk says to an action it does not know. */
export const unknownCommand: Reply = (action) =>
  `Response: Error\nActionID: ${action['actionid']}\nMessage: Invalid/unknown command: ${action['action']}. Use Action: ListCommands to show available commands.\n\n`;

/** A reply of one packet. */
export function answers(text: string): Reply {
  return (action) => `Response: Success\nActionID: ${action['actionid']}\n${text}\n`;
}

/** Newchannel or Newstate; the fields that nobody reads are left out. */
export function channelEvent(name: string, channel: string, state: number, id: string): string {
  return event(name, { Channel: channel, ChannelState: String(state), Uniqueid: id });
}

/** Any other event of a channel. */
export function aboutChannel(
  name: string,
  channel: string,
  id: string,
  more: Record<string, string> = {},
): string {
  return event(name, { Channel: channel, Uniqueid: id, ...more });
}

export const BOOTED =
  'Event: FullyBooted\nPrivilege: system,all\nUptime: 31\nLastReload: 31\nStatus: Fully Booted\n\n';

/** A list's packets: its start, the given rows (already text, without an ActionID), its end. */
export function list(action: Action, name: string, rows: readonly string[]): string {
  const id = `ActionID: ${action['actionid']}\n`;
  const stamped = rows.map((row) => row.replace('Privilege: call,all\n', id));
  return [
    `Response: Success\n${id}EventList: start\nMessage: ${name} will follow\n\n`,
    ...stamped,
    `Event: ${name}Complete\n${id}EventList: Complete\nListItems: ${rows.length}\n\n`,
  ].join('');
}

export const HINTS = [
  hintEvent('1001', 0),
  hintEvent('1002', 1),
  hintEvent('1001*spb', 4, 'Custom:1001*spb'),
];
export const DEVICES = [
  deviceEvent('PJSIP/1001', 'NOT_INUSE'),
  deviceEvent('Custom:1001*spb', 'UNAVAILABLE'),
];

/** What ListCommands says, as far as anybody looks at it: with the lists of the core since 13, and `more`. */
export function commands(...more: readonly string[]): string {
  const lists = ['ExtensionStateList', 'DeviceStateList', 'CoreShowChannels', ...more];
  const lines = lists.map((name) => `${name}: Lists something.  (Priv: call,reporting,all)\n`);
  return `${lines.join('')}Setvar: Sets a channel variable or function value.  (Priv: call,all)\n`;
}

const DEFAULTS: Record<string, Reply> = {
  login: (action) =>
    `Response: Success\nActionID: ${action['actionid']}\nMessage: Authentication accepted\n\n${BOOTED}`,
  ping: answers('Ping: Pong\nTimestamp: 1795228002.855963\n'),
  coresettings: answers('AMIversion: 11.0.0\nAsteriskVersion: 22.10.1\n'),
  corestatus: answers('CoreStartupDate: 2026-11-21\nCoreStartupTime: 02:26:11\n'),
  listcommands: answers(commands('PresenceStateList', 'VoicemailUsersList')),
  getvar: answers('Variable: DEVICE_STATE(Custom:hintmesh)\nValue: UNKNOWN\n'),
  setvar: answers('Message: Variable Set\n'),
  extensionstatelist: (action) => list(action, 'ExtensionStateList', HINTS),
  devicestatelist: (action) => list(action, 'DeviceStateList', DEVICES),
  presencestatelist: (action) => list(action, 'PresenceStateList', []),
  voicemailuserslist: answers('Message: There are no voicemail users currently defined.\n'),
  coreshowchannels: (action) => list(action, 'CoreShowChannels', []),
  extensionstate: (action) =>
    answers(
      `Message: Extension Status\nExten: ${action['exten']}\nContext: ${action['context']}\nHint: \nStatus: -1\nStatusText: Unknown\n`,
    )(action, undefined as never),
};

export class ScriptedAsterisk {
  /** Every connection so far, oldest first. */
  readonly peers: Peer[] = [];
  script: Script;
  readonly #server: net.Server;

  private constructor(script: Script) {
    this.script = script;
    const accept = (socket: net.Socket): void => this.#accept(socket);
    this.#server = script.tls ? tls.createServer(script.tls, accept) : net.createServer(accept);
    // A client that does not like the certificate.
    this.#server.on('tlsClientError', () => {});
  }

  static async listen(script: Script = {}, port = 0): Promise<ScriptedAsterisk> {
    const asterisk = new ScriptedAsterisk(script);
    asterisk.#server.listen(port, '127.0.0.1');
    await once(asterisk.#server, 'listening');
    return asterisk;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** The newest connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (!peer) throw new Error('nobody has connected yet');
    return peer;
  }

  /** All actions of all connections. */
  get actions(): Action[] {
    return this.peers.flatMap((peer) => peer.actions);
  }

  async close(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: net.Socket): void {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const peer: Peer = {
      socket,
      actions: [],
      say: (text) => {
        const wire = text.replaceAll('\n', '\r\n');
        for (const piece of this.script.cut?.(wire) ?? [wire]) socket.write(piece);
      },
    };
    this.peers.push(peer);
    let rest = '';
    socket.on('data', (chunk) => {
      const packets = (rest + chunk.toString()).split('\r\n\r\n');
      rest = packets.pop() ?? '';
      for (const packet of packets) this.#act(parse(packet), peer);
    });
    const greeting = this.script.greeting ?? 'Asterisk Call Manager/11.0.0\n';
    if (greeting !== '') peer.say(greeting);
  }

  #act(action: Action, peer: Peer): void {
    peer.actions.push(action);
    const name = action['action']?.toLowerCase() ?? '';
    const text = (this.script.replies?.[name] ?? DEFAULTS[name])?.(action, peer);
    if (text !== undefined) peer.say(text);
  }
}

/** Lines → headers, names in lower case. */
export function parse(packet: string): Action {
  const action: Record<string, string> = {};
  for (const line of packet.split('\r\n')) {
    const colon = line.indexOf(': ');
    action[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2);
  }
  return action;
}
