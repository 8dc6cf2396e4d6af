// Pairs of configs that differ in one key, for every key with a single value. Owns another value for each key, and
// the files these name.
import type { Config } from '../../src/config/config.ts';
import { leavesOf, scalarSchema } from '../../src/config/schema.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { newFolder, REAL, SECRET } from './folder.ts';

type Section = { [key: string]: string | number | boolean | Section };

/** Every section is on, so that every key means something. */
const COMMON = {
  identity_file: 'both.pem',
  state_dir: 'state',
  ca_file: 'ca.pem',
  ami: {
    secret_file: 'secret',
    tls: { enabled: true, ca_file: 'ca.pem', servername: 'pbx', cert_file: 'ca.pem', key_file: 'key.pem' },
  },
  listen: { enabled: true },
  http: { enabled: true },
  export: [{ context: 'ext-local', match: '_1XXX' }],
  peers: [{ tag: 'nsk', url: 'wss://nsk:7440', fingerprint: 'sha256:abc' }],
};

/** What `COMMON`, or the default, is not. */
const OTHER: Record<string, string | number | boolean> = {
  tag: 'spb',
  identity_file: 'both-again.pem',
  state_dir: 'state2',
  ca_file: 'two-cas.pem',
  insecure: true,
  'ami.host': '127.0.0.9',
  'ami.port': 5039,
  'ami.username': 'other',
  'ami.secret_file': 'secret2',
  'ami.secret': `${SECRET}-3`,
  'ami.tls.enabled': false,
  'ami.tls.ca_file': 'two-cas.pem',
  'ami.tls.servername': 'pbx2',
  'ami.tls.cert_file': 'two-cas.pem',
  'ami.tls.key_file': 'key-again.pem',
  'listen.enabled': false,
  'listen.host': '127.0.0.9',
  'listen.port': 7450,
  'http.enabled': false,
  'http.host': '127.0.0.9',
  'http.port': 7451,
  'lamps.gone_state': 'BUSY',
  'lamps.writes_per_second': 'unlimited',
  'lamps.burst': 20,
  'lamps.window': 16,
  'timing.alive': '1.2s',
  'timing.suspect_after': '4s',
  'timing.gone_after': '1m',
  'timing.first_sync': '20s',
  'timing.relist': '10m',
  'timing.redial_min': '300ms',
  'timing.redial_max': '3s',
  'log.level': 'debug',
};

const folder = newFolder();
const second = loadIdentity(await generateIdentity('ca2')).certificate;
const identity = (key: string) => `-----BEGIN CERTIFICATE-----\nfake:msk,spb:${key}\n`;
folder.write('both.pem', identity('own'));
folder.write('both-again.pem', identity('again'));
folder.write('two-cas.pem', REAL.certificate + second);
folder.write('key-again.pem', `${REAL.key}\n`);
folder.write('secret2', `${SECRET}-2\n`);

/** Every key with a single value, in the order of the schema. */
export const KEYS = Array.from(leavesOf(scalarSchema), ([path]) => path);

/** The config in which these keys have their other value, and all else is the same. */
export function withOther(...paths: string[]): Config {
  const config: Section = structuredClone({ tag: 'msk', ...COMMON }) as unknown as Section;
  const env = new Map<string, string>();
  for (const path of paths) {
    const value = OTHER[path];
    if (value === undefined) throw new Error(`${path} has no other value here: add one`);
    if (path === 'ami.secret') env.set('HINTMESH_AMI_SECRET', String(value));
    else set(config, path.split('.'), value);
    // TLS files without TLS are a mistake of their own.
    if (path === 'ami.tls.enabled') set(config, ['ami', 'tls'], { enabled: false });
  }
  return folder.config(JSON.stringify(config), Object.fromEntries(env));
}

function set(section: Section, [key = '', ...rest]: string[], value: Section[string]): void {
  if (rest.length === 0) section[key] = value;
  else {
    section[key] ??= {};
    set(section[key] as Section, rest, value);
  }
}
