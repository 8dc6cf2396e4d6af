// A broker as the HTTP edge sees it, made up: what it answers is what the test last put there.
import type { PeerRow, Reloaded, Served, StateRow, Status, WatchEvent } from '../../src/http/contract.ts';

export const TOKEN = 'dGhlIHRva2VuIG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXM';

export function peerRow(peer: string, more: Partial<PeerRow> = {}): PeerRow {
  return {
    peer,
    belief: 'live',
    former: false,
    link: {
      transport: 'websocket',
      dialled: true,
      remote: '192.0.2.1:7443',
      upForSeconds: 12.5,
      roundTripMs: 1.5,
      queueBytes: 42,
    },
    heardAgoSeconds: 0.25,
    extensions: 30,
    lamps: 29,
    owed: 2,
    linksUp: 3,
    framesIn: 1_000,
    framesOut: 900,
    drops: { closed: 1, silence: 1 },
    ...more,
  };
}

export const STATUS: Status = {
  pbx: 'msk',
  version: '1.2.3',
  epoch: 'epoch-1',
  uptimeSeconds: 60,
  ready: true,
  waitingFor: [],
  asterisk: { up: true, answers: true, standsBy: false, version: '22.10.1' },
  exports: 17,
  lamps: { known: 58, owed: 4, unanswered: 1 },
  peers: [peerRow('spb'), peerRow('nsk', { belief: 'gone' })],
  conditions: [],
  counters: {
    changesOut: 101,
    changesIn: 102,
    writesSent: 103,
    writesRefused: 104,
    writesCoalesced: 105,
    driftRepairs: 106,
    relists: 107,
    amiSessions: 108,
    framesEncoded: 109,
    statesCoalesced: 110,
    framesSkipped: 111,
    refusals: { unreachable: 7, 'wrong-key': 1 },
    reloads: 112,
    reloadsRefused: 113,
  },
};

export class FakeServed implements Served {
  now: Status = STATUS;
  rows: StateRow[] = [];
  /** What the next reload answers. */
  reloaded: () => Promise<Reloaded> = async () => ({ ok: true, changes: [] });
  reloads = 0;
  left = 0;
  statusCalls = 0;
  readonly listeners = new Set<(event: WatchEvent) => void>();

  status(): Status {
    this.statusCalls += 1;
    return this.now;
  }

  states(): StateRow[] {
    return this.rows;
  }

  watch(listener: (event: WatchEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  reload(): Promise<Reloaded> {
    this.reloads += 1;
    return this.reloaded();
  }

  leave(): void {
    this.left += 1;
  }

  tell(event: WatchEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

export function lampEvent(extension: string): WatchEvent {
  return { type: 'lamp', kind: 'device', pbx: 'spb', extension, name: `${extension}*spb`, state: 'RINGING' };
}

export function stateRows(count: number): StateRow[] {
  return Array.from({ length: count }, (_, index): StateRow => {
    const extension = String(100_000 + index);
    const lamp = { name: `${extension}*spb`, desired: 'NOT_INUSE', written: 'NOT_INUSE' } as const;
    return { pbx: 'spb', kind: 'device', extension, state: 'NOT_INUSE', lamp };
  });
}
