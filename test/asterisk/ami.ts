// A tiny AMI client for tests: to provoke things and to watch what the real Asterisk says. It is not the
// broker's (a bug there must not hide here), has no reconnect, and trusts the Asterisk it talks to.
import { connect, type Socket } from 'node:net';
import { until } from '../until.ts';

/** Header names are lower-cased; of a repeated header the last one is kept, but for `output`, which joins. */
export type Packet = Readonly<Record<string, string>>;

const ACTION_TIMEOUT_MS = 20_000;

let marksMade = 0;

interface Pending {
  readonly rows: Packet[];
  readonly list: boolean;
  readonly resolve: (packets: Packet[]) => void;
}

export class TestAmi {
  /** Every event since login, in order; `clear()` forgets them. */
  readonly events: Packet[] = [];
  onEvent: ((event: Packet) => void) | undefined;
  closed = false;
  #socket: Socket;
  #text = '';
  #next = 1;
  #pending = new Map<string, Pending>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      for (const { resolve } of this.#pending.values()) resolve([{ response: 'Error', message: 'closed' }]);
      this.#pending.clear();
    });
  }

  static async login(where: {
    host: string;
    port: number;
    username: string;
    secret: string;
  }): Promise<TestAmi> {
    const socket = connect(where.port, where.host);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const ami = new TestAmi(socket);
    const answer = await ami.action({ Action: 'Login', Username: where.username, Secret: where.secret });
    if (answer['response'] === 'Success') return ami;
    socket.destroy();
    throw new Error(`AMI login as ${where.username}: ${answer['message']}`);
  }

  #read(text: string): void {
    this.#text += text;
    for (;;) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const packet: Record<string, string> = {};
      for (const line of this.#text.slice(0, end).split('\r\n')) {
        const colon = line.indexOf(':');
        if (colon < 0) continue; // the banner
        const key = line.slice(0, colon).toLowerCase();
        const value = line.slice(colon + 1).trimStart();
        packet[key] = key === 'output' && packet[key] !== undefined ? `${packet[key]}\n${value}` : value;
      }
      this.#text = this.#text.slice(end + 4);
      this.#packet(packet);
    }
  }

  #packet(packet: Packet): void {
    const id = packet['actionid'];
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) {
      if (packet['event'] === undefined) return;
      this.events.push(packet);
      this.onEvent?.(packet);
      return;
    }
    pending.rows.push(packet);
    const begun = packet['response'] === 'Success' && pending.list;
    if (packet['response'] === undefined ? packet['eventlist'] !== 'Complete' : begun) return;
    this.#pending.delete(id);
    pending.resolve(pending.rows);
  }

  #send(headers: Readonly<Record<string, string>>, list: boolean): Promise<Packet[]> {
    const id = `t${this.#next++}`;
    const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`no answer to ${headers['Action']} in ${ACTION_TIMEOUT_MS / 1000} s`));
      }, ACTION_TIMEOUT_MS);
      this.#pending.set(id, {
        rows: [],
        list,
        resolve: (packets) => {
          clearTimeout(timer);
          resolve(packets);
        },
      });
      this.#socket.write(`${lines.join('')}ActionID: ${id}\r\n\r\n`);
    });
  }

  async action(headers: Readonly<Record<string, string>>): Promise<Packet> {
    return (await this.#send(headers, false))[0] ?? {};
  }

  /** The rows of an action that answers with a list, without its first and last packet. */
  async list(action: string): Promise<Packet[]> {
    return (await this.#send({ Action: action }, true)).slice(1, -1);
  }

  /** Sets `Custom:NAME`; fails when Asterisk refuses. */
  async setCustom(name: string, state: string): Promise<void> {
    const answer = await this.action({
      Action: 'Setvar',
      Variable: `DEVICE_STATE(Custom:${name})`,
      Value: state,
    });
    if (answer['response'] !== 'Success') throw new Error(`Setvar ${name}=${state}: ${answer['message']}`);
  }

  /** The state of any device (`Custom:x`, `PJSIP/1001`), as DEVICE_STATE() gives it. */
  async deviceState(device: string): Promise<string> {
    return (await this.action({ Action: 'Getvar', Variable: `DEVICE_STATE(${device})` }))['value'] ?? '';
  }

  /** The status text of a hint (`Idle`, `InUse`, …), which makes a pattern hint come to life. */
  async hintState(extension: string, context: string): Promise<string> {
    const answer = await this.action({ Action: 'ExtensionState', Exten: extension, Context: context });
    return answer['statustext'] ?? '';
  }

  async command(command: string): Promise<string> {
    return (await this.action({ Action: 'Command', Command: command }))['output'] ?? '';
  }

  clear(): void {
    this.events.length = 0;
  }

  /**
   * Forgets all that happened so far, also what this session has not been told yet: Asterisk answers with a state
   * before it tells of it, so the event of a change may come long after a question, even to a later session.
   */
  async fromNow(): Promise<this> {
    // Asterisk repeats no state, so the mark is a name that nobody had before.
    const name = `mark-${process.pid}-${marksMade++}`;
    await this.setCustom(name, 'INUSE');
    await until('the mark comes', () => this.changesOf(`Custom:${name}`).length > 0);
    this.clear();
    return this;
  }

  /** The states that DeviceStateChange told of `device` since login or `clear()`. */
  changesOf(device: string): string[] {
    return this.events
      .filter((event) => event['event'] === 'DeviceStateChange' && event['device'] === device)
      .map((event) => event['state'] ?? '');
  }

  event(name: string, ms?: number): Promise<Packet> {
    return until(
      `AMI event ${name}`,
      () => this.closed || this.events.find((event) => event['event'] === name),
      ms,
    ).then((found) => {
      if (found === true) throw new Error(`AMI closed before ${name}`);
      return found;
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }
}
