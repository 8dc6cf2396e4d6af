// Hosts that can be cut apart: network namespaces joined by veth pairs. Owns their names, addresses and
// removal. Needs root; touches nothing that it did not make.
import { existsSync } from 'node:fs';
import { run, runSync } from './child.ts';

/** Interface names have 15 characters at most: `hm`, pid, a letter for the pair, a letter for the host, a digit. */
const NAME = /^hm(\d+)[a-p][abs]\b/;
/** Pairs that one process may have at a time: each has its own addresses. */
const PAIRS = 16;

let pairs = 0;

export interface Namespace {
  readonly name: string;
  /** Its address on the line to this process, which is never cut: phones and AMI of the tests come this way. */
  readonly address: string;
  /** Its address on the line to the other host. */
  readonly peerAddress: string;
  /** What stands before a command to run it there; it execs, so the pid is the command's. */
  readonly enter: readonly string[];
}

/**
 * Two hosts, `a` and `b`, each with a line to this process and both plugged into one switch, which is a
 * namespace too.
 */
export class TwoHosts {
  readonly a: Namespace;
  readonly b: Namespace;
  readonly #switch: string;

  constructor() {
    const pair = pairs % PAIRS;
    pairs += 1;
    const prefix = `hm${process.pid}${String.fromCharCode(97 + pair)}`;
    this.#switch = `${prefix}s`;
    // 198.18.0.0/15 is for benchmarks (RFC 2544) and in nobody's routes; the pid keeps two runs apart.
    const net = `198.18.${process.pid & 255}`;
    const host = (letter: string, n: number): Namespace => ({
      name: `${prefix}${letter}`,
      address: `${net}.${pair * 8 + n * 4 + 2}`,
      peerAddress: `${net}.${128 + pair * 4 + 1 + n}`,
      enter: ['ip', 'netns', 'exec', `${prefix}${letter}`],
    });
    this.a = host('a', 0);
    this.b = host('b', 1);
  }

  async open(): Promise<void> {
    removeOrphans();
    const wire = this.#switch;
    await ip('netns', 'add', wire);
    await ip('-n', wire, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', wire, 'link', 'set', 'bridge', 'up');
    for (const host of [this.a, this.b]) {
      const { name } = host;
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      // The line to this process.
      await ip('link', 'add', `${name}0`, 'type', 'veth', 'peer', 'name', 'test', 'netns', name);
      await ip('addr', 'add', `${gateway(host.address)}/30`, 'dev', `${name}0`);
      await ip('link', 'set', `${name}0`, 'up');
      await ip('-n', name, 'addr', 'add', `${host.address}/30`, 'dev', 'test');
      await ip('-n', name, 'link', 'set', 'test', 'up');
      // The line to the switch.
      await ip('-n', wire, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'peer', 'netns', name);
      await ip('-n', wire, 'link', 'set', name, 'master', 'bridge', 'up');
      await ip('-n', name, 'addr', 'add', `${host.peerAddress}/30`, 'dev', 'peer');
      await ip('-n', name, 'link', 'set', 'peer', 'up');
    }
  }

  /**
   * Nothing passes between the hosts any more. Neither is told: their interfaces stay up, as they do when a
   * line breaks somewhere on the way.
   */
  async cut(): Promise<void> {
    await ip('-n', this.#switch, 'link', 'set', this.a.name, 'nomaster');
  }

  async mend(): Promise<void> {
    await ip('-n', this.#switch, 'link', 'set', this.a.name, 'master', 'bridge');
  }

  /** Also after an `open` that failed half-way. */
  async close(): Promise<void> {
    // With a namespace its interfaces go too, but some time later: these names may be wanted again at once.
    for (const host of [this.a, this.b]) runSync(['ip', 'link', 'del', `${host.name}0`]);
    for (const name of [this.a.name, this.b.name, this.#switch]) runSync(['ip', 'netns', 'del', name]);
  }
}

function gateway(address: string): string {
  const dot = address.lastIndexOf('.') + 1;
  return `${address.slice(0, dot)}${Number(address.slice(dot)) - 1}`;
}

function ip(...args: string[]): Promise<string> {
  return run(['ip', ...args]);
}

/** Namespaces of test processes that are gone. */
function removeOrphans(): void {
  for (const line of runSync(['ip', 'netns', 'list']).out.split('\n')) {
    const pid = NAME.exec(line)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    runSync(['ip', 'netns', 'del', line.split(' ')[0] ?? '']);
  }
}
