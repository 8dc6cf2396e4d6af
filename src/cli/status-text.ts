/** What `hintmesh status` prints for people. Owns the lines; all that a peer or Asterisk said is made printable. */
import { visible } from '../config/formats.ts';
import type { ConditionRow, PeerRow, Status } from '../http/contract.ts';
import {
  BELIEF_COLOURS,
  type Cell,
  type Column,
  duration,
  milliseconds,
  type Paint,
  SEVERITY_COLOURS,
  table,
} from './text.ts';

const AWAITED: Readonly<Record<string, string>> = {
  asterisk: 'Asterisk',
  'first-sync': 'a first word from every peer',
};

const COLUMNS: readonly Column[] = [
  { title: 'PEER' },
  { title: 'BELIEF' },
  { title: 'TRANSPORT' },
  { title: 'ROUND TRIP', right: true },
  { title: 'HEARD', right: true },
  { title: 'EXTENSIONS', right: true },
  { title: 'LAMPS', right: true },
  { title: 'OWED', right: true },
  { title: 'ADDRESS' },
];

export function statusLines(status: Status, paint: Paint): string[] {
  const { pbx, version, uptimeSeconds, peers, conditions } = status;
  return [
    `${visible(pbx)}  hintmesh ${visible(version)}, up ${duration(uptimeSeconds)}, ${readiness(status, paint)}`,
    ...facts(status).map(([name, text]) => `  ${name.padEnd(10)}${text}`),
    '',
    ...peerLines(peers, paint),
    ...(conditions.length > 0 ? [''] : []),
    ...conditions.flatMap((condition) => conditionLines(condition, paint)),
  ];
}

function readiness({ ready, waitingFor }: Status, paint: Paint): string {
  if (ready) return paint('ready', 'green');
  const awaited = waitingFor.map((name) => visible(AWAITED[name] ?? name)).join(' and ');
  return paint('not ready', 'red') + (awaited === '' ? '' : `: waits for ${awaited}`);
}

function facts({ asterisk, exports, lamps }: Status): [name: string, text: string][] {
  const version = asterisk.version === undefined ? '' : `${visible(asterisk.version)}, `;
  const up = asterisk.answers ? 'up' : 'up, but does not answer';
  const down = asterisk.standsBy ? 'this broker stands by for another one' : 'down';
  return [
    ['asterisk', `${version}${asterisk.up ? up : down}`],
    ['exports', `${exports} ${exports === 1 ? 'extension' : 'extensions'}`],
    ['lamps', `${lamps.known}; ${lamps.owed} owed, ${lamps.unanswered} unanswered`],
  ];
}

function peerLines(peers: readonly PeerRow[], paint: Paint): string[] {
  if (peers.length === 0) return ['no peers'];
  const [titles = '', ...rows] = table(COLUMNS, peers.map(peerCells), paint);
  return [titles, ...rows.flatMap((row, at) => [row, ...problemLines(peers[at])])];
}

function peerCells(row: PeerRow): Cell[] {
  const { belief, link, heardAgoSeconds: heard } = row;
  return [
    row.peer + (row.former ? ' (former)' : ''),
    { text: belief, colour: BELIEF_COLOURS[belief] },
    link?.transport ?? '-',
    link?.roundTripMs === undefined ? '-' : milliseconds(link.roundTripMs),
    heard === undefined ? 'never' : `${duration(heard)} ago`,
    String(row.extensions),
    String(row.lamps),
    String(row.owed),
    addressOf(row),
  ];
}

function addressOf({ url, link, former }: PeerRow): string {
  if (link) return link.dialled ? `to ${url ?? link.remote}` : `from ${link.remote}`;
  if (former) return '-';
  return url ?? 'dials us';
}

/** Trouble that a link which is up has left behind is no trouble any more. */
function problemLines(peer: PeerRow | undefined): string[] {
  if (peer?.problem === undefined || peer.link !== undefined) return [];
  const { reason, text, agoSeconds } = peer.problem;
  return [`  ${visible(reason)}, ${duration(agoSeconds)} ago: ${visible(text)}`];
}

function conditionLines(
  { code, severity, subject, text, cure, forSeconds }: ConditionRow,
  paint: Paint,
): string[] {
  const about = subject === '' ? '' : ` ${visible(subject)}`;
  const head = `${paint(visible(severity), SEVERITY_COLOURS[severity])} ${visible(code)}${about}`;
  return [`${head}, for ${duration(forSeconds)}: ${visible(text)}`, `  ${visible(cure)}`];
}
