/**
 * One attempt to dial a peer, as a whole within one time. Owns the clock of it, the giving up, and that whatever
 * went wrong comes out as a DialError. What is done meanwhile belongs to the protocol.
 */
import { DialError, type PeerAddress, type RefusalReason } from './contract.ts';

/** Thrown by the work of an attempt; the text ends a sentence that begins with the peer's url. */
export class Refused extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, text: string) {
    super(text);
    this.reason = reason;
  }
}

export interface Attempt {
  /** Aborted when the time is over or nobody wants it any more. */
  readonly signal: AbortSignal;
  /** To be set once somebody answers: from then on silence is another fault. */
  answered: boolean;
}

export interface AttemptOptions {
  readonly timeoutMs: number;
  /** Any of them ends the attempt. */
  readonly signals: readonly AbortSignal[];
  /** Any other error than {@link Refused}, in words. */
  readonly explain: (error: unknown, answered: boolean) => Refused;
}

export async function attemptDial<T>(
  peer: PeerAddress,
  { timeoutMs, signals, explain }: AttemptOptions,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const giveUp = () => ending.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  for (const signal of signals) signal.addEventListener('abort', giveUp);
  const attempt: Attempt = { signal: ending.signal, answered: false };
  try {
    if (signals.some((signal) => signal.aborted)) giveUp();
    return await work(attempt);
  } catch (error) {
    const { reason, message } = why(error);
    throw new DialError({ reason, remote: peer.tag, text: `${peer.url ?? peer.tag}: ${message}` });
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', giveUp);
  }

  function why(error: unknown): Refused {
    if (signals.some((signal) => signal.aborted)) return new Refused('unreachable', 'given up');
    if (ending.signal.aborted) {
      const reason = attempt.answered ? 'handshake-timeout' : 'unreachable';
      return new Refused(reason, `no answer within ${timeoutMs} ms`);
    }
    return error instanceof Refused ? error : explain(error, attempt.answered);
  }
}
