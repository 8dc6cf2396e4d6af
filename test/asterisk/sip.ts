// SIP messages as text, as little as a subscribing phone and a probe need. Owns reading and writing them; has
// no socket. Calls are not made with this: SIPp makes them (sipp.ts).
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
  readonly extra?: readonly string[];
}

export function writeRequest(request: Request): string {
  const { uri, user, local } = request;
  return [
    `${request.method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${local};branch=z9hG4bK${token()};rport`,
    'Max-Forwards: 70',
    `From: <sip:${user}@${local}>;tag=${request.fromTag}`,
    `To: <${uri}>${request.toTag === undefined ? '' : `;tag=${request.toTag}`}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq} ${request.method}`,
    `Contact: <sip:${user}@${local}>`,
    ...(request.extra ?? []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** 200 OK to a request inside a dialog: the headers that tie it to the request, as they came. */
export function writeOk(request: SipMessage): string {
  const tied = request.headers
    .filter(([name]) => ['via', 'from', 'to', 'call-id', 'cseq'].includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  return ['SIP/2.0 200 OK', ...tied, 'Content-Length: 0', '', ''].join('\r\n');
}

export function token(): string {
  return randomBytes(6).toString('hex');
}
