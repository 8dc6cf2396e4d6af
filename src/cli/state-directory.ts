/**
 * What one run of the broker keeps in its state directory: the tags it ever had as peers, and its token. Owns what
 * is said when that cannot be read or written; the broker serves all the same.
 */
import { MAX_TAGS, readTags, rememberTags } from '../config/tags.ts';
import type { Logger } from './log.ts';
import { newToken, writeToken } from './token.ts';

type Trouble = 'read' | 'tags' | 'token';

export class StateDirectory {
  readonly token = newToken();
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #troubles = new Map<Trouble, string>();
  #tags: readonly string[] = [];
  #tokenWritten = false;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Every tag that is, or was, a peer. */
  get tags(): readonly string[] {
    return this.#tags;
  }

  /** What does not work now, in one line; `undefined`: all does. */
  get trouble(): string | undefined {
    return this.#troubles.size > 0 ? [...this.#troubles.values()].join('; ') : undefined;
  }

  /** Adds the peers of a config to what is remembered. Never rejects. */
  async remember(peers: readonly { readonly tag: string }[]): Promise<void> {
    const known = readTags(this.#folder);
    this.#note('read', 'state-unreadable', known.warning);
    const tags = new Set([...known.tags, ...this.#tags, ...peers.map(({ tag }) => tag)]);
    this.#tags = [...tags].slice(-MAX_TAGS);
    await this.#write('tags', 'lamps of peers that leave will not be repaired', () =>
      rememberTags(this.#folder, known, this.#tags),
    );
  }

  /** Lets the commands of this machine in, if that was not done yet. Never rejects. */
  async publishToken(): Promise<void> {
    if (this.#tokenWritten) return;
    this.#tokenWritten = await this.#write('token', 'hintmesh reload and leave do not work', () =>
      writeToken(this.#folder, this.token),
    );
  }

  async #write(what: Trouble, consequence: string, write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      this.#note(what, 'state-unwritable', undefined);
      return true;
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      const text = `cannot write to state_dir ${this.#folder} (${why}); ${consequence}`;
      this.#note(what, 'state-unwritable', text);
      return false;
    }
  }

  #note(what: Trouble, event: 'state-unreadable' | 'state-unwritable', text: string | undefined): void {
    if (text === undefined) return void this.#troubles.delete(what);
    this.#troubles.set(what, text);
    this.#logger.warn({ event }, text);
  }
}
