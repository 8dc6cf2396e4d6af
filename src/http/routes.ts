/**
 * What can be asked: the paths, their methods and what each answers. Owns that table and the index that `GET /`
 * gives of it. Who may ask is `guard.ts`; connections are `server.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Served } from './contract.ts';
import { isAuthorized, pathOf, refusalOf, skipBody } from './guard.ts';
import { MAX_BODY_BYTES, MAX_LISTINGS, MAX_WATCHERS, SCRAPE_SHARED_MS } from './limits.ts';
import { sendList } from './list.ts';
import type { Metrics } from './metrics.ts';
import { begin, fail, NDJSON_TYPE, send, sendJson, TEXT_TYPE } from './reply.ts';
import type { Watchers } from './watch.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  /** For the index. */
  readonly about: string;
  answer(response: ServerResponse, request: IncomingMessage): void | Promise<void>;
}

const NO_TOKEN =
  'this needs `Authorization: Bearer TOKEN`; the token is the first line of the file http.token in state_dir of the config, new at each start';

export class Routes {
  readonly #served: Served;
  readonly #metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly #watchers: Watchers;
  readonly #token: string;
  readonly #routes: ReadonlyMap<string, Route>;
  #scrape: { readonly at: number; readonly text: Promise<string> } | undefined;
  #listings = 0;

  constructor(
    served: Served,
    metrics: Pick<Metrics, 'text' | 'contentType'>,
    watchers: Watchers,
    token: string,
  ) {
    this.#served = served;
    this.#metrics = metrics;
    this.#watchers = watchers;
    this.#token = token;
    this.#routes = new Map(this.#table());
  }

  /** Answers in every case; never rejects. `loopback`: we listen on a loopback address only. */
  async handle(request: IncomingMessage, response: ServerResponse, loopback: boolean): Promise<void> {
    try {
      await this.#handle(request, response, loopback);
    } catch (error) {
      // A mistake of ours. It is told to the client, as nobody else hears of it.
      const why = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else fail(response, 500, `a mistake in hintmesh: ${why.slice(0, 200)}`);
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, loopback: boolean): Promise<void> {
    const path = pathOf(request);
    if (path === undefined) return fail(response, 400, 'the request must name a path that begins with /');
    const refusal = refusalOf(request, path, loopback);
    if (refusal !== undefined) return fail(response, refusal.status, refusal.error);
    const route = this.#routes.get(path);
    if (route === undefined) return fail(response, 404, 'nothing is here; GET / lists what there is');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== route.method) {
      const allow = route.method === 'GET' ? 'GET, HEAD' : route.method;
      return fail(response, 405, `only ${allow} can be asked here`, { Allow: allow });
    }
    if (method === 'POST' && !isAuthorized(request, this.#token)) {
      return fail(response, 401, NO_TOKEN, { 'WWW-Authenticate': 'Bearer' });
    }
    const body = await skipBody(request);
    if (body === 'too-large') {
      return fail(
        response,
        413,
        `the request has a body of more than ${MAX_BODY_BYTES} bytes; none is needed`,
      );
    }
    if (body === 'skipped') await route.answer(response, request);
  }

  *#table(): Generator<[string, Route]> {
    const served = this.#served;
    const get = (about: string, answer: Route['answer']): Route => ({ method: 'GET', about, answer });
    const post = (about: string, answer: Route['answer']): Route => ({ method: 'POST', about, answer });
    yield ['/', get('this list', (response) => send(response, 200, TEXT_TYPE, this.#index()))];
    yield [
      '/metrics',
      get('metrics, in the text format of Prometheus', async (response) =>
        send(response, 200, this.#metrics.contentType, await this.#scraped()),
      ),
    ];
    yield [
      '/healthz',
      get('200 while the process works', (response) => send(response, 200, TEXT_TYPE, 'ok\n')),
    ];
    yield [
      '/readyz',
      get('200 when the broker is ready, else 503; JSON', (response) => this.#ready(response)),
    ];
    yield [
      '/api/status',
      get('everything about this broker', (response) => sendJson(response, 200, served.status())),
    ];
    yield ['/api/peers', get('the peers', (response) => sendJson(response, 200, served.status().peers))];
    yield [
      '/api/conditions',
      get('what is wrong now', (response) => sendJson(response, 200, served.status().conditions)),
    ];
    yield [
      '/api/states',
      get('our extensions and all lamps', (response, request) => this.#states(response, request)),
    ];
    yield [
      '/api/watch',
      get('what changes, one JSON a line', (response, request) => this.#watch(response, request)),
    ];
    yield [
      '/api/reload',
      post('reads the config again; needs the token', (response) => this.#reload(response)),
    ];
    yield ['/api/leave', post('leaves for good; needs the token', (response) => this.#leave(response))];
  }

  #index(): string {
    const lines = [...this.#routes].map(
      ([path, { method, about }]) => `${method.padEnd(4)} ${path.padEnd(15)} ${about}\n`,
    );
    return `hintmesh\n\n${lines.join('')}\n/api/ is served to programs on this machine only.\n`;
  }

  #scraped(): Promise<string> {
    const now = performance.now();
    if (this.#scrape === undefined || now - this.#scrape.at >= SCRAPE_SHARED_MS) {
      this.#scrape = { at: now, text: this.#metrics.text() };
    }
    return this.#scrape.text;
  }

  #ready(response: ServerResponse): void {
    const { ready, waitingFor, conditions } = this.#served.status();
    sendJson(response, ready ? 200 : 503, { ready, waitingFor, conditions });
  }

  async #states(response: ServerResponse, request: IncomingMessage): Promise<void> {
    if (this.#listings >= MAX_LISTINGS) {
      return fail(response, 503, `${MAX_LISTINGS} clients are being given the states already; ask again`);
    }
    this.#listings += 1;
    try {
      await sendList(response, request.method === 'HEAD' ? [] : this.#served.states());
    } finally {
      this.#listings -= 1;
    }
  }

  #watch(response: ServerResponse, request: IncomingMessage): void {
    if (this.#watchers.full) return fail(response, 503, `${MAX_WATCHERS} clients are watching already`);
    if (request.method !== 'HEAD') return this.#watchers.add(response);
    begin(response, NDJSON_TYPE);
    response.end();
  }

  async #reload(response: ServerResponse): Promise<void> {
    // It waits for one that runs already, and reads files: that may take longer than a stall.
    response.socket?.setTimeout(0);
    const reloaded = await this.#served.reload();
    sendJson(response, reloaded.ok ? 200 : 409, reloaded);
  }

  /** Leaves when the answer is out, or the client is gone: leaving ends the process. */
  #leave(response: ServerResponse): void {
    response.once('close', () => this.#served.leave());
    sendJson(response, 202, { leaving: true });
  }
}
