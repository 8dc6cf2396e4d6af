/**
 * Where a running broker is asked: `http` and `state_dir` of a config, which may be wrong in all else and name
 * files that cannot be read. The broker runs on what the file said before; whoever asks it about that must not be
 * held up by what the file says now.
 */
import { NamedFiles, readBounded } from './files.ts';
import { type Findings, formatFinding } from './findings.ts';
import { visible } from './formats.ts';
import { dialledAt } from './listen.ts';
import { scalarSchema } from './schema.ts';
import { type Environment, readSome } from './values.ts';
import { MAX_CONFIG_BYTES, readYaml } from './yaml.ts';

const { http, state_dir } = scalarSchema;

export type HttpAddress =
  | {
      readonly ok: true;
      /** To be dialled: where the broker listens on all addresses, the loopback one. IPv6 without brackets. */
      readonly host: string;
      readonly port: number;
      readonly stateDir: string;
    }
  /** What is wrong, and what to do, each without a full stop; `stateDir` if that at least could be read. */
  | { readonly ok: false; readonly why: string; readonly cure: string; readonly stateDir?: string };

const URL_OPTION = '--url http://HOST:PORT';

/** Environment variables go before the file. Never throws on what a file or variable holds. Blocks while it reads. */
export function readHttpAddress(file: string, env: Environment): HttpAddress {
  const read = readBounded(file, MAX_CONFIG_BYTES);
  if ('why' in read) {
    const cure = `name the config with -c, or the broker's address with ${URL_OPTION}`;
    return { ok: false, why: `cannot read ${visible(file)}: ${read.why}`, cure };
  }
  const { top, findings: ofFile } = readYaml(read.text, file);
  if (top === undefined) return { ok: false, ...firstMistake(ofFile) };
  const findings = ofFile.empty();
  const values = readSome(top, { http, state_dir }, env, findings);
  const stateDir = new NamedFiles(file, findings).resolve(values.state_dir);
  if (findings.mistakes.length > 0) {
    return { ok: false, ...firstMistake(findings), ...(findings.fine('state_dir') && { stateDir }) };
  }
  const { enabled, host, port } = values.http;
  if (enabled) return { ok: true, host: dialledAt(host), port, stateDir };
  const where = visible(findings.where('http.enabled'));
  const why = `http.enabled is false (${where}), so a broker of this config answers no commands`;
  const cure = `set it to true and restart the broker, or name another one's address with ${URL_OPTION}`;
  return { ok: false, why, cure, stateDir };
}

function firstMistake({ mistakes }: Findings): { why: string; cure: string } {
  const why = mistakes.slice(0, 1).map(formatFinding).join();
  return { why, cure: `mend it, or name the broker's address with ${URL_OPTION}` };
}
