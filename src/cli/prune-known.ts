/**
 * What `hintmesh prune` knows before it looks at Asterisk. Owns where that comes from: the running broker, or, when
 * none answers, the config and what the state directory remembers, which is less.
 */
import type { Config } from '../config/config.ts';
import { visible } from '../config/formats.ts';
import { readTags } from '../config/tags.ts';
import { whyNotTag } from '../core/names.ts';
import type { StateRow, Status } from '../http/contract.ts';
import { statesAnswer, statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { NoBroker } from './api-failures.ts';
import { type AtBroker, brokerAddress } from './broker-address.ts';
import { Failure, type Io, USAGE } from './io.ts';
import type { Known } from './prune-plan.ts';

/** The tags of `--tag`. */
export function readTagOptions(tags: readonly string[]): ReadonlySet<string> {
  for (const tag of tags) {
    const why = whyNotTag(tag);
    if (why !== undefined) throw new Failure(`--tag ${visible(JSON.stringify(tag))} ${why}`, USAGE);
  }
  return new Set(tags);
}

/** Throws a {@link Failure} when that cannot be had, or `named` has a tag of somebody who is there. */
export async function whatIsKnown(
  options: AtBroker,
  named: ReadonlySet<string>,
  config: Config,
  io: Io,
): Promise<Known> {
  const known = { ...((await fromBroker(options, config, io)) ?? fromFiles(config, io)), named };
  if (known.tag !== config.tag) {
    throw new Failure(
      visible(
        `the broker that answers is ${known.tag}, but the tag in ${config.file} is ${config.tag}; name its own config with -c`,
      ),
    );
  }
  for (const tag of named) {
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

/** `undefined`: there is none. */
async function fromBroker(
  options: AtBroker,
  config: Config,
  io: Io,
): Promise<Omit<Known, 'named'> | undefined> {
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
        rows.flatMap((row) => (row.lamp && row.kind === 'device' ? [[row.lamp.name, row] as const] : [])),
      ),
    };
  } catch (error) {
    // Of a broker that is there and says something else, or hangs, nothing is assumed.
    if (!(error instanceof NoBroker)) throw error;
    sayThatNoneAnswers(`nobody listens at ${address.url}`, io);
    return undefined;
  }
}

function fromFiles({ tag, stateDir, peers }: Config, io: Io): Omit<Known, 'named'> {
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
