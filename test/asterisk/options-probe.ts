// Asks a PBX "are you there" (SIP OPTIONS) again and again, each once only, and counts the answers: what a
// phone's registration or call would meet. In a process of its own, so that a busy test does not miss answers.
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import type { Asterisk } from './asterisk.ts';
import { type Child, start } from './child.ts';
import { parseSip, token, writeRequest } from './sip.ts';

const SELF = fileURLToPath(import.meta.url);
/** After the last question answers are awaited this long. */
const LAST_ANSWER_MS = 5_000;

export interface ProbeResult {
  readonly asked: number;
  readonly answered: number;
  /** Codes other than 200, and how often. */
  readonly refused: Readonly<Record<string, number>>;
  /** Longest time until an answer, ms. */
  readonly slowestMs: number;
}

/** What the probe's process is told to do. */
interface Order {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly everyMs: number;
}

export class OptionsProbe {
  readonly #child: Child;

  constructor(child: Child) {
    this.#child = child;
  }

  /** Begins to ask; `user` must be an endpoint of `pbx`. */
  static async start(pbx: Asterisk, user: string, everyMs = 10): Promise<OptionsProbe> {
    const order: Order = { host: pbx.host, port: pbx.sipPort, user, everyMs };
    const argv = [process.execPath, '--import', 'tsx', SELF, JSON.stringify(order)];
    const probe = new OptionsProbe(start(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await probe.#message();
    return probe;
  }

  #message(): Promise<unknown> {
    const { process, exited } = this.#child;
    return Promise.race([
      new Promise((resolve) => process.once('message', resolve)),
      exited.then(() => Promise.reject(new Error('the OPTIONS probe died'))),
    ]);
  }

  /** Asks no more, waits for the last answers, and tells. */
  async finish(lastAnswerMs = LAST_ANSWER_MS): Promise<ProbeResult> {
    const result = this.#message();
    this.#child.process.send(lastAnswerMs);
    return (await result) as ProbeResult;
  }

  async close(): Promise<void> {
    await this.#child.stop('SIGKILL');
  }
}

function probe({ host, port, user, everyMs }: Order): void {
  const socket = createSocket('udp4');
  const asked = new Map<string, number>();
  const refused: Record<string, number> = {};
  let answered = 0;
  let slowestMs = 0;
  let count = 0;
  socket.on('message', (data) => {
    const { callId, code } = parseSip(data.toString('utf8'));
    const at = asked.get(callId);
    if (at === undefined) return;
    asked.delete(callId);
    slowestMs = Math.max(slowestMs, performance.now() - at);
    if (code === 200) answered += 1;
    else refused[code] = (refused[code] ?? 0) + 1;
  });
  socket.connect(port, host, () => {
    const { address, port: own } = socket.address();
    const timer = setInterval(() => {
      const callId = token();
      asked.set(callId, performance.now());
      count += 1;
      socket.send(
        writeRequest({
          method: 'OPTIONS',
          uri: `sip:${host}:${port}`,
          user,
          fromTag: token(),
          local: `${address}:${own}`,
          callId,
          cseq: 1,
        }),
      );
    }, everyMs);
    process.send?.('begun');
    process.once('message', (lastAnswerMs) => {
      clearInterval(timer);
      const end = performance.now() + Number(lastAnswerMs);
      const wait = setInterval(() => {
        if (asked.size > 0 && performance.now() < end) return;
        clearInterval(wait);
        process.send?.({ asked: count, answered, refused, slowestMs } satisfies ProbeResult, () =>
          process.exit(),
        );
      }, 20);
    });
  });
}

if (process.argv[1] === SELF) probe(JSON.parse(process.argv[2] ?? '{}') as Order);
