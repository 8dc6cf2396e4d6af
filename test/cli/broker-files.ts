// A config for a broker process, with all it names, on ports of its own. Owns their making.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { newFolder } from '../config/folder.ts';
import { freePorts } from './ports.ts';

export interface BrokerFiles {
  /** Of its identity. */
  readonly fingerprint: string;
  readonly curveKey: string;
  readonly file: string;
  readonly stateDir: string;
  /** Where its peers dial it. */
  readonly listenPort: number;
  readonly http: string;
  /** Writes the config: `more` after what every broker needs; the first time with nothing more. */
  write(more: string): void;
  /** Writes the config with this as `http:`, and nothing more than every broker needs. */
  changeHttp(http: string): void;
  /** The text of `name` in the state directory. */
  state(name: string): string;
}

const folder = newFolder();
let made = 0;

/** Nobody answers at the AMI port but who listens at `amiPort`. */
export async function brokerFiles(options: { amiPort?: number } = {}): Promise<BrokerFiles> {
  made += 1;
  const name = `b${made}`;
  folder.write('sim-secret', 'dummy-secret\n');
  const pem = await generateIdentity('msk');
  folder.write(`${name}.pem`, pem);
  const { ami, listen, http } = await freePorts('ami', 'listen', 'http');
  const write = (more: string, answers = `{ port: ${http} }`) =>
    folder.write(
      `${name}.yaml`,
      `tag: msk
identity_file: ${name}.pem
state_dir: state-${name}
ami: { port: ${options.amiPort ?? ami}, secret_file: sim-secret }
listen: { port: ${listen} }
http: ${answers}
${more}`,
    );
  const stateDir = join(folder.path, `state-${name}`);
  const { fingerprint, curve } = loadIdentity(pem);
  return {
    fingerprint,
    curveKey: curve?.publicKey ?? '',
    file: write(''),
    stateDir,
    listenPort: listen,
    http: `http://127.0.0.1:${http}`,
    write: (more) => void write(more),
    changeHttp: (answers) => void write('', answers),
    state: (name) => readFileSync(join(stateDir, name), 'utf8'),
  };
}

export const PEER = `{ tag: spb, fingerprint: "sha256:${'Q'.repeat(43)}" }`;
