/**
 * The plainest AMI client: sends what it is told, collects packets. For the tests of the simulated Asterisk
 * only; it shares nothing with src/ami, so that neither can hide the other's mistakes.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Lines of one packet; `['<closed>']` after the last. */
export type Packet = readonly string[];

const WAIT_MS = 5_000;

export class RawClient {
  readonly #socket: Socket;
  #rest = '';
  #banner = false;
  #packets: Packet[] = [];
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#data(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#packets.push(['<closed>']);
      this.#changed();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Connected and logged in, with the answer to the login and, of a booted PBX, its FullyBooted taken. */
  static async login(port: number, username = 'hintmesh', extra: readonly string[] = []): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.send('Action: Login', `Username: ${username}`, 'Secret: dummy-secret', ...extra);
    await client.until((packet) => packet.includes('Message: Authentication accepted'));
    await client.ask('Action: Ping');
    return client;
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(...lines: string[]): void {
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Sends an action and gives back its response; events that come before it are dropped. */
  async ask(...lines: string[]): Promise<Packet> {
    this.send(...lines);
    const packets = await this.until((packet) => packet[0]?.startsWith('Response: ') === true);
    return packets.at(-1) ?? [];
  }

  setvar(device: string, word: string): Promise<Packet> {
    return this.ask('Action: Setvar', `Variable: DEVICE_STATE(${device})`, `Value: ${word}`);
  }

  /** The next `count` packets. */
  async take(count: number): Promise<Packet[]> {
    await this.#wait(() => this.#packets.length >= count, `${count} packets`);
    return this.#packets.splice(0, count);
  }

  /** All packets up to the first that `found` accepts. */
  async until(found: (packet: Packet) => boolean): Promise<Packet[]> {
    await this.#wait(() => this.#packets.some(found), 'a certain packet');
    return this.#packets.splice(0, this.#packets.findIndex(found) + 1);
  }

  /** What came and was not taken. */
  pending(): readonly Packet[] {
    return this.#packets;
  }

  close(): void {
    this.#socket.destroy();
  }

  #data(text: string): void {
    this.#rest += text;
    for (;;) {
      // The banner is one line without an empty one after it.
      const end = this.#banner ? '\r\n\r\n' : '\r\n';
      const at = this.#rest.indexOf(end);
      if (at < 0) break;
      this.#banner = true;
      this.#packets.push(this.#rest.slice(0, at).split('\r\n'));
      this.#rest = this.#rest.slice(at + end.length);
    }
    this.#changed();
  }

  async #wait(ready: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!ready()) {
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(`${what} did not come; what came: ${JSON.stringify(this.#packets)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
