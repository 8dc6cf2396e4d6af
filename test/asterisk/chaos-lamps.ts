// Whether the lamps of three PBXs are right: what each origin says of itself now against what the others show now,
// both asked of the Asterisks themselves. Owns the comparison; takes nothing from the broker's own code.
import { ofStatus } from '../sim/federation/laws/words.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { CONTEXT } from './asterisk-files.ts';
import type { Site } from './trio.ts';

/** Questions to one PBX at a time: with many more of any action PJSIP stops answering phones. */
const WINDOW = 32;

/** What the lamps of an origin that is gone show by default. */
export const GONE = 'UNAVAILABLE';

/** What one PBX says at one moment, by extension and by lamp. */
interface Seen {
  readonly own: ReadonlyMap<string, string>;
  readonly lamps: ReadonlyMap<string, string>;
}

/** A lamp that does not show what its origin is. */
export interface Wrong {
  readonly at: string;
  readonly lamp: string;
  readonly shows: string;
  readonly is: string;
}

export class Lamps {
  readonly #sites: readonly Site[];
  readonly #extensions: ReadonlySet<string>;
  #sessions = new Map<string, TestAmi>();

  constructor(sites: readonly Site[], extensions: readonly string[]) {
    this.#sites = sites;
    this.#extensions = new Set(extensions);
  }

  async #session({ tag, pbx }: { tag: string; pbx: Asterisk }): Promise<TestAmi> {
    const open = this.#sessions.get(tag);
    if (open && !open.closed) return open;
    const ami = await pbx.ami();
    await ami.event('FullyBooted');
    await ami.action({ Action: 'Events', EventMask: 'off' });
    this.#sessions.set(tag, ami);
    return ami;
  }

  async #see(site: Site): Promise<Seen> {
    const ami = await this.#session(site);
    const [hints, devices] = await Promise.all([ami.list('ExtensionStateList'), ami.list('DeviceStateList')]);
    const own = hints
      .filter(({ exten = '', context }) => context === CONTEXT && this.#extensions.has(exten))
      .map(({ exten = '', status = '' }) => [exten, stateOf(status)] as const);
    const lamps = devices.map(
      ({ device = '', state = '' }) => [device.replace(/^Custom:/, '').trim(), state] as const,
    );
    return { own: new Map(own), lamps: new Map(lamps) };
  }

  /** Every lamp that is not as its origin; none: all is right. */
  async wrong(): Promise<Wrong[]> {
    const seen = new Map(
      await Promise.all(this.#sites.map(async (site) => [site.tag, await this.#see(site)] as const)),
    );
    const wrong: Wrong[] = [];
    for (const { tag, others } of this.#sites) {
      for (const other of others) {
        for (const extension of this.#extensions) {
          const is = seen.get(other)?.own.get(extension) ?? 'no hint';
          const lamp = `${extension}*${other}`;
          const shows = seen.get(tag)?.lamps.get(lamp) ?? 'nothing';
          if (is !== shows) wrong.push({ at: tag, lamp, shows, is });
        }
      }
    }
    return wrong;
  }

  /** How many lamps of `origin` at `at` show this, by state. */
  async shown(at: Site, origin: string): Promise<ReadonlyMap<string, number>> {
    const { lamps } = await this.#see(at);
    const counts = new Map<string, number>();
    for (const extension of this.#extensions) {
      const state = lamps.get(`${extension}*${origin}`) ?? 'nothing';
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  /** What a phone that subscribes now would be told, where that is not what the origin would tell. */
  async wrongHints(): Promise<Wrong[]> {
    const asked = [...this.#extensions];
    const told = new Map<string, string>();
    const ask = async (site: Site, hint: string): Promise<void> => {
      const ami = await this.#session(site);
      const answer = await ami.action({ Action: 'ExtensionState', Exten: hint, Context: CONTEXT });
      told.set(`${hint} at ${site.tag}`, stateOf(answer['status']));
    };
    await Promise.all(
      this.#sites.map(async (site) => {
        const questions = [
          ...asked,
          ...site.others.flatMap((other) => asked.map((extension) => `${extension}*${other}`)),
        ];
        const work = async (): Promise<void> => {
          for (let hint = questions.shift(); hint !== undefined; hint = questions.shift())
            await ask(site, hint);
        };
        await Promise.all(Array.from({ length: WINDOW }, work));
      }),
    );
    return this.#sites.flatMap(({ tag, others }) =>
      others.flatMap((other) =>
        asked.flatMap((extension) => {
          const lamp = `${extension}*${other}`;
          const is = told.get(`${extension} at ${other}`) ?? 'not told';
          const shows = told.get(`${lamp} at ${tag}`) ?? 'not told';
          return is === shows ? [] : [{ at: tag, lamp, shows, is }];
        }),
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((ami) => ami.close()));
  }
}

/** The state of the device behind an extension of this status. */
function stateOf(status: string | undefined): string {
  return ofStatus(Number(status ?? Number.NaN)) ?? `status ${status}`;
}
