/**
 * What one run of the broker keeps in its state directory: the tags it ever had as peers, and its token. Owns what
 * is said when that cannot be read or written; the broker serves all the same.
 */
import { MAX_TAGS, readTags, rememberTags } from '../config/tags.ts';
import type { Logger } from './log.ts';
import { epochOf, newToken, readToken, writeToken } from './token.ts';

interface Trouble {
  readonly what: string;
  /** What does not work by it, unless `what` says so. */
  readonly consequence?: string;
}

export class StateDirectory {
  readonly token = newToken();
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #troubles = new Map<'read' | 'tags' | 'token', Trouble>();
  #tags: readonly string[] = [];
  #url: string | undefined;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Of this run. */
  get epoch(): string {
    return epochOf(this.token);
  }

  /** Of the run that published its token here last, unless that is this one. */
  get formerEpoch(): string | undefined {
    try {
      const { token } = readToken(this.#folder);
      return token === this.token ? undefined : epochOf(token);
    } catch {
      return undefined;
    }
  }

  /** Every tag that is, or was, a peer. */
  get tags(): readonly string[] {
    return this.#tags;
  }

  /** What does not work now, in one line; `undefined`: all does. */
  get trouble(): string | undefined {
    const consequences = new Map<string, string[]>();
    for (const { what, consequence } of this.#troubles.values()) {
      const known = consequences.get(what) ?? [];
      consequences.set(what, consequence === undefined ? known : [...known, consequence]);
    }
    return consequences.size > 0
      ? [...consequences].map(([what, all]) => words(what, all)).join('; ')
      : undefined;
  }

  /** Adds the peers of a config to what is remembered. Never rejects. */
  async remember(peers: readonly { readonly tag: string }[]): Promise<void> {
    const known = readTags(this.#folder);
    this.#note('read', 'state-unreadable', known.warning === undefined ? undefined : { what: known.warning });
    const tags = new Set([...known.tags, ...this.#tags, ...peers.map(({ tag }) => tag)]);
    this.#tags = [...tags].slice(-MAX_TAGS);
    await this.#write('tags', 'lamps of peers that leave will not be repaired', () =>
      rememberTags(this.#folder, known, this.#tags),
    );
  }

  /**
   * Lets the commands of this machine in, if the file is not there already. `url`: where they find the broker, told
   * once; absent: it serves no HTTP. Never rejects.
   */
  async publishToken(url = this.#url): Promise<void> {
    this.#url = url;
    await this.#write('token', 'hintmesh reload and leave do not work (kill -HUP does)', async () => {
      if (!this.#isPublished()) await writeToken(this.#folder, this.token, url);
    });
  }

  #isPublished(): boolean {
    try {
      return readToken(this.#folder).token === this.token;
    } catch {
      return false;
    }
  }

  async #write(kind: 'tags' | 'token', consequence: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.#note(kind, 'state-unwritable', undefined);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      const what = `cannot write to state_dir ${this.#folder} (${why})`;
      this.#note(kind, 'state-unwritable', { what, consequence });
    }
  }

  #note(kind: 'read' | 'tags' | 'token', event: string, trouble: Trouble | undefined): void {
    if (trouble === undefined) return void this.#troubles.delete(kind);
    this.#troubles.set(kind, trouble);
    const { what, consequence } = trouble;
    this.#logger.warn({ event }, words(what, consequence === undefined ? [] : [consequence]));
  }
}

function words(what: string, consequences: readonly string[]): string {
  return consequences.length > 0 ? `${what}: ${consequences.join(', and ')}` : what;
}
