// A folder with a config and the files it names. Owns their making and removal. Our identity is a fake, so that its
// tag and fingerprint can be chosen; certificates and keys that the config itself reads are real.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Config, Keys } from '../../src/config/config.ts';
import { formatFinding } from '../../src/config/findings.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';

/** `fake:TAG:FINGERPRINT` or `fake:TAG:FINGERPRINT:CURVEKEY`, or several tags with commas, stands for keys. */
export const keys: Keys = {
  identify: (pem) => {
    const [, tag, fingerprint, curve] = /fake:([^\s:]+):([^\s:]+)(?::(\S+))?/.exec(pem) ?? [];
    if (tag === undefined || fingerprint === undefined) throw new Error('identity: not one of these');
    return {
      names: tag.split(','),
      fingerprint: `sha256:${fingerprint}`,
      ...(curve !== undefined && { curve: { publicKey: `z85:${curve}` } }),
    };
  },
  isFingerprint: (text) => /^sha256:[a-z]+$/.test(text),
  isCurveKey: (text) => /^z85:[a-z]+$/.test(text),
};

/** A certificate and its key, PEM each. */
export const REAL = loadIdentity(await generateIdentity('ca'));

export const SECRET = 'hunter2-is-not-shown';

export interface Folder {
  readonly path: string;
  write(name: string, text: string, mode?: number): string;
  /** Loads this text as the config. */
  load(yaml: string, env?: Record<string, string>): Loaded;
  /** Its mistakes, as they are printed, without the folder's path. */
  mistakes(yaml: string, env?: Record<string, string>): string[];
  warnings(yaml: string, env?: Record<string, string>): string[];
  config(yaml: string, env?: Record<string, string>): Config;
}

/** Removed when the tests of the file are done. */
export function newFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'hintmesh-config-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  const write = (name: string, text: string, mode = 0o600) => {
    const file = join(path, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  write('identity.pem', '-----BEGIN CERTIFICATE-----\nfake:msk:own:own\n-----END CERTIFICATE-----\n');
  write('secret', `${SECRET}\n`);
  write('ca.pem', REAL.certificate, 0o644);
  write('key.pem', REAL.key);
  const load = (yaml: string, env: Record<string, string> = {}) =>
    loadConfig(write('h.yaml', yaml), env, keys);
  const short = (text: string) => text.replaceAll(`${path}/`, '');
  return {
    path,
    write,
    load,
    mistakes: (yaml, env) => {
      const loaded = load(yaml, env);
      return loaded.ok ? [] : loaded.mistakes.map((mistake) => short(formatFinding(mistake)));
    },
    warnings: (yaml, env) => load(yaml, env).warnings.map((warning) => short(formatFinding(warning))),
    config: (yaml, env) => {
      const loaded = load(yaml, env);
      if (!loaded.ok) throw new Error(loaded.mistakes.map(formatFinding).join('\n'));
      return loaded.config;
    },
  };
}

/** The least a broker needs. Eight lines, so that what a test adds begins on line 9. */
export const BASE = `tag: msk
identity_file: identity.pem
ami:
  secret_file: secret
listen:
  host: 0.0.0.0
# the test's own lines follow,
# from line 9 on
`;
