/**
 * Whether a broker is well: what it still waits for after its start, and its conditions as they come and go. Owns
 * when that is looked at. Times are milliseconds of one monotonic clock.
 */
import { type Condition, Conditions, type PassingCode, type ToldCode } from './conditions.ts';
import type { FederationStatus } from './core/federation.ts';
import type { Awaited } from './http/contract.ts';
import { factsOf, type Snapshot } from './status.ts';

/** Conditions are looked for this often. */
export const CONDITIONS_EVERY_MS = 1_000;
/** A tick that comes so much later than it should: the broker had no processor time. */
export const BLOCKED_MS = 500;

export interface ConditionChange {
  readonly type: 'raised' | 'cleared';
  readonly condition: Condition;
}

export class Health {
  readonly #conditions = new Conditions();
  #awaited: readonly Awaited[] = ['asterisk', 'first-sync'];
  #tickedAt: number;
  #updatedAt = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.#tickedAt = now;
  }

  /** What readiness waits for now. What has come is waited for no more: its loss is a condition. */
  awaited({ asteriskUp, origins }: FederationStatus): readonly Awaited[] {
    const waits: Record<Awaited, boolean> = {
      asterisk: !asteriskUp,
      'first-sync': origins.some(({ belief, former }) => belief === 'unheard' && !former),
    };
    this.#awaited = this.#awaited.filter((what) => waits[what]);
    return this.#awaited;
  }

  /** Everything begins anew, as after a start. */
  awaitAll(): void {
    this.#awaited = ['asterisk', 'first-sync'];
  }

  get conditions(): readonly Condition[] {
    return this.#conditions.list();
  }

  tell(code: ToldCode, text: string | undefined): void {
    this.#conditions.tell(code, text);
  }

  happened(code: PassingCode, text: string, now: number): void {
    this.#conditions.happened(code, text, now);
  }

  /** To be called at each tick; true when it is time for {@link update}. */
  isDue(now: number, tickMs: number): boolean {
    const late = now - this.#tickedAt - tickMs;
    this.#tickedAt = now;
    if (late >= BLOCKED_MS) {
      this.happened('event-loop-blocked', `the broker did not run for ${Math.round(late)} ms`, now);
    }
    return now - this.#updatedAt >= CONDITIONS_EVERY_MS;
  }

  update(snapshot: Snapshot, now: number): ConditionChange[] {
    this.#updatedAt = now;
    const { raised, cleared } = this.#conditions.update(factsOf(snapshot), now);
    return [
      ...raised.map((condition) => ({ type: 'raised' as const, condition })),
      ...cleared.map((condition) => ({ type: 'cleared' as const, condition })),
    ];
  }
}
