/**
 * The config as commands meet it: read, and every mistake in it printed. Owns how findings look on a terminal
 * and brings config/ and the mesh together, which do not know each other: the identity file, and whether what a
 * peer is dialled with is installed here.
 */
import type { Config } from '../config/config.ts';
import { type Finding, formatFinding } from '../config/findings.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { isCurveKey, isFingerprint, loadIdentity } from '../mesh/identity.ts';
import { loadZeroMq } from '../mesh/zeromq-library.ts';
import type { Io } from './io.ts';

export const DEFAULT_CONFIG = '/etc/hintmesh/hintmesh.yaml';

/** Never throws on what a file or variable holds; prints nothing. */
export function readConfig(file: string, env: Io['env']): Loaded {
  return loadConfig(file, env, { identify: loadIdentity, isFingerprint, isCurveKey });
}

/**
 * The same for who runs it, or wants to know whether it can be run: what it needs beside itself is there, and from
 * then on loaded. Without a peer of `transport: zeromq` that library is not touched.
 */
export async function readRunnableConfig(file: string, env: Io['env']): Promise<Loaded> {
  const loaded = readConfig(file, env);
  const first = loaded.ok && loaded.config.peers.find(({ transport }) => transport === 'zeromq');
  if (!first) return loaded;
  try {
    await loadZeroMq();
    return loaded;
  } catch (error) {
    const text = `peer ${first.tag} cannot have transport: zeromq: ${(error as Error).message}`;
    return { ok: false, mistakes: [{ where: first.where, text }], warnings: loaded.warnings };
  }
}

/** `undefined` when the config is wrong: then every reason was printed, one a line. */
export function openConfig(
  loaded: Loaded,
  io: Io,
): { readonly config: Config; readonly warnings: readonly Finding[] } | undefined {
  if (loaded.ok) return loaded;
  for (const mistake of loaded.mistakes) io.err(formatFinding(mistake));
  printWarnings(loaded.warnings, io);
  return undefined;
}

export function printWarnings(warnings: readonly Finding[], io: Io): void {
  for (const { where, text } of warnings) io.err(formatFinding({ where, text: `warning: ${text}` }));
}
