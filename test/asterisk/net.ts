// Hosts that can be cut apart: network namespaces joined by veth pairs. Owns their names, addresses and
// removal. Needs root; touches nothing that it did not make.
import { existsSync } from 'node:fs';
import { run, runSync } from './child.ts';

/** Interface names have 15 characters at most: `hm`, pid, a letter for the scene, a letter for the host, a digit. */
const NAME = /^hm(\d+)[a-p][a-ds]\b/;
/** Scenes that one process may have at a time: each has its own addresses. */
const SCENES = 16;
/** Hosts that fit into the addresses of one scene, 16 on either side. */
const HOSTS = 4;
/** Nobody has it: what is sent there is lost on the way. Locally administered, as one's own ought to be. */
const NOBODY = '02:00:00:00:00:01';

let scenes = 0;

export interface Namespace {
  readonly name: string;
  /** Its address on the line to this process, which is never cut: phones and AMI of the tests come this way. */
  readonly address: string;
  /** Its address on the lines to the other hosts. */
  readonly peerAddress: string;
  /** What stands before a command to run it there; it execs, so the pid is the command's. */
  readonly enter: readonly string[];
}

/** Some hosts, each with a line to this process and all plugged into one switch, which is a namespace too. */
export class Hosts {
  readonly all: readonly Namespace[];
  readonly #switch: string;

  constructor(count: number) {
    if (count > HOSTS) throw new Error(`at most ${HOSTS} hosts`);
    const scene = scenes % SCENES;
    scenes += 1;
    const prefix = `hm${process.pid}${String.fromCharCode(97 + scene)}`;
    this.#switch = `${prefix}s`;
    // 198.18.0.0/15 is for benchmarks (RFC 2544) and in nobody's routes; the pid keeps two runs apart.
    const run = process.pid & 255;
    this.all = Array.from({ length: count }, (_, n) => {
      const name = `${prefix}${String.fromCharCode(97 + n)}`;
      return {
        name,
        address: `198.18.${run}.${scene * 16 + n * 4 + 2}`,
        peerAddress: `198.19.${run}.${scene * 16 + n + 1}`,
        enter: ['ip', 'netns', 'exec', name],
      };
    });
  }

  async open(): Promise<void> {
    removeOrphans();
    const wire = this.#switch;
    await ip('netns', 'add', wire);
    await ip('-n', wire, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', wire, 'link', 'set', 'bridge', 'up');
    for (const host of this.all) {
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
      await ip('-n', name, 'addr', 'add', `${host.peerAddress}/28`, 'dev', 'peer');
      await ip('-n', name, 'link', 'set', 'peer', 'up');
    }
  }

  /**
   * Nothing passes between these two any more. Neither is told: their interfaces stay up, as they do when a
   * line breaks somewhere on the way.
   */
  async cut(one: Namespace, other: Namespace): Promise<void> {
    for (const [from, { peerAddress }] of bothWays(one, other)) {
      const to = ['to', peerAddress, 'dev', 'peer', 'lladdr', NOBODY, 'nud', 'permanent'];
      await ip('-n', from.name, 'neigh', 'replace', ...to);
    }
  }

  /** As `cut` found it: whoever sends next asks where the other is. */
  async mend(one: Namespace, other: Namespace): Promise<void> {
    for (const [from, { peerAddress }] of bothWays(one, other)) {
      await ip('-n', from.name, 'neigh', 'del', 'to', peerAddress, 'dev', 'peer');
    }
  }

  /** Nothing that `from` sends arrives at `to`, and neither is told; what `to` sends arrives at `from`. */
  async drop(from: Namespace, to: Namespace): Promise<void> {
    const chain = `ip ${from.name} input`;
    const input = `chain ${chain} { type filter hook input priority 0; }`;
    const rule = `rule ${chain} ip saddr ${from.peerAddress} drop`;
    await run([...to.enter, 'nft', `add table ip ${from.name}; add ${input}; add ${rule}`]);
  }

  /** As `drop` found it. */
  async pass(from: Namespace, to: Namespace): Promise<void> {
    await run([...to.enter, 'nft', `delete table ip ${from.name}`]);
  }

  /** Its interface to the others is down: whatever runs there can see that. */
  async unplug(host: Namespace): Promise<void> {
    await ip('-n', host.name, 'link', 'set', 'peer', 'down');
  }

  async plug(host: Namespace): Promise<void> {
    await ip('-n', host.name, 'link', 'set', 'peer', 'up');
  }

  /** Also after an `open` that failed half-way. */
  async close(): Promise<void> {
    // With a namespace its interfaces go too, but some time later: these names may be wanted again at once.
    for (const { name } of this.all) runSync(['ip', 'link', 'del', `${name}0`]);
    for (const name of [...this.all.map((host) => host.name), this.#switch]) {
      runSync(['ip', 'netns', 'del', name]);
    }
  }
}

/** The usual two. */
export class TwoHosts extends Hosts {
  readonly a: Namespace;
  readonly b: Namespace;

  constructor() {
    super(2);
    [this.a, this.b] = this.all as [Namespace, Namespace];
  }
}

function bothWays(one: Namespace, other: Namespace): (readonly [Namespace, Namespace])[] {
  return [
    [one, other],
    [other, one],
  ];
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
