/**
 * `hintmesh check`: is the config right, and what does it mean? Touches nothing but the files it names, and ZeroMQ
 * if it asks for that.
 */
import type { Config } from '../config/config.ts';
import { visible } from '../config/formats.ts';
import type { ExportRule } from '../core/exports.ts';
import type { ImportRule, PlainRule } from '../core/imports.ts';
import { formatItem, type Match, partsOfMatch } from '../core/match.ts';
import { formatRenumber, type Renumber } from '../core/renumber.ts';
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

type Subject = [name: string, lines: string[]];

/** What is understood, by subject. No secrets. */
function summary(config: Config): Subject[] {
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
    ...(config.imports.length > 0 ? [['imports', config.imports.map(importLine)] satisfies Subject] : []),
    ...(config.plainLamps.length > 0 ? [['plain', config.plainLamps.map(plainLine)] satisfies Subject] : []),
    ['peers', peers.length > 0 ? peers.map(peerLine) : ['none']],
  ];
}

function exportLine(rule: ExportRule): string {
  return [
    `${sourceText(rule)}: ${namesText(rule)}`,
    ...(rule.to ? [`for ${rule.to.join(', ')} only`] : []),
  ].join('  ');
}

function sourceText(rule: ExportRule): string {
  switch (rule.source) {
    case 'hint':
      return `hints of ${rule.context}`;
    case 'device':
      return rule.devices.join(', ');
    case 'channels':
      return `channels of ${rule.devices.join(', ')}`;
    case 'mailbox':
      return `mailboxes of ${rule.context}`;
    case 'presence':
      return `presence of ${rule.presentity}`;
  }
}

/** Which extensions, and what they are called. */
function namesText({ match, as }: { readonly match: Match; readonly as?: Renumber }): string {
  const { naming, excluded } = partsOfMatch(match);
  const except = excluded.length > 0 ? `, except ${itemsText(excluded)}` : '';
  return `${itemsText(naming)}${except}${as === undefined ? '' : `, as ${formatRenumber(as)}`}`;
}

function itemsText(items: Match): string {
  const more = items.length > MAX_ITEMS ? ` and ${items.length - MAX_ITEMS} more` : '';
  return items.slice(0, MAX_ITEMS).map(formatItem).join(', ') + more;
}

function importLine(rule: ImportRule): string {
  return `of ${rule.from ?? 'every peer'}: ${namesText(rule)}`;
}

function plainLine(rule: PlainRule): string {
  return `of ${rule.from}: ${namesText(rule)}`;
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
