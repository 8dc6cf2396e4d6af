/**
 * Actions and their answers in one session. Owns: ActionIDs, what is still unanswered, the wait for each
 * answer, and the rows of lists until they are complete. Knows nothing of what actions mean.
 */
import { randomBytes } from 'node:crypto';
import { type Action, type Encoded, encode, Unwritable } from './encode.ts';
import { MAX_PENDING, MAX_ROWS } from './limits.ts';
import { type Message, told } from './message.ts';

export type Answer =
  | { readonly ok: true; readonly message: Message }
  /** Asterisk said no, or said nothing in time or before the session ended, or was never asked. */
  | { readonly ok: false; readonly kind: 'refused' | 'unanswered' | 'unwritten'; readonly why: string };

/** Asterisk does not let this manager user do it. */
export function isForbidden(answer: Answer): boolean {
  return !answer.ok && answer.kind === 'refused' && /permission denied/i.test(answer.why);
}

/** Asterisk has no such action: its module is not loaded, or it is older than that. */
export function isUnknown(answer: Answer): boolean {
  return !answer.ok && answer.kind === 'refused' && /unknown command/i.test(answer.why);
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly timer: NodeJS.Timeout;
  readonly onRow: ((row: Message) => void) | undefined;
  rows: number;
}

export class Exchange {
  readonly #write: (action: Encoded, id: string) => boolean;
  readonly #pending = new Map<string, Pending>();
  // Some events carry the ActionID of another program's action, so ours must not be guessable by accident.
  readonly #prefix = `hintmesh-${randomBytes(4).toString('hex')}-`;
  #count = 0;
  #over = false;

  /** `write` gives an action to the connection; false when it cannot take it. */
  constructor(write: (action: Encoded, id: string) => boolean) {
    this.#write = write;
  }

  /**
   * Writes one action at once and resolves with its answer; never rejects. With `onRow` the action is a
   * list: each row is given in turn, and the answer comes when it is complete; `timeoutMs` then is the wait
   * for the next row. An answer that is no list is given to `onRow` too: at its place in the stream, which a
   * promise would not keep.
   */
  ask(action: Action, timeoutMs: number, onRow?: (row: Message) => void): Promise<Answer> {
    const refuse = (why: string): Promise<Answer> => Promise.resolve({ ok: false, kind: 'unwritten', why });
    if (this.#over) return refuse('the session has ended');
    if (this.#pending.size >= MAX_PENDING) return refuse(`${MAX_PENDING} actions are unanswered`);
    let encoded: Encoded;
    try {
      encoded = encode(action);
    } catch (error) {
      if (error instanceof Unwritable) return refuse(error.message);
      throw error;
    }
    this.#count += 1;
    const id = `${this.#prefix}${this.#count}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#settle(id, { ok: false, kind: 'unanswered', why: `no answer within ${timeoutMs} ms` });
      }, timeoutMs);
      // Before the write: an answer must never find nobody waiting.
      this.#pending.set(id, { resolve, timer, onRow, rows: 0 });
      if (!this.#write(encoded, id)) {
        this.#settle(id, {
          ok: false,
          kind: 'unwritten',
          why: 'Asterisk does not read what is written to it',
        });
      }
    });
  }

  /** Takes a packet that carries an ActionID: an answer or a row. One that nobody waits for is dropped. */
  deliver(message: Message): void {
    const id = message['actionid'] ?? '';
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (message['response'] !== undefined) this.#answer(id, pending, message);
    else if (pending.onRow && message['event'] !== undefined) this.#row(id, pending, pending.onRow, message);
  }

  /** Everything unanswered, and everything asked from now on, is not answered. */
  end(why: string): void {
    this.#over = true;
    for (const id of [...this.#pending.keys()]) this.#settle(id, { ok: false, kind: 'unanswered', why });
  }

  #answer(id: string, pending: Pending, message: Message): void {
    if (message['response']?.toLowerCase() !== 'success') {
      this.#settle(id, {
        ok: false,
        kind: 'refused',
        why: told(message['message'] ?? 'refused without a reason'),
      });
    } else if (pending.onRow && isListStart(message)) {
      this.#refreshLists();
    } else {
      pending.onRow?.(message);
      this.#settle(id, { ok: true, message });
    }
  }

  #row(id: string, pending: Pending, onRow: (row: Message) => void, message: Message): void {
    this.#refreshLists();
    const list = message['eventlist']?.toLowerCase();
    if (list === 'complete' || (list === undefined && UNMARKED_END.test(message['event'] ?? ''))) {
      this.#settle(id, { ok: true, message });
    } else if (list !== undefined) {
      this.#settle(id, { ok: false, kind: 'unanswered', why: `the list ended with ${told(list)}` });
    } else if (pending.rows >= MAX_ROWS) {
      this.#settle(id, { ok: false, kind: 'unanswered', why: `it has more than ${MAX_ROWS} rows` });
    } else {
      pending.rows += 1;
      onRow(message);
    }
  }

  /** Asterisk carries out actions one after another: a list waits for those before it, however long they are. */
  #refreshLists(): void {
    for (const { onRow, timer } of this.#pending.values()) if (onRow) timer.refresh();
  }

  #settle(id: string, answer: Answer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.resolve(answer);
  }
}

/** Up to 12 not every list says that it is one (apps/app_voicemail.c, `manager_list_voicemail_users`), nor that it ends. */
const UNMARKED_START = /will follow$/i;
const UNMARKED_END = /Complete$/;

function isListStart(message: Message): boolean {
  const list = message['eventlist']?.toLowerCase();
  return list === undefined ? UNMARKED_START.test(message['message'] ?? '') : list === 'start';
}
