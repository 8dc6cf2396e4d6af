/**
 * A short session with Asterisk for a command that looks at the rows which lamps have in its database, and takes some
 * of them out. Owns what Asterisk must be asked for that, and in which order. The broker does none of it.
 *
 * A row that is taken out leaves the device as it is: Asterisk keeps its state in memory until it restarts, and goes
 * on listing it (funcs/func_devstate.c; seen on 16.28 and 22.10). After that it is a device nobody ever wrote, which
 * a hint shows as idle. The same of a presence (funcs/func_presencestate.c), which then is `not_set`.
 */
import { NOT_SET } from '../core/presence.ts';
import type { Listing } from '../core/source.ts';
import type { About, AmiOptions } from './contract.ts';
import { type Answer, isForbidden } from './exchange.ts';
import { TIMES, type Times } from './limits.ts';
import { missingWrite } from './reasons.ts';
import { Session } from './session.ts';

/** Who asks, and where. */
export type DatabaseOptions = Pick<AmiOptions, 'host' | 'port' | 'username' | 'secret' | 'tls'>;

/** Asterisk could not be asked, or said no; the message is for the admin, and holds no secret. */
export class DatabaseError extends Error {}

/** Asterisk does not let this user take rows out: nothing was changed by the call. */
export class RemovalForbidden extends DatabaseError {}

/** Whose row: a lamp's, or a presence's. */
export type Lamp = { readonly device: string } | { readonly presentity: string };

export interface Database {
  /**
   * What Asterisk has, read when it had booted. DeviceStateList has a device for each row, PresenceStateList a presence
   * for each that is not `not_set`, its name cut at 79 characters.
   */
  readonly listing: Listing;
  /** Whether Asterisk has a list of presences; else none is in the listing. */
  readonly listsPresences: boolean;
  /** Whether it has a row. Rejects with a {@link DatabaseError}. */
  has(lamp: Lamp): Promise<boolean>;
  /**
   * Takes the row out; `darken`: until Asterisk restarts a lamp shows INVALID and a presence `not_set`, else what it does
   * now. Rejects with a {@link DatabaseError}.
   */
  remove(lamp: Lamp, darken: boolean): Promise<void>;
}

/** How Asterisk says that there is no such row (main/db.c, `manager_dbget`, `manager_dbdel`). */
const NOT_FOUND = /not found/i;
const NOT_DELETED = /could not be deleted/i;

/** Runs `work` in one session of its own. Rejects with a {@link DatabaseError}, or as `work` does. */
export async function inDatabase<T>(
  who: DatabaseOptions,
  work: (database: Database) => Promise<T>,
  times: Times = TIMES,
): Promise<T> {
  // The intervals are those of a broker, which goes on.
  const options: AmiOptions = { ...who, pingEveryMs: 0, relistEveryMs: 0, channels: false };
  let settle = (_read: Read | DatabaseError): void => {};
  const reading = new Promise<Read | DatabaseError>((resolve) => {
    settle = resolve;
  });
  const ignore = (): void => {};
  const session = new Session(
    options,
    {
      toAsk: () => [],
      standsBy: ignore,
      up: (listing, about) => settle({ listing, about }),
      hintChanged: ignore,
      deviceChanged: ignore,
      channelChanged: ignore,
      presenceChanged: ignore,
      mailboxChanged: ignore,
      reloaded: ignore,
      ended: ({ text }) => settle(new DatabaseError(text)),
    },
    times,
    { stoodBy: false },
  );
  session.start();
  try {
    const read = await reading;
    if (read instanceof DatabaseError) throw read;
    if (!read.about.lists.includes('DeviceStateList')) throw new DatabaseError(noDevices(read.about));
    return await work(new SessionDatabase(session, read, options, times));
  } finally {
    session.end({ reason: 'stopped', text: 'the command is done' });
    await session.closed;
  }
}

interface Read {
  readonly listing: Listing;
  readonly about: About;
}

class SessionDatabase implements Database {
  readonly listing: Listing;
  readonly listsPresences: boolean;
  readonly #session: Session;
  readonly #options: AmiOptions;
  readonly #times: Times;

  constructor(session: Session, { listing, about }: Read, options: AmiOptions, times: Times) {
    this.#session = session;
    this.listing = listing;
    this.listsPresences = about.lists.includes('PresenceStateList');
    this.#options = options;
    this.#times = times;
  }

  async has(lamp: Lamp): Promise<boolean> {
    const answer = await this.#ask({ name: 'DBGet', ...lamp });
    if (answer.ok) return true;
    if (answer.kind === 'refused' && NOT_FOUND.test(answer.why)) return false;
    if (isForbidden(answer)) throw new DatabaseError(missingWrite(this.#options, 'DBGet').text);
    throw new DatabaseError(`DBGet: ${answer.why}`);
  }

  async remove(lamp: Lamp, darken: boolean): Promise<void> {
    // First of all: a user who may not do this must not have written the lamp either.
    await this.#delete(lamp);
    if (!darken) return;
    const answer = await this.#ask(
      'device' in lamp
        ? { name: 'Setvar', ...lamp, state: 'INVALID' }
        : { name: 'Setvar', ...lamp, presence: NOT_SET },
    );
    if (!answer.ok) throw new DatabaseError(`Setvar: ${answer.why}`);
    await this.#delete(lamp);
  }

  async #delete(lamp: Lamp): Promise<void> {
    const answer = await this.#ask({ name: 'DBDel', ...lamp });
    if (answer.ok) return;
    if (isForbidden(answer)) throw new RemovalForbidden(mayNotRemove(this.#options));
    // So it is said too when there is none, as somebody else was quicker.
    if (answer.kind === 'refused' && NOT_DELETED.test(answer.why) && !(await this.has(lamp))) return;
    throw new DatabaseError(`DBDel: ${answer.why}`);
  }

  #ask(action: Parameters<Session['ask']>[0]): Promise<Answer> {
    return this.#session.ask(action, this.#times.answer);
  }
}

/** In the core since 13; up to 12 nothing tells which rows there are. */
function noDevices({ version }: About): string {
  return `Asterisk ${version} has no list of its devices (DeviceStateList, since 13), so it cannot be seen which rows lamps have; look with: asterisk -rx 'database show CustomDevstate'`;
}

function mayNotRemove({ username }: AmiOptions): string {
  return `the manager user may not do DBDel, for which Asterisk wants the class system; write write=call,reporting,system in section [${username}] of manager.conf`;
}
