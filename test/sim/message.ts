/**
 * AMI on the wire, seen from the server: lines out of bytes with Asterisk's limits, headers out of a message,
 * text out of an event. Stateless but for the line buffer; no sockets.
 */

/** `inbuf` of a session less its terminator (main/manager.c, `get_input`): a line fits with 1022 + CRLF. */
const INBUF = 1024;
/** `AST_MAX_MANHEADERS` (include/asterisk/manager.h). */
export const MAX_HEADERS = 128;

export class LineReader {
  #bytes = Buffer.alloc(0);
  /** A line was longer than the buffer; the message it is in must be refused, then this be reset. */
  tooLong = false;

  get buffered(): number {
    return this.#bytes.length;
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** The next line without its end (CRLF or a bare LF), or `undefined` until more bytes come. */
  next(): string | undefined {
    for (;;) {
      const end = this.#bytes.subarray(0, INBUF).indexOf(0x0a);
      if (end >= 0) {
        const cr = end > 0 && this.#bytes[end - 1] === 0x0d ? 1 : 0;
        const line = this.#bytes.subarray(0, end - cr).toString();
        this.#bytes = this.#bytes.subarray(end + 1);
        return line;
      }
      if (this.#bytes.length < INBUF) return undefined;
      this.tooLong = true; // all but the last byte is thrown away: it may be the CR of a CRLF
      this.#bytes = this.#bytes.subarray(INBUF - 1);
    }
  }
}

/** The headers of one action. */
export class Message {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /**
   * The first such header's value without leading blanks ('' when absent); trailing blanks stay, as in
   * `__astman_get_header` (main/manager.c).
   */
  get(name: string): string {
    const prefix = `${name.toLowerCase()}:`;
    const line = this.#lines.find((text) => text.toLowerCase().startsWith(prefix));
    return line === undefined ? '' : line.slice(prefix.length).replace(/^[\x00-\x20]+/, '');
  }
}

export type Fields = ReadonlyArray<readonly [string, string]>;

/** An AMI event before it is text; `class` is what a reader must have in its `read` mask. */
export interface PbxEvent {
  readonly name: string;
  readonly class: 'call' | 'system';
  readonly fields: Fields;
}

/** One packet. */
export function packet(fields: Fields): string {
  return `${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

export function eventText(event: PbxEvent): string {
  return packet([['Event', event.name], ['Privilege', `${event.class},all`], ...event.fields]);
}
