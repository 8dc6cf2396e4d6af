/** What a session was asked and has not answered. Owns the ids, and the limit after which a write counts as refused. */
import { TIMES } from '../../../src/ami/limits.ts';
import type { Message } from '../../../src/ami/message.ts';
import type { AmiRequest } from './ami-session.ts';

export type Answer = (ok: boolean, rows: readonly Message[]) => void;

interface Question {
  readonly isWrite: boolean;
  readonly askedAt: number;
  readonly answer: Answer;
}

export class Questions {
  readonly #open = new Map<number, Question>();
  #ids = 0;

  add({ type }: AmiRequest, now: number, answer: Answer): number {
    this.#ids += 1;
    this.#open.set(this.#ids, { isWrite: type === 'set', askedAt: now, answer });
    return this.#ids;
  }

  /** The id that the next one will have. */
  get nextId(): number {
    return this.#ids + 1;
  }

  isOpen(id: number): boolean {
    return this.#open.has(id);
  }

  get hasWrites(): boolean {
    return [...this.#open.values()].some(({ isWrite }) => isWrite);
  }

  answered(id: number, ok: boolean, rows: readonly Message[]): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.answer(ok, rows);
  }

  /** Writes without an answer for too long; Asterisk may still do them. */
  giveUpLate(now: number): void {
    for (const [id, { isWrite, askedAt }] of this.#open) {
      if (isWrite && askedAt <= now - TIMES.answer) this.answered(id, false, []);
    }
  }

  /** Nothing is answered any more; who waits for a write is told by what is returned. */
  end(): () => void {
    const writes = [...this.#open.values()].filter(({ isWrite }) => isWrite);
    this.#open.clear();
    return () => {
      for (const { answer } of writes) answer(false, []);
    };
  }
}
