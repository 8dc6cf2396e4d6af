/**
 * Reading the sessions in test/fixtures/ami that were recorded from real Asterisks, and comparing packets with them.
 * Owns the format of a recording and what is allowed to differ.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Packet } from './client.ts';
import type { MailboxOptions } from './mailboxes.ts';
import type { AmiUser } from './session.ts';

const FIXTURES = new URL('../fixtures/ami/', import.meta.url);

export const fixture = (name: string): string => readFileSync(new URL(name, FIXTURES), 'utf8');

export const recordings = (): string[] => readdirSync(FIXTURES).filter((name) => name.endsWith('.txt'));

/** One thing done, and all that came of it. */
export interface Step {
  readonly line: number;
  /** `! …`: what was done to Asterisk; otherwise `lines` were sent. */
  readonly done: string | undefined;
  readonly lines: string[];
  readonly packets: string[][];
  /** Extension → what its phone was shown last. */
  readonly phones: Map<string, string>;
}

export function parseRecording(text: string): Step[] {
  const steps: Step[] = [];
  let step: Step | undefined;
  let packet: string[] | undefined;
  let sending = false;
  const begin = (line: number, done?: string) => {
    step = { line, done, lines: [], packets: [], phones: new Map() };
    steps.push(step);
    packet = undefined;
  };
  for (const [index, line] of text.split('\n').entries()) {
    const mark = line.slice(0, 1);
    const rest = line.slice(2);
    if (mark === '!') begin(index + 1, rest);
    if (mark === '>' && line === '>') sending = false;
    else if (mark === '>') {
      if (!sending) begin(index + 1);
      sending = true;
      step?.lines.push(rest);
    }
    if (mark === '<' && line === '<') packet = undefined;
    else if (mark === '<') {
      if (!packet) {
        packet = [];
        step?.packets.push(packet);
      }
      packet.push(rest);
      if (rest.startsWith('Asterisk Call Manager/') || rest === '<closed>') packet = undefined;
    }
    if (mark === '~') {
      const [extension, shown] = rest.split(' ');
      step?.phones.set(extension ?? '', shown ?? '');
    }
  }
  return steps;
}

const isAsync = (packet: Packet | undefined) =>
  packet?.some((line) => line.startsWith('Privilege: ')) === true;
const isRow = (packet: Packet) => packet[0]?.startsWith('Event: ') === true && !isAsync(packet);
const isAboutChannel = (packet: Packet) => packet.some((line) => line.startsWith('Uniqueid: '));

const TIMES = /^(Timestamp|Uptime|LastReload|AsteriskVersion|Core\w+(Date|Time)): .*/;
/** 22.10 tells how SIP put the cause, in some Hangups. */
const TECH_CAUSE = 'TechCause: ';
/** Of a channel: who talks to whom, where it is in the dialplan, why it ended. Nothing here reads those. */
const UNREAD =
  /^(CallerID\w+|ConnectedLine\w+|Language|AccountCode|Context|Exten|Priority|Linkedid|Application\w*|Duration|BridgeId|Cause|Cause-txt):.*/;

const ID = /^(Uniqueid: )(.*)/;
const NUMBER = /^(Channel: .*-)([0-9a-f]{8})/;

/** Gives those that are new the next places; they were given in the order of their numbers. */
function count(packets: readonly Packet[], pattern: RegExp, places: Map<string, number>): void {
  const found = packets.flat().map((line) => pattern.exec(line)?.[2]);
  const fresh = new Set(found.filter((text) => text !== undefined && !places.has(text)));
  for (const text of [...fresh].sort(byNumber)) if (text !== undefined) places.set(text, places.size);
}

const byNumber = (a = '', b = '') => a.length - b.length || (a < b ? -1 : 1);

/**
 * Two runs of the same script, one of them the recording. Takes out what is allowed to differ: times, the order of
 * rows inside a list, how the events of different threads (hints, devices, presence,
 * mailboxes, channels) interleave, and of a channel the
 * numbers in its name and id and the values of `UNREAD`. The order inside each thread stays; with `calls`, where the
 * phones of a call act at the same time, only that of each hint, device and channel.
 */
export class Comparable {
  readonly #calls: boolean;
  /** Uniqueid, and number in a channel's name, → which it was, in the order in which they were given. */
  readonly #ids = new Map<string, number>();
  readonly #numbers = new Map<string, number>();

  constructor(calls: boolean) {
    this.#calls = calls;
  }

  /** Of the packets of one step; steps must be given in order. */
  of(packets: readonly Packet[]): string[] {
    count(packets, ID, this.#ids);
    count(packets, NUMBER, this.#numbers);
    const texts = packets.map((packet) => this.#text(packet));
    const result: string[] = [];
    for (let at = 0; at < texts.length; ) {
      const kind = isAsync(packets[at]) ? isAsync : isRow;
      let end = at;
      while (end < texts.length && kind(packets[end] ?? [])) end++;
      if (end === at) result.push(texts[end++] ?? '');
      else if (kind === isRow) result.push(...texts.slice(at, end).sort());
      else result.push(...this.#apart(texts.slice(at, end)));
      at = end;
    }
    return result;
  }

  #text(packet: Packet): string {
    const aboutChannel = isAboutChannel(packet);
    return packet
      .filter((line) => !line.startsWith(TECH_CAUSE))
      .map((line) => {
        const text = line.trimEnd().replace(TIMES, '$1: *');
        return aboutChannel ? this.#ofChannel(text) : text;
      })
      .join(' | ');
  }

  #ofChannel(line: string): string {
    return line
      .replace(ID, (_all, before: string, id: string) => before + this.#ids.get(id))
      .replace(NUMBER, (_all, before: string, n: string) => before + this.#numbers.get(n))
      .replace(UNREAD, '$1: *');
  }

  #apart(run: readonly string[]): string[] {
    const of = (text: string) => (this.#calls ? nameOf(text) : threadOf(text));
    return run.toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
  }
}

const nameOf = (text: string): string =>
  /\| (?:Uniqueid|Device|Hint): [^|]*/.exec(text)?.[0] ?? threadOf(text);

function threadOf(text: string): string {
  if (text.startsWith('Event: DeviceStateChange')) return 'of devices';
  if (text.startsWith('Event: PresenceStateChange')) return 'of presence';
  if (text.startsWith('Event: PresenceStatus')) return 'of presence in hints';
  if (text.startsWith('Event: MessageWaiting')) return 'of mailboxes';
  if (/^Event: Reload .* Module: app_voicemail/.test(text)) return 'of reloads';
  return 'hints and all else';
}

export function hintsOf(conf: string): Record<string, string> {
  return Object.fromEntries(
    [...conf.matchAll(/^exten => ([^,]+),hint,(.*)$/gm)].map((found) => [found[1] ?? '', found[2] ?? '']),
  );
}

/** The mailboxes of a voicemail.conf, each empty. */
export function mailboxesOf(conf: string): Record<string, MailboxOptions> {
  const boxes: Record<string, MailboxOptions> = {};
  let context = '';
  for (const line of conf.split('\n')) {
    context = /^\[(.*)\]/.exec(line)?.[1] ?? context;
    const [, box, fullname, email] = /^(\d+) => \d+,([^,]+),?(.*)$/.exec(line) ?? [];
    if (box !== undefined && fullname !== undefined) {
      boxes[`${box}@${context}`] = { fullname, ...(email ? { email } : {}) };
    }
  }
  return boxes;
}

export function usersOf(conf: string): AmiUser[] {
  return conf.split(/^\[/m).flatMap((section) => {
    const values = (key: string) =>
      [...section.matchAll(new RegExp(`^${key} ?= ?(.*)$`, 'gm'))].map((found) => found[1] ?? '');
    const [secret] = values('secret');
    if (secret === undefined) return [];
    const username = section.slice(0, section.indexOf(']'));
    const single = values('allowmultiplelogin')[0] === 'no';
    const [read = ''] = values('read');
    const [write = ''] = values('write');
    return [{ username, secret, read, write, single, eventfilter: values('eventfilter') }];
  });
}
