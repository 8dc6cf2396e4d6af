/**
 * The config as commands meet it: read, and every mistake in it printed. Owns how findings look on a terminal
 * and brings config/ and the identity file together, which do not know each other.
 */
import type { Config } from '../config/config.ts';
import { type Finding, formatFinding } from '../config/findings.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { isFingerprint, loadIdentity } from '../mesh/identity.ts';
import type { Io } from './io.ts';

export const DEFAULT_CONFIG = '/etc/hintmesh/hintmesh.yaml';

/** Never throws on what a file or variable holds; prints nothing. */
export function readConfig(file: string, env: Io['env']): Loaded {
  return loadConfig(file, env, { identify: loadIdentity, isFingerprint });
}

/** `undefined` when the config is wrong: then every reason was printed, one a line. */
export function openConfig(
  file: string,
  io: Io,
): { readonly config: Config; readonly warnings: readonly Finding[] } | undefined {
  const loaded = readConfig(file, io.env);
  if (loaded.ok) return loaded;
  for (const mistake of loaded.mistakes) io.err(formatFinding(mistake));
  printWarnings(loaded.warnings, io);
  return undefined;
}

export function printWarnings(warnings: readonly Finding[], io: Io): void {
  for (const { where, text } of warnings) io.err(formatFinding({ where, text: `warning: ${text}` }));
}
