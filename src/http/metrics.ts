/**
 * The metrics of one broker, on a registry of their own: several brokers live in one process in tests. Owns the
 * registry and the three histograms; everything else is read from the status when somebody scrapes. What metrics
 * there are is `metric-list.ts`.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Served, Status } from './contract.ts';
import {
  ECHO_LATENCY,
  LAMP_LATENCY,
  LATENCY_BUCKETS,
  type MetricInfo,
  STATUS_METRICS,
  type StatusMetric,
  WRITE_LATENCY,
} from './metric-list.ts';
import { processMetrics } from './process-metrics.ts';

export { METRICS, type MetricInfo } from './metric-list.ts';

export class Metrics {
  readonly #served: Pick<Served, 'status'>;
  readonly #own = new Registry();
  readonly #all: Registry;
  readonly #write = this.#histogram(WRITE_LATENCY);
  readonly #echo = this.#histogram(ECHO_LATENCY);
  readonly #lamp = this.#histogram(LAMP_LATENCY);
  /** Of the scrape under way: one status for all metrics. */
  #status: Status | undefined;
  #running: Promise<string> | undefined;

  constructor(served: Pick<Served, 'status'>) {
    this.#served = served;
    for (const metric of STATUS_METRICS) this.#add(metric);
    this.#all = Registry.merge([this.#own, processMetrics()]);
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  /** From the Setvar to Asterisk's answer. The three take milliseconds and never throw. */
  observeWrite(ms: number): void {
    observe(this.#write, ms);
  }

  /** From the Setvar to its DeviceStateChange. */
  observeEcho(ms: number): void {
    observe(this.#echo, ms);
  }

  /** From the origin's broker hearing of a change to the answer to the Setvar here. */
  observeLamp(ms: number): void {
    observe(this.#lamp, ms);
  }

  /** The text of a scrape; while one is made, the same for all who ask. Rejects when the status cannot be had. */
  text(): Promise<string> {
    this.#running ??= this.#scrape().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Forgets everything; what is observed after it is lost. */
  close(): void {
    this.#own.clear();
    this.#all.clear();
  }

  async #scrape(): Promise<string> {
    this.#status = this.#served.status();
    try {
      return await this.#all.metrics();
    } finally {
      this.#status = undefined;
    }
  }

  /** Its series are those of the status and no others: what is no more has none. */
  #add({ name, type, labels, help, read }: StatusMetric): void {
    const status = (): Status => this.#status ?? this.#served.status();
    const common = { name, help: `${help}.`, labelNames: [...labels], registers: [this.#own] };
    if (type === 'gauge') {
      new Gauge({
        ...common,
        collect() {
          this.reset();
          for (const [of, value] of read(status())) this.set(of, value);
        },
      });
    } else {
      new Counter({
        ...common,
        collect() {
          this.reset();
          for (const [of, value] of read(status())) this.inc(of, value);
        },
      });
    }
  }

  #histogram({ name, help }: MetricInfo): Histogram {
    return new Histogram({ name, help: `${help}.`, buckets: LATENCY_BUCKETS, registers: [this.#own] });
  }
}

/** Two clocks compared may give a little less than nothing; a time that is none is not counted. */
function observe(histogram: Histogram, ms: number): void {
  if (Number.isFinite(ms)) histogram.observe(Math.max(0, ms) / 1_000);
}
