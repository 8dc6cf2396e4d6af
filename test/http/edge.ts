// A StatusServer on a free port, and clients for it: a polite one, and one that writes whatever bytes it likes.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { Metrics } from '../../src/http/metrics.ts';
import { HTTP_BOUNDS, type HttpBounds, StatusServer } from '../../src/http/server.ts';
import { FakeServed, TOKEN } from './served.ts';

export interface Edge {
  readonly served: FakeServed;
  readonly metrics: Metrics;
  readonly server: StatusServer;
  readonly port: number;
}

/** Closed when the test ends. */
export async function edge(
  t: TestContext,
  bounds: Partial<HttpBounds> = {},
  host = '127.0.0.1',
): Promise<Edge> {
  const served = new FakeServed();
  const metrics = new Metrics(served);
  const options = { host, port: 0, token: TOKEN };
  const server = new StatusServer(options, served, metrics, { ...HTTP_BOUNDS, ...bounds });
  await server.start();
  t.after(async () => {
    await server.close();
    metrics.close();
  });
  return { served, metrics, server, port: server.address?.port ?? 0 };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
}

export async function ask(
  port: number,
  path: string,
  { method = 'GET', headers, body }: Asking = {},
): Promise<Answer> {
  const request = http.request({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false,
    headers: headers ?? {},
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

export const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** A raw connection and what came back on it so far. */
export class Wire {
  readonly socket: net.Socket;
  text = '';
  closed = false;
  readonly #closed: Promise<void>;

  constructor(port: number, bytes = '') {
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
    });
    // A reset is one of the answers the tests expect.
    this.socket.on('error', () => {});
    this.socket.on('end', () => this.socket.end());
    this.#closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.closed = true;
        resolve();
      });
    });
    this.socket.write(bytes);
  }

  /** Everything, once the server has hung up. */
  async whole(): Promise<string> {
    await this.#closed;
    return this.text;
  }

  end(): void {
    this.socket.destroy();
  }
}

export const raw = (port: number, bytes: string): Promise<string> => new Wire(port, bytes).whole();

/** The status of the first answer in `text`. */
export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
}

/** The `error` of an answer; throws when it is not the `{error}` that every refusal is. */
export function errorOf(text: string): string {
  const body: unknown = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 1));
  if (typeof body !== 'object' || body === null || !('error' in body)) throw new Error(`no error: ${text}`);
  if (Object.keys(body).length !== 1 || typeof body.error !== 'string') throw new Error(`no error: ${text}`);
  return body.error;
}
