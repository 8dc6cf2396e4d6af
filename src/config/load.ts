/**
 * Reads a config: file and environment in, a Config or every mistake in it out. Owns the order of the steps
 * and the rules between sections; each step's rules are its own.
 */
import { readAmi } from './ami.ts';
import type { Config, Keys } from './config.ts';
import { checkExports } from './export-rules.ts';
import { NamedFiles, readBounded } from './files.ts';
import type { Finding, Findings } from './findings.ts';
import { showDuration } from './formats.ts';
import { checkImports, checkPlainLamps } from './import-rules.ts';
import { readHttp, readListen } from './listen.ts';
import type { OwnKeys } from './peer-keys.ts';
import { checkPeers } from './peers.ts';
import {
  type Environment,
  type RootValues,
  readValues,
  type Values,
  warnOfStrangeVariables,
} from './values.ts';
import { MAX_CONFIG_BYTES, readYaml } from './yaml.ts';

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly mistakes: readonly Finding[]; readonly warnings: readonly Finding[] };

/** Never throws on what a file or variable holds. Blocks while it reads: for the start, not for the loop. */
export function loadConfig(file: string, env: Environment, keys: Keys): Loaded {
  const read = readBounded(file, MAX_CONFIG_BYTES);
  if ('why' in read) {
    return {
      ok: false,
      mistakes: [{ where: file, text: `cannot read the config: ${read.why}` }],
      warnings: [],
    };
  }
  const { top, findings } = readYaml(read.text, file);
  if (top === undefined) return { ok: false, mistakes: findings.mistakes, warnings: [] };

  const values = readValues(top, env, findings);
  const { root } = values;
  warnOfStrangeVariables(env, findings);
  checkTiming(root, findings);
  const files = new NamedFiles(file, findings);
  const identity = readIdentity(root, files, findings);
  const own = identity && identify(identity, values, keys, findings);
  const ca = root.ca_file === '' ? undefined : files.certificates('ca_file', root.ca_file);
  const ami = readAmi(root, env, files, findings);
  const listen = readListen(root, findings);
  const http = readHttp(root, findings);
  const exported = checkExports(values, findings);
  const imports = checkImports(values, findings);
  const plainLamps = checkPlainLamps(values, exported, imports, findings);
  const peers = checkPeers(values, { keys, own }, findings);
  if (exported.length === 0 && findings.fine('export')) {
    findings.warning('export', 'nothing is exported: no other PBX will show our extensions');
  }

  const { mistakes, warnings } = findings;
  if (mistakes.length > 0) return { ok: false, mistakes, warnings };
  const config: Config = {
    file,
    tag: root.tag,
    ...(identity && { identity }),
    stateDir: files.resolve(root.state_dir),
    ...(ca !== undefined && { ca }),
    insecure: root.insecure,
    ami,
    ...(listen && { listen }),
    ...(http && { http }),
    export: exported.map(({ rule }) => rule),
    imports,
    plainLamps,
    peers,
    lamps: {
      goneState: root.lamps.gone_state,
      writesPerSecond: root.lamps.writes_per_second,
      burst: root.lamps.burst,
      window: root.lamps.window,
    },
    timing: {
      aliveMs: root.timing.alive,
      suspectAfterMs: root.timing.suspect_after,
      goneAfterMs: root.timing.gone_after,
      firstSyncMs: root.timing.first_sync,
      relistMs: root.timing.relist,
      redialMinMs: root.timing.redial_min,
      redialMaxMs: root.timing.redial_max,
    },
    logLevel: root.log.level,
  };
  return { ok: true, config, warnings };
}

function readIdentity(
  root: RootValues,
  files: NamedFiles,
  findings: Findings,
): Config['identity'] | undefined {
  // Plaintext proves no key, so a broker that only ever speaks plaintext needs none.
  if (root.insecure && root.identity_file === '' && findings.fine('insecure')) return undefined;
  const name = root.identity_file === '' ? 'identity.pem' : root.identity_file;
  const file = files.resolve(name);
  const tag = findings.fine('tag') ? root.tag : 'TAG';
  const mend = `make it with: hintmesh keygen --tag ${tag} --out ${file}`;
  const pem = files.pem('identity_file', name, { secret: true, mend });
  return pem === undefined ? undefined : { file, pem };
}

function identify(
  { file, pem }: NonNullable<Config['identity']>,
  values: Values,
  keys: Keys,
  findings: Findings,
): OwnKeys | undefined {
  const { root } = values;
  try {
    const { fingerprint, names, curve } = keys.identify(pem);
    if (findings.fine('tag') && !names.includes(root.tag)) {
      const made = names.join(', ') || 'no tag at all';
      findings.mistake(
        'identity_file',
        `identity_file was made for ${made}, but tag is ${root.tag}; each PBX has an identity of its own: hintmesh keygen --tag ${root.tag}`,
      );
    } else if (findings.fine('tag') && names.length > 1 && isProvedByCa(values)) {
      // Peers take no certificate of the CA that could stand for two PBXs (mesh/trust.ts).
      findings.mistake(
        'identity_file',
        `identity_file has a certificate for ${names.join(', ')}; where peers are proved by ca_file it must carry one DNS name, our tag ${root.tag}; have the CA issue one with that name alone`,
      );
    }
    return { file, fingerprint, ...(curve && { curveKey: curve.publicKey }) };
  } catch (error) {
    findings.mistake(
      'identity_file',
      `identity_file: ${(error as Error).message.replace(/^identity: /, '')}`,
    );
    return undefined;
  }
}

/** CA mode: a peer without a fingerprint, met over TLS, proves us by the CA as we do it. */
function isProvedByCa({ root, peers }: Values): boolean {
  if (root.ca_file === '') return false;
  return peers.some(
    ({ fingerprint, url }) => fingerprint === '' && (!root.insecure || url.startsWith('wss:')),
  );
}

/** The times depend on each other: a PBX that says nothing wrong must not look gone. */
function checkTiming({ timing }: RootValues, findings: Findings): void {
  const readable = findings.fine('timing');
  const demand = (key: keyof RootValues['timing'], least: number, rule: string, strict = false) => {
    const fine = strict ? timing[key] > least : timing[key] >= least;
    if (fine || !readable) return;
    const bound = `${strict ? 'more than' : 'at least'} ${showDuration(least)}`;
    findings.mistake(
      `timing.${key}`,
      `timing.${key} is ${showDuration(timing[key])}; it must be ${bound}: ${rule}`,
    );
  };
  demand('suspect_after', 2 * timing.alive, 'twice timing.alive, so that one late sign is no silence', true);
  const back = timing.alive + timing.redial_max;
  const rule = 'timing.alive + timing.redial_max, so that a dropped link can come back first';
  demand('gone_after', back, rule);
  demand('first_sync', back, rule);
  demand('redial_max', timing.redial_min, 'timing.redial_min');
}
