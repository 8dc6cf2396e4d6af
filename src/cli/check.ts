/**
 * `hintmesh check`: is the config right, and what does it mean? Touches nothing but the files it names, and ZeroMQ
 * if it asks for that.
 */
import type { Config } from '../config/config.ts';
import { visible } from '../config/formats.ts';
import type { ExportRule } from '../core/exports.ts';
import { formatItem, type Match } from '../core/match.ts';
import { loadIdentity } from '../mesh/identity.ts';
import { openConfig, printWarnings, readRunnableConfig } from './config-file.ts';
import { FAILED, type Io, OK } from './io.ts';

/** Items of a match that are printed; the rest are counted. */
const MAX_ITEMS = 8;

export async function check({ config: file }: { readonly config: string }, io: Io): Promise<number> {
  const opened = openConfig(await readRunnableConfig(file, io.env), io);
  if (opened === undefined) return FAILED;
  printWarnings(opened.warnings, io);
  io.out(`${visible(file)} is valid`);
  for (const [name, lines] of summary(opened.config)) {
    for (const [index, line] of lines.entries()) io.out(`  ${(index === 0 ? name : '').padEnd(10)}${line}`);
  }
  return OK;
}

/** What is understood, by subject. No secrets. */
function summary(config: Config): [name: string, lines: string[]][] {
  const { ami, listen, http, identity, peers } = config;
  const listening = listen ? `${listen.host}:${listen.port}${config.insecure ? ', plaintext' : ''}` : 'no';
  return [
    ['tag', [config.tag]],
    ['identity', [identity ? `${loadIdentity(identity.pem).fingerprint}  ${identity.file}` : 'none']],
    ['asterisk', [`${ami.host}:${ami.port} as ${ami.username}${ami.tls ? ', over TLS' : ''}`]],
    ['listen', [listening]],
    ['http', [http ? `${http.host}:${http.port}` : 'no']],
    ['state_dir', [config.stateDir]],
    ['exports', config.export.length > 0 ? config.export.map(exportLine) : ['nothing']],
    ['peers', peers.length > 0 ? peers.map(peerLine) : ['none']],
  ];
}

function exportLine(rule: ExportRule): string {
  return `${sourceText(rule)}: ${matchText(rule.match)}`;
}

function sourceText(rule: ExportRule): string {
  if (rule.source === 'hint') return `hints of ${rule.context}`;
  return (rule.source === 'channels' ? 'channels of ' : '') + rule.devices.join(', ');
}

function matchText(match: Match): string {
  const more = match.length > MAX_ITEMS ? ` and ${match.length - MAX_ITEMS} more` : '';
  return match.slice(0, MAX_ITEMS).map(formatItem).join(', ') + more;
}

function peerLine(peer: Config['peers'][number]): string {
  const { tag, transport = 'websocket', url, goneState } = peer;
  return [tag, transport, url ?? 'dials us', ...proofs(peer), `gone: ${goneState}`].join('  ');
}

/** What it is known by, that of its transport first. */
function proofs({ transport, fingerprint, curveKey, next }: Config['peers'][number]): string[] {
  const then = [next?.fingerprint, next?.curveKey].flatMap((key) =>
    key === undefined ? [] : [`next: ${key}`],
  );
  if (transport !== 'zeromq' || curveKey === undefined) return [fingerprint ?? 'by CA', ...then];
  return [curveKey, ...(fingerprint === undefined ? [] : [fingerprint]), ...then];
}
