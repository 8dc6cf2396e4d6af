// What the figures were measured on. Owns which words describe a machine; its name is none of them.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';

/** What of it is not to be found out here. */
export interface Versions {
  readonly asterisk: string;
  readonly prosody?: string;
}

const GIB = 2 ** 30;

export function machine({ asterisk, prosody }: Versions): Record<string, string> {
  return {
    CPU: cpus()[0]?.model.trim() || 'unknown',
    cores: `${cpus().length}`,
    memory: `${Math.round(totalmem() / GIB)} GiB`,
    OS: system(),
    kernel: `${type()} ${release()}`,
    'Node.js': process.versions.node,
    Asterisk: asterisk,
    ...(prosody === undefined ? {} : { prosody }),
  };
}

/** The ISO day. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function system(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
