// Something that listens where a broker should, and answers what a test wants. Owns its end.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after } from 'node:test';
import type { ConditionRow, PeerRow, Status } from '../../src/http/contract.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface FakeBroker {
  readonly url: string;
  readonly port: number;
  /** `METHOD /path` → its answer; others are 404. */
  readonly answers: Map<string, Answer>;
  /** What was asked, with the token that was shown. */
  readonly asked: { readonly what: string; readonly authorization: string | undefined }[];
}

export async function fakeBroker(host = '127.0.0.1'): Promise<FakeBroker> {
  const answers = new Map<string, Answer>();
  const asked: FakeBroker['asked'] = [];
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url}`;
    asked.push({ what, authorization: request.headers.authorization });
    const answer = answers.get(what);
    if (answer) answer(response, request);
    else json({ error: 'nothing is here' }, 404)(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${address.port}`, port: address.port, answers, asked };
}

export function json(value: unknown, status = 200): Answer {
  return text(JSON.stringify(value), status);
}

export function text(body: string, status = 200): Answer {
  return (response) => response.writeHead(status, { connection: 'close' }).end(body);
}

const COUNTERS: Status['counters'] = {
  changesOut: 0,
  changesIn: 0,
  writesSent: 0,
  writesRefused: 0,
  writesCoalesced: 0,
  driftRepairs: 0,
  relists: 0,
  amiSessions: 1,
  framesEncoded: 0,
  statesCoalesced: 0,
  framesSkipped: 0,
  refusals: {},
  reloads: 0,
  reloadsRefused: 0,
};

export function statusOf(overrides: Partial<Status> = {}): Status {
  return {
    pbx: 'msk',
    version: '1.2.3',
    epoch: 'e',
    uptimeSeconds: 200_000,
    ready: true,
    waitingFor: [],
    asterisk: { up: true, answers: true, standsBy: false, version: '22.10.1' },
    exports: 12,
    lamps: { known: 34, owed: 5, unanswered: 6 },
    peers: [],
    conditions: [],
    counters: COUNTERS,
    ...overrides,
  };
}

export function peerOf(overrides: Partial<PeerRow> = {}): PeerRow {
  return {
    peer: 'spb',
    belief: 'live',
    former: false,
    extensions: 7,
    lamps: 8,
    owed: 0,
    linksUp: 1,
    framesIn: 1,
    framesOut: 1,
    drops: {},
    ...overrides,
  };
}

export const LINK: NonNullable<PeerRow['link']> = {
  transport: 'websocket',
  dialled: false,
  remote: '192.0.2.7:40000',
  upForSeconds: 3,
  roundTripMs: 12.4,
  queueBytes: 0,
};

export function conditionOf(overrides: Partial<ConditionRow> = {}): ConditionRow {
  return {
    code: 'peer-gone',
    severity: 'warning',
    subject: 'spb',
    text: 'nobody vouches for the lamps of spb',
    cure: 'look at the broker of that PBX',
    forSeconds: 61,
    ...overrides,
  };
}
