/**
 * What a broker says of itself: from what the core, the mesh and the AMI edge know to the rows of the status and to
 * the facts that conditions are found in. Owns the translation only. Times are milliseconds of one monotonic clock.
 */
import { type Condition, type Facts, PASSING_MS } from './conditions.ts';
import type { Federation, FederationStatus } from './core/federation.ts';
import type { Entry } from './core/message.ts';
import type { OriginStatus } from './core/mirror-status.ts';
import { isPresence, presenceWords } from './core/presence.ts';
import type { Seen } from './core/write.ts';
import type { Awaited, ConditionRow, Counters, PeerRow, StateRow, Status } from './http/contract.ts';
import type { MeshStatus, PeerStatus } from './mesh/types.ts';

/** The broker at one moment. */
export interface Snapshot {
  readonly now: number;
  readonly startedAt: number;
  readonly pbx: string;
  readonly version: string;
  readonly epoch: string;
  readonly waitingFor: readonly Awaited[];
  readonly federation: FederationStatus;
  readonly mesh: MeshStatus;
  readonly asterisk: {
    readonly version?: string;
    /** Why there is no session, once an attempt has failed or the last session ended. */
    readonly why?: string;
    /** Another broker with our tag works beside it. */
    readonly standsBy: boolean;
    readonly sessions: number;
    readonly relists: number;
    readonly deaf?: string;
    readonly lacking?: string;
  };
  readonly writesPerSecond: number;
  /** The longest wait between two dials. */
  readonly redialMaxMs: number;
  readonly conditions: readonly Condition[];
  readonly reloads: { readonly done: number; readonly refused: number };
}

export function statusOf(snapshot: Snapshot): Status {
  const { now, startedAt, federation, mesh, asterisk, conditions, waitingFor } = snapshot;
  const peers = new Map(mesh.peers.map((peer) => [peer.peer, peer]));
  return {
    pbx: snapshot.pbx,
    version: snapshot.version,
    epoch: snapshot.epoch,
    uptimeSeconds: seconds(now - startedAt),
    ready:
      waitingFor.length === 0 &&
      !asterisk.standsBy &&
      !conditions.some(({ severity }) => severity === 'error'),
    waitingFor,
    asterisk: {
      up: federation.asteriskUp,
      answers: federation.vouches,
      standsBy: asterisk.standsBy,
      ...(asterisk.version !== undefined && { version: asterisk.version }),
    },
    exports: federation.exports,
    lamps: {
      known: federation.origins.reduce((sum, { lamps }) => sum + lamps, 0),
      owed: federation.owed,
      unanswered: federation.unanswered,
    },
    peers: federation.origins.map((origin) => peerRow(origin, peers.get(origin.tag), now)),
    conditions: conditions.map((condition) => conditionRow(condition, now)),
    counters: countersOf(snapshot),
  };
}

export function factsOf(snapshot: Snapshot): Facts {
  const { federation, mesh, asterisk, writesPerSecond, redialMaxMs } = snapshot;
  const freshMs = Math.max(PASSING_MS, 2 * redialMaxMs);
  const peers = new Map(mesh.peers.map((peer) => [peer.peer, peer]));
  return {
    asterisk: {
      up: federation.asteriskUp,
      answers: federation.vouches,
      standsBy: asterisk.standsBy,
      ...(asterisk.why !== undefined && { why: asterisk.why }),
      ...(asterisk.deaf !== undefined && { deaf: asterisk.deaf }),
      ...(asterisk.lacking !== undefined && { lacking: asterisk.lacking }),
    },
    exports: {
      rules: federation.rules,
      size: federation.exports,
      read: federation.exportsRead,
      leftOut: federation.exportsLeftOut,
      namesLamp: federation.namesLamp,
    },
    lamps: {
      owed: federation.owed,
      writesPerSecond,
      refused: federation.refused,
      ...(federation.refusedWhy !== undefined && { refusedWhy: federation.refusedWhy }),
      held: federation.held,
      ...(federation.heldLamp !== undefined && { heldLamp: federation.heldLamp }),
    },
    peers: federation.origins
      .filter(({ former }) => !former)
      .map(({ tag, belief, left, refused }) => {
        const { link, problem } = peers.get(tag) ?? {};
        return {
          tag,
          belief,
          left,
          linked: link !== undefined,
          ...(problem !== undefined && { problem: { ...problem, fresh: problem.agoMs < freshMs } }),
          ...(refused !== undefined && { refusedExtension: refused }),
        };
      }),
  };
}

export function conditionRow({ since, ...row }: Condition, now: number): ConditionRow {
  return { ...row, forSeconds: seconds(now - since) };
}

/** Our exports, then every lamp. */
export function stateRows(pbx: string, federation: Federation): StateRow[] {
  const rows: StateRow[] = federation.exported().map((entry) => ({ pbx, ...shown(entry) }));
  for (const { origin, kind, extension, name, told, desired, written } of federation.lamps()) {
    const lamp = { name, desired: textOf(desired), written: textOf(written) };
    rows.push({ pbx: origin, kind, extension, state: textOf(told), lamp });
  }
  return rows;
}

/** An entry in words. */
export function shown({ kind, extension, state }: Entry): Pick<StateRow, 'kind' | 'extension' | 'state'> {
  return { kind, extension, state: textOf(state) };
}

export function stateText(state: Seen): string {
  return isPresence(state) ? presenceWords(state) : state;
}

function textOf(state: Seen | null | undefined): string | null {
  return state === null || state === undefined ? null : stateText(state);
}

function peerRow(origin: OriginStatus, peer: PeerStatus | undefined, now: number): PeerRow {
  const { link, url } = peer ?? {};
  const problem = latestTrouble(peer);
  return {
    peer: origin.tag,
    belief: origin.belief,
    former: origin.former,
    ...(url !== undefined && { url }),
    ...(link !== undefined && {
      link: {
        transport: link.transport,
        dialled: link.dialled,
        remote: link.remote,
        upForSeconds: seconds(link.upForMs),
        ...(link.roundTripMs !== undefined && { roundTripMs: thousandth(link.roundTripMs) }),
        queueBytes: link.queueBytes,
      },
    }),
    ...(origin.heardAt !== undefined && { heardAgoSeconds: seconds(now - origin.heardAt) }),
    extensions: origin.extensions,
    lamps: origin.lamps,
    owed: origin.owed,
    linksUp: peer?.linksUp ?? 0,
    framesIn: peer?.framesIn ?? 0,
    framesOut: peer?.framesOut ?? 0,
    drops: counts(peer?.drops ?? {}),
    ...(problem !== undefined && {
      problem: { reason: problem.reason, text: problem.text, agoSeconds: seconds(problem.agoMs) },
    }),
  };
}

/** What went wrong last: an attempt, or a link that had been up. */
function latestTrouble(peer: PeerStatus | undefined): PeerStatus['ended'] | PeerStatus['problem'] {
  const { problem, ended } = peer ?? {};
  if (problem === undefined || ended === undefined) return problem ?? ended;
  return ended.agoMs < problem.agoMs ? ended : problem;
}

function countersOf({ federation, mesh, asterisk, reloads }: Snapshot): Counters {
  return {
    changesOut: federation.changesOut,
    changesIn: federation.changesIn,
    writesSent: federation.writesSent,
    writesRefused: federation.writesRefused,
    writesCoalesced: federation.writesCoalesced,
    driftRepairs: federation.driftRepairs,
    relists: asterisk.relists,
    amiSessions: asterisk.sessions,
    framesEncoded: mesh.counters.framesEncoded,
    statesCoalesced: mesh.counters.statesCoalesced,
    framesSkipped: mesh.counters.skippedFrames + mesh.counters.skippedKinds,
    refusals: counts(mesh.counters.refusals),
    reloads: reloads.done,
    reloadsRefused: reloads.refused,
  };
}

function counts(given: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

function seconds(ms: number): number {
  return thousandth(ms / 1_000);
}

/** More digits than this are noise. */
function thousandth(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
