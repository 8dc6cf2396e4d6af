/**
 * The running broker takes a new config, or refuses it as a whole. Owns the order of the steps, that reloads go one
 * after another, and what is said of them. Never throws: a reload must not end a broker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../broker.ts';
import { describeChanges, needsRestart } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import { formatFinding } from '../config/findings.ts';
import type { Loaded } from '../config/load.ts';
import type { Reloaded } from '../http/contract.ts';
import { toBrokerOptions } from './config-to-broker.ts';
import type { Logger } from './log.ts';
import type { ServiceManager } from './service-manager.ts';
import type { StateDirectory } from './state-directory.ts';

/** From the end of one reload to the next: each reads files and compares everything, and holds up the rest meanwhile. */
export const RELOAD_EVERY_MS = 500;

export interface ReloadParts {
  /** Reads the file again; never rejects. */
  load(): Promise<Loaded>;
  readonly broker: Pick<Broker, 'reconfigure' | 'tell'>;
  readonly logger: Logger;
  readonly state: StateDirectory;
  readonly service: Pick<ServiceManager, 'reloading' | 'reloaded'>;
}

export class ConfigReload {
  readonly #parts: ReloadParts;
  #config: Config;
  #running: Promise<Reloaded> | undefined;
  /** Shared by all who ask while one runs: it reads what the file says after they asked. */
  #next: Promise<Reloaded> | undefined;
  #stopped = false;
  #endedAt = Number.NEGATIVE_INFINITY;

  /** `config`: what the broker runs on. */
  constructor(config: Config, parts: ReloadParts) {
    this.#config = config;
    this.#parts = parts;
  }

  request(): Promise<Reloaded> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /** The broker ends: what it runs on does not change any more. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(): Promise<Reloaded> {
    const run = this.#run().then((reloaded) => {
      this.#running = undefined;
      return reloaded;
    });
    this.#running = run;
    return run;
  }

  async #run(): Promise<Reloaded> {
    const wait = this.#endedAt + RELOAD_EVERY_MS - performance.now();
    if (wait > 0) await sleep(wait);
    if (this.#stopped) return STOPPING;
    this.#parts.service.reloading();
    try {
      return await this.#reload();
    } catch (error) {
      return this.#refuse([
        `a mistake in hintmesh, the config may be half in use; restart: ${(error as Error).message}`,
      ]);
    } finally {
      this.#endedAt = performance.now();
      if (!this.#stopped) this.#parts.service.reloaded();
    }
  }

  async #reload(): Promise<Reloaded> {
    const { load, broker, logger, state } = this.#parts;
    const loaded = await load();
    if (this.#stopped) return STOPPING;
    for (const { where, text } of loaded.warnings) logger.warn({ event: 'config-warning', where }, text);
    if (!loaded.ok) return this.#refuse(loaded.mistakes.map(formatFinding));
    const { config } = loaded;
    const keys = needsRestart(this.#config, config);
    if (keys.length > 0) return this.#refuse([needRestart(keys)]);
    const changes = describeChanges(this.#config, config);
    // Before the broker meets them: if it dies then, the next one knows whose lamps it may find.
    await state.remember(config.peers);
    await state.publishToken();
    if (this.#stopped) return STOPPING;
    logger.level = config.logLevel;
    broker.reconfigure(toBrokerOptions(config, { formerTags: state.tags, token: state.token }));
    this.#config = config;
    broker.tell('memory-unwritable', state.trouble);
    broker.tell('reload-refused', undefined);
    const text =
      changes.length > 0
        ? `the config was reloaded: ${changes.join('; ')}`
        : 'the config was reloaded; nothing changed';
    logger.info({ event: 'reloaded', changes }, text);
    const warnings = loaded.warnings.map(formatFinding);
    return { ok: true, changes, ...(warnings.length > 0 && { warnings }) };
  }

  #refuse(mistakes: readonly string[]): Reloaded {
    const { broker, logger } = this.#parts;
    for (const mistake of mistakes) logger.warn({ event: 'reload-refused' }, mistake);
    const [first = ''] = mistakes;
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    const text = `the config was not taken, and what ran before goes on: ${first}${more}`;
    logger.warn({ event: 'reload-refused', count: mistakes.length }, text);
    broker.tell('reload-refused', text);
    return { ok: false, mistakes };
  }
}

const STOPPING: Reloaded = { ok: false, mistakes: ['the broker is stopping'] };

function needRestart(keys: readonly string[]): string {
  return `${keys.join(', ')} changed, which needs a restart of the broker; until then nothing of the file is taken`;
}
