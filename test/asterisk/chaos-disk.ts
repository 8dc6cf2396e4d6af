// A disk for one PBX's AstDB that is so small that it can be full: a tmpfs in a mount namespace of its own, so that
// nobody else ever sees it and nothing is left mounted, however the test ends. Owns that namespace and the filling.
import { run, start } from './child.ts';
import type { Namespace } from './net.ts';

/** AstDB of a PBX with 600 states has some 100 KiB, and sqlite wants the same again for its journal. */
const SIZE = '4m';
const FILLER = 'filler';

/** `$5` of what is run inside is the path of asterisk.conf in the root, which is `$2`; AstDB is beside it. */
const ENTER = [
  'db="$2${5%/etc/asterisk.conf}/db"',
  `mountpoint -q "$db" || mount -t tmpfs -o size=${SIZE} hintmesh "$db"`,
  'echo "$db" > "$HINTMESH_DISK"',
  'exec ip netns exec "$0" "$@"',
].join('\n');

export class SmallDisk {
  #pid: number;
  #close: () => Promise<unknown>;
  /** Holds the path of AstDB's folder, as soon as the PBX was started. */
  #note: string;

  private constructor(pid: number, note: string, close: () => Promise<unknown>) {
    this.#pid = pid;
    this.#note = note;
    this.#close = close;
  }

  /** `note`: a file of its own. */
  static async make(note: string): Promise<SmallDisk> {
    const holder = start(['unshare', '--mount', 'sh', '-c', 'echo ready; exec sleep infinity'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => {
      holder.process.stdout?.once('data', resolve);
      holder.process.once('exit', resolve);
    });
    if (!holder.running) throw new Error('no mount namespace can be made');
    return new SmallDisk(holder.process.pid as number, note, () => holder.stop('SIGKILL'));
  }

  get #enter(): readonly string[] {
    return ['nsenter', '--mount', '--target', String(this.#pid)];
  }

  /** The place for a PBX: this host, with AstDB on this disk. */
  at(host: Namespace): Namespace {
    const enter = [...this.#enter, 'env', `HINTMESH_DISK=${this.#note}`, 'sh', '-c', ENTER, host.name];
    return { ...host, enter };
  }

  /** Fills it to the last byte. */
  async fill(): Promise<void> {
    const script = `cd "$(cat "$0")" && cat /dev/zero > ${FILLER} 2> /dev/null; test -s ${FILLER}`;
    await run([...this.#enter, 'sh', '-c', script, this.#note]);
  }

  async empty(): Promise<void> {
    await run([...this.#enter, 'sh', '-c', `rm "$(cat "$0")/${FILLER}"`, this.#note]);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}
