/**
 * Makes packets of what Asterisk sends. Owns the bounds on lines and packets, and what counts as a header. Lines end
 * in LF, a CR before it is dropped; an empty line ends a packet (main/manager.c, `astman_send_response_full`).
 *
 * asterisk-manager has a parser, and it is not used: its regular expressions for each header take 7 µs a packet, this
 * takes 1 (docs/performance.md); it takes its lines off a list one by one, so that 64 KiB of empty ones hold the
 * process for seconds; and after `Response: Follows` it swallows all that comes.
 */
import { MAX_LINE, MAX_PACKET, MAX_PACKET_LINES } from './limits.ts';
import type { Message } from './message.ts';

/** Headers that come often, so that they need not be put into lower case each time. */
const KNOWN = new Map(
  [
    ...['Response', 'ActionID', 'Message', 'Event', 'Privilege', 'EventList'],
    ...['Exten', 'Context', 'Hint', 'Status', 'StatusText', 'Device', 'State'],
    ...[
      'Uniqueid',
      'Linkedid',
      'Channel',
      'ChannelState',
      'ChannelStateDesc',
      'SystemName',
      'SequenceNumber',
    ],
  ].map((name) => [name, name.toLowerCase()]),
);

export class Packets {
  /** The beginning of a line whose end has not come yet. */
  #line = '';
  #message: Record<string, string> = Object.create(null);
  #length = 0;
  #lines = 0;

  /**
   * Takes the next characters and gives each packet that is whole, until `take` returns false: then nothing more is
   * wanted. Returns what is too large, as the end of a sentence, or `undefined`.
   */
  feed(text: string, take: (message: Message) => boolean): string | undefined {
    let from = 0;
    for (;;) {
      const lf = text.indexOf('\n', from);
      const end = lf < 0 ? text.length : lf;
      if (this.#line.length + end - from > MAX_LINE) return `a line of more than ${MAX_LINE} characters`;
      let line = this.#line + text.slice(from, end);
      if (this.#length + line.length > MAX_PACKET) return `a packet of more than ${MAX_PACKET} characters`;
      if (lf < 0) {
        this.#line = line;
        return undefined;
      }
      this.#line = '';
      from = lf + 1;
      if (line.charCodeAt(line.length - 1) === CR) line = line.slice(0, -1);
      if (line !== '') {
        this.#header(line);
        if (this.#lines > MAX_PACKET_LINES) return `a packet of more than ${MAX_PACKET_LINES} lines`;
      } else if (this.#lines > 0 && !take(this.#whole())) return undefined;
    }
  }

  /** Of a header that comes several times the last one counts. */
  #header(line: string): void {
    this.#length += line.length + 1;
    this.#lines += 1;
    const colon = line.indexOf(': ');
    const name = colon < 0 ? line : line.slice(0, colon);
    this.#message[KNOWN.get(name) ?? name.trim().toLowerCase()] = colon < 0 ? '' : line.slice(colon + 2);
  }

  #whole(): Message {
    const message = this.#message;
    this.#message = Object.create(null);
    this.#length = 0;
    this.#lines = 0;
    return message;
  }
}

const CR = 13;
