/** `hintmesh watch`: what changes, as it changes, a line each, until it is stopped. Owns the form of the lines. */
import { visible } from '../config/formats.ts';
import type { WatchEvent, WatchLine } from '../http/contract.ts';
import { watchLine } from './answers.ts';
import { follow, misunderstood } from './api.ts';
import { type Address, type AtBroker, brokerAddress } from './broker-address.ts';
import { FAILED, Failure, type Io, OK, whenAborted } from './io.ts';
import { BELIEF_COLOURS, type Paint, paintFor, printableJson, SEVERITY_COLOURS } from './text.ts';

/** Kinds and names up to this width stand in columns; longer ones push the rest aside. */
const KIND_WIDTH = 7;
const NAME_WIDTH = 16;

/** An older broker tells no time. */
type Line = WatchEvent & Partial<Pick<WatchLine, 'at'>>;

export async function watch(options: AtBroker, io: Io): Promise<number> {
  const address = brokerAddress(options, io);
  const stop = io.takeSignals();
  const stopped = whenAborted(stop, false);
  const paint = paintFor(io);
  for await (const line of follow(address, '/api/watch', stop)) {
    // Empty lines only show that the connection works.
    if (line.trim() === '') continue;
    const event = await read(line, address);
    const text = options.json ? printableJson(event) : `${clock(event.at)}  ${eventText(event, paint)}`;
    io.out(text);
    // A reader that is slow slows us down, and one that is gone ends us.
    if (!(await Promise.race([io.flushed(), stopped]))) return OK;
  }
  if (stop.aborted) return OK;
  io.err(`${address.url} ended the watch: the broker stopped`);
  return FAILED;
}

async function read(line: string, address: Address): Promise<Line> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw await misunderstood(address, 'a line is no JSON');
  }
  if (isLastWord(value)) throw new Failure(`${address.url}: ${visible(value.error)}`);
  const wrong = watchLine(value, '');
  if (wrong !== undefined) throw await misunderstood(address, wrong);
  return value as Line;
}

/** Why the broker ends the watch. */
function isLastWord(value: unknown): value is { readonly error: string } {
  return typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'string';
}

/** Local time, hh:mm:ss.mmm; when we heard it, if the broker does not say when it was. */
function clock(at: string | undefined): string {
  const told = new Date(at ?? Number.NaN);
  const time = Number.isNaN(told.getTime()) ? new Date() : told;
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function eventText(event: WatchEvent, paint: Paint): string {
  switch (event.type) {
    case 'export':
      return columns('export', event.extension, visible(stateOf(event, event.state ?? 'no longer exported')));
    case 'lamp':
      return columns('lamp', event.name, visible(stateOf(event, event.state)));
    case 'belief': {
      const to = paint(visible(event.to), BELIEF_COLOURS[event.to]);
      return columns('peer', event.peer, `${visible(event.from)} → ${to}`);
    }
    case 'raised':
    case 'cleared': {
      const { code, severity, subject, text } = event.condition;
      const word = paint(visible(severity), event.type === 'raised' ? SEVERITY_COLOURS[severity] : undefined);
      const about = visible(subject === '' ? code : `${code} ${subject}`);
      return `${event.type.padEnd(KIND_WIDTH)}  ${word} ${about}: ${visible(text)}`;
    }
    default:
      return visible((event as WatchEvent).type);
  }
}

/** Of a device it is the word alone. */
function stateOf({ kind }: { readonly kind: string }, state: string): string {
  return kind === 'device' ? state : `${kind} ${state}`;
}

function columns(kind: string, name: string, rest: string): string {
  return `${kind.padEnd(KIND_WIDTH)}  ${visible(name).padEnd(NAME_WIDTH)}  ${rest}`;
}
