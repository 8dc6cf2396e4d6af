/**
 * What `hintmesh prune` looks at: the devices and presences of Asterisk that brokers may have written, and the hints that
 * name them. Owns which those are; whether one was left behind is decided in prune-plan.ts.
 */
import { entryKey, type Kind } from '../core/message.ts';
import {
  customName,
  customPresenceName,
  devicesOfHint,
  isExtension,
  lampDevice,
  lampPresentity,
  MAX_PRESENCE_NAME,
  splitLampName,
} from '../core/names.ts';
import { presenceWords } from '../core/presence.ts';
import type { HintStatus, Listing } from '../core/source.ts';

export interface LampRow {
  readonly kind: Kind;
  /** What stands after `Custom:` or `CustomPresence:`. */
  readonly name: string;
  /** Absent: it has no tag in its name. */
  readonly pbx?: string;
  readonly extension: string;
  /** What Asterisk shows; a presence as `away,subtype,message`. */
  readonly state: string;
}

/** One text for each of them. */
export function keyOf({ kind, name }: Pick<LampRow, 'kind' | 'name'>): string {
  return entryKey(kind, name);
}

/** As Asterisk's database has it. */
export function lampOf({
  kind,
  name,
}: LampRow): { readonly device: string } | { readonly presentity: string } {
  return kind === 'device' ? { device: lampDevice(name) } : { presentity: lampPresentity(name) };
}

/** Brokers write `Custom:` and `CustomPresence:`; who spells them otherwise is somebody else. */
export function foundIn({ devices, presences }: Pick<Listing, 'devices' | 'presences'>): LampRow[] {
  return [
    ...devices.flatMap(({ device, state }) => {
      const name = device.startsWith('Custom:') ? customName(device) : undefined;
      return rowOf('device', name, state);
    }),
    ...presences.flatMap(({ presentity, presence }) => {
      const name = presentity.startsWith('CustomPresence:') ? customPresenceName(presentity) : undefined;
      return rowOf('presence', name, presenceWords(presence));
    }),
  ];
}

/**
 * The presence beside a lamp, when it says `not_set`: after a restart Asterisk lists no such presence (seen on 16.28 and
 * 22.10), and its row stays. Brokers write none with a longer name.
 */
export function unlistedBeside({ state: _, ...lamp }: LampRow): LampRow | undefined {
  if (lamp.kind === 'presence' || lamp.name.length > MAX_PRESENCE_NAME) return undefined;
  return { ...lamp, kind: 'presence', state: 'not_set' };
}

/** By {@link keyOf}: `extension@context` of a hint that names it. */
export function namedByHints(hints: readonly HintStatus[]): ReadonlyMap<string, string> {
  return new Map(
    hints.flatMap(({ hint, extension, context }) =>
      namesIn(hint).map((key) => [key, `${extension}@${context}`] as const),
    ),
  );
}

function rowOf(kind: Kind, name: string | undefined, state: string): LampRow[] {
  if (name === undefined) return [];
  const { extension, tag: pbx } = splitLampName(name) ?? {};
  if (extension !== undefined && pbx !== undefined) return [{ kind, name, pbx, extension, state }];
  return isExtension(name) ? [{ kind, name, extension: name, state }] : [];
}

/** Presence stands after the first `,`, its providers as devices before it (main/pbx.c, `parse_hint_presence`). */
function namesIn(hint: string): string[] {
  const comma = hint.indexOf(',');
  const presentities = comma < 0 ? [] : devicesOfHint(hint.slice(comma + 1));
  return [
    ...namesOf('device', devicesOfHint(hint).map(customName)),
    ...namesOf('presence', presentities.map(customPresenceName)),
  ];
}

function namesOf(kind: Kind, names: readonly (string | undefined)[]): string[] {
  return names.filter((name) => name !== undefined).map((name) => keyOf({ kind, name }));
}
