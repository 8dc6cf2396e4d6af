// SIP messages as text, as little as a subscribing phone, a softphone and a probe need. Owns reading and writing
// them; has no socket.
import { randomBytes } from 'node:crypto';

export interface SipMessage {
  /** `NOTIFY sip:… SIP/2.0` or `SIP/2.0 200 OK`. */
  readonly start: string;
  /** Of a response: its code; of a request: 0. */
  readonly code: number;
  /** Of a request, and in a response that of its CSeq: `NOTIFY`. */
  readonly method: string;
  readonly callId: string;
  readonly cseq: number;
  /** Every header line, in order, names as they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const SHORT: Readonly<Record<string, string>> = { v: 'via', f: 'from', t: 'to', i: 'call-id', o: 'event' };

export function parseSip(text: string): SipMessage {
  const end = text.indexOf('\r\n\r\n');
  const [start = '', ...lines] = (end < 0 ? text : text.slice(0, end)).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    return [SHORT[name] ?? name, line.slice(colon + 1).trim()];
  });
  const one = (name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';
  const [number = '', method = ''] = one('cseq').split(/\s+/);
  return {
    start,
    code: start.startsWith('SIP/2.0 ') ? Number(start.slice(8, 11)) : 0,
    method,
    callId: one('call-id'),
    cseq: Number(number),
    headers,
    body: end < 0 ? '' : text.slice(end + 4),
  };
}

export function header(message: SipMessage, name: string): string | undefined {
  return message.headers.find(([key]) => key === name)?.[1];
}

export interface Request {
  readonly method: string;
  readonly uri: string;
  /** User part of From. */
  readonly user: string;
  readonly fromTag: string;
  /** `host:port` of the sender. */
  readonly local: string;
  readonly callId: string;
  readonly cseq: number;
  /** Of the dialog, once there is one. */
  readonly toTag?: string;
  /** Of the transaction, for ACK and CANCEL: that of their INVITE; absent: a new one. */
  readonly branch?: string;
  readonly extra?: readonly string[];
  /** SDP. */
  readonly body?: string;
}

/** The last headers of a message and its body. */
function ending(body = ''): string[] {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [...type, `Content-Length: ${Buffer.byteLength(body)}`, '', body];
}

export function writeRequest(request: Request): string {
  const { uri, user, local } = request;
  return [
    `${request.method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${local};branch=${request.branch ?? newBranch()};rport`,
    'Max-Forwards: 70',
    `From: <sip:${user}@${local}>;tag=${request.fromTag}`,
    `To: <${uri}>${request.toTag === undefined ? '' : `;tag=${request.toTag}`}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq} ${request.method}`,
    `Contact: <sip:${user}@${local}>`,
    ...(request.extra ?? []),
    ...ending(request.body),
  ].join('\r\n');
}

/** 200 OK to a request inside a dialog. */
export function writeOk(request: SipMessage): string {
  return writeAnswer(request, '200 OK');
}

/**
 * An answer: the headers that tie it to the request, as they came. `toTag` begins a dialog.
 * `status`: `180 Ringing`; `body`: SDP.
 */
export function writeAnswer(
  request: SipMessage,
  status: string,
  rest: { readonly toTag?: string; readonly contact?: string; readonly body?: string } = {},
): string {
  const tied = request.headers
    .filter(([name]) => ['via', 'from', 'to', 'call-id', 'cseq'].includes(name))
    .map(([name, value]) => {
      const begins = name === 'to' && rest.toTag !== undefined && !value.includes(';tag=');
      return `${name}: ${value}${begins ? `;tag=${rest.toTag}` : ''}`;
    });
  const contact = rest.contact === undefined ? [] : [`Contact: <${rest.contact}>`];
  return [`SIP/2.0 ${status}`, ...tied, ...contact, ...ending(rest.body)].join('\r\n');
}

/** The tag in a From or To header; empty when it has none. */
export function tagOf(value: string | undefined): string {
  return /;tag=([^;\s]+)/.exec(value ?? '')?.[1] ?? '';
}

/** The URI in a Contact header. */
export function uriOf(value: string | undefined): string {
  return /<([^>]+)>/.exec(value ?? '')?.[1] ?? '';
}

/** The prefix is the one RFC 3261 asks for. */
export function newBranch(): string {
  return `z9hG4bK${token()}`;
}

export function token(): string {
  return randomBytes(6).toString('hex');
}
