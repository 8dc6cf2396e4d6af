/**
 * How answers look: types, the headers that all have, errors as `{error}`. Owns the bytes of an answer; which answer
 * it is, others decide.
 */
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';

export const JSON_TYPE = 'application/json; charset=utf-8';
export const TEXT_TYPE = 'text/plain; charset=utf-8';
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8';

/** Of every answer. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  Connection: 'close',
} as const;

/** For an answer that is written bit by bit. */
export function begin(response: ServerResponse, type: string): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': type });
  response.flushHeaders();
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: OutgoingHttpHeaders = {},
): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': length, ...more });
  response.end(body);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, JSON_TYPE, `${JSON.stringify(value)}\n`);
}

export function fail(
  response: ServerResponse,
  status: number,
  error: string,
  more: OutgoingHttpHeaders = {},
): void {
  send(response, status, JSON_TYPE, errorLine(error), more);
}

export function errorLine(error: string): string {
  return `${JSON.stringify({ error })}\n`;
}

/** A whole answer for a connection on which no request could be made out. */
export function rawFailure(status: number, error: string): string {
  const body = errorLine(error);
  const headers = { ...HEADERS, 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(body) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n');
}
