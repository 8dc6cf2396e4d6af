/**
 * Every metric that is ours: name, type, labels, meaning, and where its value stands in the status. Owns the names;
 * docs/operations.md has the same list, and a test compares. No series is about one extension: there may be 100 000.
 */
import { CONDITIONS } from '../conditions.ts';
import type { Belief } from '../core/peer.ts';
import type { PeerRow, Status } from './contract.ts';

export interface MetricInfo {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** One sentence or two, without a full stop at the end. */
  readonly help: string;
}

/** One series: its labels, in full, and its value. */
export type Reading = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface StatusMetric extends MetricInfo {
  readonly type: 'counter' | 'gauge';
  read(status: Status): Iterable<Reading>;
}

/** 0.5 ms to 10 s: one write on an idle PBX takes about 1 ms, and after 10 s a lamp is of no use. */
export const LATENCY_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const BELIEFS: readonly Belief[] = ['unheard', 'live', 'suspect', 'gone'];

/** Peers as configured now. One that was taken out has no series any more, though its lamps are still kept right. */
function peersOf(status: Status): PeerRow[] {
  return status.peers.filter(({ former }) => !former);
}

type Value = number | boolean | undefined;

/** `undefined`: no series. */
function one(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (status: Status) => Value,
): StatusMetric {
  const read = (status: Status): Reading[] => readings({}, value(status));
  return { name: `hintmesh_${name}`, type, labels: [], help, read };
}

/** `undefined`: this peer has no series. */
function ofPeers(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (peer: PeerRow) => Value,
): StatusMetric {
  const read = (status: Status): Reading[] =>
    peersOf(status).flatMap((peer) => readings({ peer: peer.peer }, value(peer)));
  return { name: `hintmesh_peer_${name}`, type, labels: ['peer'], help, read };
}

function readings(labels: Readonly<Record<string, string>>, value: Value): Reading[] {
  return value === undefined ? [] : [[labels, Number(value)]];
}

/** Milliseconds as seconds, without the digits that a division invents. */
function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1_000) / 1_000_000;
}

export const STATUS_METRICS: readonly StatusMetric[] = [
  {
    name: 'hintmesh_build_info',
    type: 'gauge',
    labels: ['version'],
    help: 'Always 1; the version of hintmesh is its label',
    read: ({ version }) => [[{ version }, 1]],
  },
  {
    name: 'hintmesh_pbx_info',
    type: 'gauge',
    labels: ['pbx', 'asterisk'],
    help: 'Always 1; the tag of this PBX and the version of its Asterisk, empty while there is none, are its labels',
    read: ({ pbx, asterisk }) => [[{ pbx, asterisk: asterisk.version ?? '' }, 1]],
  },
  one(
    'gauge',
    'ready',
    '1 when /readyz answers 200: the first sync is over and no condition is an error',
    (s) => s.ready,
  ),
  {
    name: 'hintmesh_condition',
    type: 'gauge',
    labels: ['code', 'severity', 'subject'],
    help: '1 while this condition is present; subject is the peer it is about, empty when it is about this PBX. Each code has at least its series with the empty subject',
    read: conditions,
  },
  one(
    'gauge',
    'asterisk_up',
    '1 while there is an AMI session and all of Asterisk was read',
    (s) => s.asterisk.up,
  ),
  one(
    'gauge',
    'asterisk_answers',
    '1 while Asterisk answers, so that its states are vouched for',
    (s) => s.asterisk.answers,
  ),
  one('counter', 'asterisk_sessions_total', 'AMI sessions that came up', (s) => s.counters.amiSessions),
  one(
    'counter',
    'asterisk_relists_total',
    'Times everything was read again in an AMI session',
    (s) => s.counters.relists,
  ),
  one('gauge', 'exports', 'Extensions of this PBX that the peers may see', (s) => s.exports),
  one(
    'counter',
    'changes_sent_total',
    'States of our extensions given to the mesh',
    (s) => s.counters.changesOut,
  ),
  one(
    'counter',
    'changes_received_total',
    'States of extensions of peers that were other than before',
    (s) => s.counters.changesIn,
  ),
  one('gauge', 'lamps', 'Lamps of all origins that are kept right here', (s) => s.lamps.known),
  one('gauge', 'lamps_owed', 'Lamps whose state waits to be written', (s) => s.lamps.owed),
  one('gauge', 'writes_unanswered', 'Writes that Asterisk has not answered yet', (s) => s.lamps.unanswered),
  one('counter', 'writes_total', 'States of lamps sent to Asterisk', (s) => s.counters.writesSent),
  one(
    'counter',
    'writes_refused_total',
    'Writes that Asterisk refused or did not answer',
    (s) => s.counters.writesRefused,
  ),
  one(
    'counter',
    'writes_coalesced_total',
    'States that a later one overtook before they were written',
    (s) => s.counters.writesCoalesced,
  ),
  one(
    'counter',
    'lamp_drift_repairs_total',
    'Lamps written again because somebody else had changed them',
    (s) => s.counters.driftRepairs,
  ),
  {
    name: 'hintmesh_peer_belief',
    type: 'gauge',
    labels: ['peer', 'belief'],
    help: '1 for what is believed of this peer (unheard, live, suspect or gone), 0 for the others; sum by (belief) counts the peers',
    read: (status) =>
      peersOf(status).flatMap(({ peer, belief }) =>
        BELIEFS.map((each): Reading => [{ peer, belief: each }, Number(each === belief)]),
      ),
  },
  ofPeers('gauge', 'link_up', '1 while there is a link to this peer', (p) => p.link !== undefined),
  ofPeers('counter', 'links_total', 'Links to this peer that came up', (p) => p.linksUp),
  {
    name: 'hintmesh_peer_link_drops_total',
    type: 'counter',
    labels: ['peer', 'reason'],
    help: 'Links to this peer that ended, by reason',
    read: (status) =>
      peersOf(status).flatMap(({ peer, drops }) =>
        Object.entries(drops).map(([reason, count]): Reading => [{ peer, reason }, count]),
      ),
  },
  ofPeers('gauge', 'round_trip_seconds', 'Round trip of the latest ping on the link to this peer', (p) =>
    seconds(p.link?.roundTripMs),
  ),
  ofPeers(
    'gauge',
    'queue_bytes',
    'Bytes that wait for the link to this peer; 0 without a link',
    (p) => p.link?.queueBytes ?? 0,
  ),
  ofPeers(
    'gauge',
    'heard_age_seconds',
    'Time since this peer last said anything of its states; no series when it was never heard',
    (p) => p.heardAgoSeconds,
  ),
  ofPeers('gauge', 'extensions', 'Extensions this peer told', (p) => p.extensions),
  ofPeers('gauge', 'lamps', 'Lamps kept right here for this peer', (p) => p.lamps),
  ofPeers('gauge', 'lamps_owed', 'Lamps of this peer whose state waits to be written', (p) => p.owed),
  ofPeers(
    'counter',
    'frames_received_total',
    'Frames received from this peer, pings included',
    (p) => p.framesIn,
  ),
  ofPeers('counter', 'frames_sent_total', 'Frames sent to this peer, pings included', (p) => p.framesOut),
  {
    name: 'hintmesh_link_refusals_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Links refused by us or by a peer, and dials that failed, by reason',
    read: ({ counters }) =>
      Object.entries(counters.refusals).map(([reason, count]): Reading => [{ reason }, count]),
  },
  one(
    'counter',
    'frames_encoded_total',
    'Frames of changes encoded, each once for all links',
    (s) => s.counters.framesEncoded,
  ),
  one(
    'counter',
    'frames_skipped_total',
    'Frames, or states in them, of a kind this version does not know',
    (s) => s.counters.framesSkipped,
  ),
  one(
    'counter',
    'states_coalesced_total',
    'States that a later one overtook in the queue of a slow link',
    (s) => s.counters.statesCoalesced,
  ),
  one('counter', 'reloads_total', 'Times the config was read again and taken', (s) => s.counters.reloads),
  one(
    'counter',
    'reloads_refused_total',
    'Times the config was read again and refused; nothing was changed',
    (s) => s.counters.reloadsRefused,
  ),
];

export const WRITE_LATENCY: MetricInfo = {
  name: 'hintmesh_write_latency_seconds',
  type: 'histogram',
  labels: [],
  help: 'From sending the state of a lamp to the answer of Asterisk',
};
export const ECHO_LATENCY: MetricInfo = {
  name: 'hintmesh_echo_latency_seconds',
  type: 'histogram',
  labels: [],
  help: 'From sending the state of a lamp to the DeviceStateChange with which Asterisk tells its phones',
};
export const LAMP_LATENCY: MetricInfo = {
  name: 'hintmesh_lamp_latency_seconds',
  type: 'histogram',
  labels: [],
  help: 'From the broker of the origin hearing of a change to the answer of the Asterisk here; only where the clocks could be compared',
};

/** All of them. */
export const METRICS: readonly MetricInfo[] = [...STATUS_METRICS, WRITE_LATENCY, ECHO_LATENCY, LAMP_LATENCY];

/** A series that always exists makes an alert that counts, and one that is absent, mean what they say. */
function* conditions(status: Status): Generator<Reading> {
  const present = new Set(status.conditions.map(({ code, subject }) => `${code} ${subject}`));
  for (const [code, { severity }] of Object.entries(CONDITIONS)) {
    yield [{ code, severity, subject: '' }, Number(present.has(`${code} `))];
  }
  for (const { code, severity, subject } of status.conditions) {
    if (subject !== '') yield [{ code, severity, subject }, 1];
  }
}
