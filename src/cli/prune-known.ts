/**
 * What `hintmesh prune` knows before it looks at Asterisk. Owns where that comes from: the running broker, or, when
 * none answers, the config and what the state directory remembers, which is less.
 */
import type { Config } from '../config/config.ts';
import { visible } from '../config/formats.ts';
import { readTags } from '../config/tags.ts';
import { ExportRules } from '../core/export-rules.ts';
import { isPlainName } from '../core/imports.ts';
import { type Match, parseMatch } from '../core/match.ts';
import { lampDevice, lampPresentity, splitLampName, whyNotTag } from '../core/names.ts';
import type { StateRow, Status } from '../http/contract.ts';
import { statesAnswer, statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { NoBroker } from './api-failures.ts';
import { type AtBroker, brokerAddress } from './broker-address.ts';
import { Failure, type Io, USAGE } from './io.ts';
import { keyOf } from './prune-found.ts';
import type { Known } from './prune-plan.ts';

/** What the admin says of the past, which nothing remembers. */
export type Said = Pick<Known, 'named' | 'plain'>;

/** The tags of `--tag`. */
export function readTagOptions(tags: readonly string[]): ReadonlySet<string> {
  for (const tag of tags) {
    const why = whyNotTag(tag);
    if (why !== undefined) throw new Failure(`--tag ${visible(JSON.stringify(tag))} ${why}`, USAGE);
  }
  return new Set(tags);
}

/** The names of `--plain`, as under `match:` in the config. */
export function readPlainOptions(items: readonly string[]): Match {
  const parsed = parseMatch(items);
  const refuse = (item: string, why: string): Failure =>
    new Failure(`--plain ${visible(JSON.stringify(item))} ${visible(why)}`, USAGE);
  if (!parsed.ok) {
    const [mistake] = parsed.mistakes;
    throw refuse(items[mistake?.index ?? 0] ?? '', mistake?.why ?? '');
  }
  for (const item of items) {
    const { tag } = splitLampName(item) ?? {};
    if (tag !== undefined) throw refuse(item, `has a tag; all that is left of that PBX goes by --tag ${tag}`);
  }
  return parsed.match;
}

/** Throws a {@link Failure} when that cannot be had, or `said.named` has a tag of somebody who is there. */
export async function whatIsKnown(options: AtBroker, said: Said, config: Config, io: Io): Promise<Known> {
  const found = (await fromBroker(options, config, io)) ?? fromFiles(config, io);
  const known = { ...found, ...said, useOf: usesOf(config) };
  if (known.tag !== config.tag) {
    throw new Failure(
      visible(
        `the broker that answers is ${known.tag}, but the tag in ${config.file} is ${config.tag}; name its own config with -c`,
      ),
    );
  }
  for (const tag of said.named) {
    if (tag === known.tag)
      throw new Failure(`--tag ${tag} is this PBX itself, which writes no lamps of its own`);
    if (known.peers.has(tag)) {
      throw new Failure(
        `--tag ${tag} is a peer; take it out of peers: and reload first, if it is gone for good`,
      );
    }
  }
  return known;
}

type Found = Omit<Known, keyof Said | 'useOf'>;

function usesOf({ export: exports, plainLamps }: Config): Known['useOf'] {
  const rules = new ExportRules(exports, () => false);
  return (kind, name) => {
    if (isPlainName(plainLamps, name)) return 'plain-lamp';
    const isExported =
      kind === 'device'
        ? rules.devices.extensions(lampDevice(name)).length > 0
        : rules.ofPresentity(lampPresentity(name)) !== undefined;
    return isExported ? 'exported' : undefined;
  };
}

/** `undefined`: there is none. */
async function fromBroker(options: AtBroker, config: Config, io: Io): Promise<Found | undefined> {
  if (config.http === undefined && options.url === undefined) {
    sayThatNoneAnswers('http.enabled is false', io);
    return undefined;
  }
  const address = brokerAddress(options, io);
  try {
    const { pbx, asterisk, peers } = (await ask(address, { path: '/api/status' }, statusAnswer)) as Status;
    if (!asterisk.up) {
      const why = asterisk.standsBy
        ? 'stands by for another one: ask that one'
        : 'has no session with Asterisk';
      throw new Failure(
        `the broker at ${address.url} ${why}, so it does not know its lamps; see hintmesh status`,
      );
    }
    const rows = (await ask(address, { path: '/api/states' }, statesAnswer)) as StateRow[];
    return {
      tag: pbx,
      peers: new Map(peers.filter(({ former }) => !former).map(({ peer, belief }) => [peer, belief])),
      former: new Set(peers.filter(({ former }) => former).map(({ peer }) => peer)),
      lamps: new Map(
        rows.flatMap((row) =>
          row.lamp ? [[keyOf({ kind: row.kind, name: row.lamp.name }), row] as const] : [],
        ),
      ),
    };
  } catch (error) {
    // Of a broker that is there and says something else, or hangs, nothing is assumed.
    if (!(error instanceof NoBroker)) throw error;
    sayThatNoneAnswers(`nobody listens at ${address.url}`, io);
    return undefined;
  }
}

function fromFiles({ tag, stateDir, peers }: Config, io: Io): Found {
  const { tags, warning } = readTags(stateDir);
  if (warning !== undefined) io.err(`warning: ${visible(warning)}`);
  const present = new Map(peers.map((peer) => [peer.tag, 'unasked']));
  return { tag, peers: present, former: new Set(tags.filter((each) => each !== tag && !present.has(each))) };
}

function sayThatNoneAnswers(why: string, io: Io): void {
  io.err(
    `no broker can be asked (${why}): lamps of peers are all kept, as only a broker knows which extensions they have
  if one runs, stop it first: it would write what is taken away again`,
  );
}
