/**
 * What a broker must answer for the commands to understand it. Owns the checks of the shapes in
 * http/contract.ts; it may be an older or newer broker, or another program altogether. Words of closed lists
 * (beliefs, states, codes) are taken as they come: a newer broker may have more.
 */
import type {
  ConditionRow,
  PeerRow,
  Reloaded,
  StateRow,
  Status,
  WatchEvent,
  WatchLine,
} from '../http/contract.ts';

/** Where the value is wrong (`peers[1].lamps`), or `undefined` when it is right. */
export type Check = (value: unknown, at: string) => string | undefined;

const text: Check = (value, at) => (typeof value === 'string' ? undefined : at);
const flag: Check = (value, at) => (typeof value === 'boolean' ? undefined : at);
const count: Check = (value, at) => (Number.isFinite(value) && Number(value) >= 0 ? undefined : at);

const maybe =
  (check: Check): Check =>
  (value, at) =>
    value === undefined ? undefined : check(value, at);

const orNull =
  (check: Check): Check =>
  (value, at) =>
    value === null ? undefined : check(value, at);

const each =
  (check: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return at;
    for (const [index, item] of value.entries()) {
      const wrong = check(item, `${at}[${index}]`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

/** What is printed of `T`; other keys are not looked at. */
const shape =
  <T>(checks: { readonly [key in keyof T]?: Check }): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null) return at;
    for (const [key, check] of Object.entries<Check | undefined>(checks)) {
      const wrong = check?.((value as Record<string, unknown>)[key], at === '' ? key : `${at}.${key}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

const link = shape<NonNullable<PeerRow['link']>>({
  transport: text,
  dialled: flag,
  remote: text,
  roundTripMs: maybe(count),
});

const peer = shape<PeerRow>({
  peer: text,
  belief: text,
  former: flag,
  url: maybe(text),
  link: maybe(link),
  heardAgoSeconds: maybe(count),
  extensions: count,
  lamps: count,
  owed: count,
  problem: maybe(shape<NonNullable<PeerRow['problem']>>({ reason: text, text, agoSeconds: count })),
});

const condition = shape<ConditionRow>({
  code: text,
  severity: text,
  subject: text,
  text,
  cure: text,
  forSeconds: count,
});

export const statusAnswer = shape<Status>({
  pbx: text,
  version: text,
  uptimeSeconds: count,
  ready: flag,
  waitingFor: each(text),
  asterisk: shape<Status['asterisk']>({ up: flag, answers: flag, standsBy: flag, version: maybe(text) }),
  exports: count,
  lamps: shape<Status['lamps']>({ known: count, owed: count, unanswered: count }),
  peers: each(peer),
  conditions: each(condition),
});

const lamp = shape<NonNullable<StateRow['lamp']>>({
  name: text,
  desired: orNull(text),
  written: orNull(text),
});

export const statesAnswer = each(
  shape<StateRow>({ pbx: text, kind: text, extension: text, state: orNull(text), lamp: maybe(lamp) }),
);

type EventOf<T extends WatchEvent['type']> = Extract<WatchEvent, { type: T }>;

const EVENTS: Readonly<Record<WatchEvent['type'], Check>> = {
  export: shape<EventOf<'export'>>({ kind: text, extension: text, state: orNull(text) }),
  lamp: shape<EventOf<'lamp'>>({ kind: text, pbx: text, extension: text, name: text, state: text }),
  belief: shape<EventOf<'belief'>>({ peer: text, from: text, to: text }),
  raised: shape<EventOf<'raised' | 'cleared'>>({ condition }),
  cleared: shape<EventOf<'raised' | 'cleared'>>({ condition }),
};

/** An event of a type that this version does not know is right, whatever it holds; an older broker tells no time. */
export const watchLine: Check = (value, at) => {
  const wrong = shape<WatchLine>({ type: text, at: maybe(text) })(value, at);
  if (wrong !== undefined) return wrong;
  const { type } = value as { readonly type: string };
  return Object.hasOwn(EVENTS, type) ? EVENTS[type as WatchEvent['type']](value, at) : undefined;
};

export const reloadAnswer: Check = (value, at) =>
  shape<Reloaded>({ ok: flag })(value, at) ??
  ((value as Reloaded).ok
    ? shape<Extract<Reloaded, { ok: true }>>({ changes: each(text), warnings: maybe(each(text)) })(value, at)
    : shape<Extract<Reloaded, { ok: false }>>({ mistakes: each(text) })(value, at));
