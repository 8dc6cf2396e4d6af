/**
 * The export rules: which line of the config speaks of an extension, a hint, a device, a mailbox or a presentity. Owns
 * the shapes of the rules, and that the first line which names something is the one that counts.
 */
import { DeviceMap } from './device-map.ts';
import { firstMatch } from './first-match.ts';
import { saidBy } from './imports.ts';
import { enumerate, type Match } from './match.ts';
import { customPresenceName, type IsLamp, lampDevice, splitLampName } from './names.ts';
import type { Renumber } from './renumber.ts';
import type { HintKey } from './source.ts';

/** What every line of the config's `export` list has. No two rules name the same extension (the config sees to it). */
interface ExportLine {
  readonly match: Match;
  /** What the peers are told that the extension is called; absent: its own name. */
  readonly as?: Renumber;
  /** The tags of the peers that may see it; absent: all. */
  readonly to?: readonly string[];
  /** `file:line:column`, for messages. */
  readonly where: string;
}

export type ExportRule =
  /** The extensions of `context` that `match` names, by their hints. */
  | (ExportLine & { readonly source: 'hint'; readonly context: string })
  /**
   * The extensions that `match` names, by their devices: each template with `{ext}` replaced. A template
   * without `{ext}` stands only beside a match of a single extension.
   */
  | (ExportLine & { readonly source: 'device'; readonly devices: readonly string[] })
  /**
   * The extensions that `match` names, by the channels of their devices, templates as above: for PBXs whose hints
   * and devices do not tell what the calling party does. No channels: NOT_INUSE. Nothing lists such extensions, so
   * `match` has no patterns.
   */
  | (ExportLine & { readonly source: 'channels'; readonly devices: readonly string[] })
  /** The mailboxes of the voicemail context `context` that `match` names: INUSE while there are new messages. */
  | (ExportLine & { readonly source: 'mailbox'; readonly context: string; readonly as: Renumber })
  /** The presence of the extensions that `match` names, by the presentity: a template with `{ext}`. */
  | (ExportLine & { readonly source: 'presence'; readonly presentity: string });

/** The rules that say what an extension is; the others speak of something beside it. */
type ExtensionRule = Extract<ExportRule, { source: 'hint' | 'device' | 'channels' }>;
type MailboxRule = Extract<ExportRule, { source: 'mailbox' }>;

/** What tells a state: a line of the config, and what it told it of (`1001`; of a mailbox, `1001@default`). */
export interface Source {
  readonly rule: ExportRule;
  readonly of: string;
}

export class ExportRules {
  readonly rules: readonly ExportRule[];
  /** Which devices make which extension. */
  readonly devices: DeviceMap;
  /** The same of the devices whose channels count. */
  readonly channelDevices: DeviceMap;
  /** The extensions whose channels are their source: there is no list of those. */
  readonly byChannels: readonly string[];
  /** The hints that the config names one by one. */
  readonly asked: readonly HintKey[];
  readonly #isLamp: IsLamp;
  readonly #extensions: readonly ExtensionRule[];
  /** By their voicemail context. */
  readonly #mailboxes: ReadonlyMap<string, readonly MailboxRule[]>;
  readonly #presenceRules: readonly ExportRule[];
  readonly #presences: readonly { readonly rule: ExportRule; readonly map: DeviceMap }[];

  /** `isLamp`: of lamps without a tag, which only the config can tell from other devices. */
  constructor(rules: readonly ExportRule[], isLamp: IsLamp) {
    this.rules = rules;
    this.#isLamp = isLamp;
    this.#extensions = rules.filter((rule) => rule.source !== 'mailbox' && rule.source !== 'presence');
    const mailboxes = rules.filter((rule) => rule.source === 'mailbox');
    this.#mailboxes = new Map(
      mailboxes.map(({ context }) => [context, mailboxes.filter((rule) => rule.context === context)]),
    );
    const presences = rules.filter((rule) => rule.source === 'presence');
    this.#presenceRules = presences;
    this.#presences = presences.map((rule) => ({
      rule,
      map: new DeviceMap([{ devices: [rule.presentity], match: rule.match }]),
    }));
    this.devices = new DeviceMap(rules.filter((rule) => rule.source === 'device'));
    const byChannels = rules.filter((rule) => rule.source === 'channels');
    this.channelDevices = new DeviceMap(byChannels);
    this.byChannels = byChannels
      .flatMap((rule) => enumerate(rule.match).map((extension) => ({ rule, extension })))
      .filter(({ rule, extension }) => this.ofExtension(extension) === rule)
      .map(({ extension }) => extension);
    this.asked = rules
      .filter((rule) => rule.source === 'hint')
      .flatMap(({ context, match }) => enumerate(match).map((extension) => ({ context, extension })));
  }

  /** Whether these say the same. */
  isSame(rules: readonly ExportRule[]): boolean {
    return saidBy(rules) === saidBy(this.rules);
  }

  ofExtension(extension: string): ExtensionRule | undefined {
    return firstMatch(this.#extensions, extension);
  }

  ofHint({ context, extension }: HintKey): ExportRule | undefined {
    const rule = this.ofExtension(extension);
    return rule?.source === 'hint' && rule.context === context ? rule : undefined;
  }

  /** `1001@default` */
  ofMailbox(mailbox: string): ExportRule | undefined {
    const at = mailbox.lastIndexOf('@');
    const [box, of] = [mailbox.slice(0, at), mailbox.slice(at + 1)];
    return firstMatch(this.#mailboxes.get(of) ?? [], box);
  }

  /** The extension whose presence this presentity is. None for a lamp, which is a peer's. */
  ofPresentity(presentity: string): Source | undefined {
    const name = customPresenceName(presentity);
    if (name !== undefined && (splitLampName(name) || this.#isLamp(lampDevice(name)))) return undefined;
    for (const { rule, map } of this.#presences) {
      const of = map.extensions(presentity).find((extension) => this.#ofPresence(extension) === rule);
      if (of !== undefined) return { rule, of };
    }
    return undefined;
  }

  /** Under these rules, what an earlier rule told. */
  ruleOf({ rule: { source }, of }: Source): ExportRule | undefined {
    if (source === 'mailbox') return this.ofMailbox(of);
    return source === 'presence' ? this.#ofPresence(of) : this.ofExtension(of);
  }

  /** What tells the state of an extension, as a text to compare. */
  sourceOf(extension: string): string | undefined {
    const rule = this.ofExtension(extension);
    return rule && JSON.stringify([rule.source, rule.source === 'hint' ? rule.context : rule.devices]);
  }

  /** A lamp without a tag. */
  isPlainLamp(device: string): boolean {
    return this.#isLamp(device);
  }

  #ofPresence(extension: string): ExportRule | undefined {
    return firstMatch(this.#presenceRules, extension);
  }
}
