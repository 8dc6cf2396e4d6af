/**
 * Counts what comes from Asterisk before the library sees it. Owns the bounds on lines and packets, and the
 * number of packets the library must have made of them. Keeps no text.
 */
import { MAX_LINE, MAX_PACKET, MAX_PACKET_LINES } from './limits.ts';

/** Splits lines exactly as the library does: at LF, a CR before it dropped; an empty line ends a packet. */
export class Gauge {
  /** Packets ended so far. */
  packets = 0;
  #line = 0;
  #lineIsOneCr = false;
  #packet = 0;
  #lines = 0;

  /** Takes the next characters; returns what is too large, as the end of a sentence, or `undefined`. */
  feed(text: string): string | undefined {
    let from = 0;
    for (;;) {
      const lf = text.indexOf('\n', from);
      const end = lf < 0 ? text.length : lf;
      if (end > from) {
        this.#lineIsOneCr = this.#line === 0 && end - from === 1 && text[from] === '\r';
        this.#line += end - from;
      }
      if (this.#line > MAX_LINE) return `a line of more than ${MAX_LINE} characters`;
      if (this.#packet + this.#line > MAX_PACKET) return `a packet of more than ${MAX_PACKET} characters`;
      if (lf < 0) return undefined;
      if (this.#line === 0 || this.#lineIsOneCr) {
        this.packets += 1;
        this.#packet = 0;
        this.#lines = 0;
      } else {
        this.#packet += this.#line + 1;
        this.#lines += 1;
        if (this.#lines > MAX_PACKET_LINES) return `a packet of more than ${MAX_PACKET_LINES} lines`;
      }
      this.#line = 0;
      this.#lineIsOneCr = false;
      from = lf + 1;
    }
  }
}
