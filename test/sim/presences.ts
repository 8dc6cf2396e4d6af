/**
 * Presence in the simulated Asterisk: what PRESENCE_STATE() takes, the states in AstDB and in the cache, and what they
 * are together (funcs/func_presencestate.c, main/presencestate.c). Raises nothing itself.
 */
import { PRESENCE_WORDS, type PresenceWord } from '../../src/core/presence.ts';

/** What a provider says; texts as they are, not escaped. */
export interface Said {
  readonly word: PresenceWord;
  readonly subtype: string;
  readonly message: string;
}

/** Of several, the one furthest to the right counts (`state_order`, main/presencestate.c). */
const ORDER: readonly PresenceWord[] = ['not_set', 'available', 'unavailable', 'chat', 'away', 'xa', 'dnd'];
/** `ast_presence_state_changed` formats the name into 80 bytes, at the boot only. */
const MAX_RESTORED_NAME = 79;
/** `presence_write` decodes into 256 bytes. */
const MAX_DECODED = 255;
const PREFIX = /^custompresence:/i;

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '?': '\\?',
};

/** `ast_escape_c` (main/utils.c): other control characters stay. */
export function escapeC(text: string): string {
  return text.replace(/[\u0007-\r\\'"?]/g, (character) => ESCAPES[character] ?? character);
}

function decoded(base64: string, max: number): string {
  const bytes = Buffer.from(base64, 'base64');
  const end = bytes.indexOf(0);
  return bytes.subarray(0, Math.min(max, end < 0 ? max : end)).toString();
}

/** `state,subtype,message[,options]` (`parse_data`): a comma in the message begins the options, of which `e` is all. */
function parse(value: string, maxDecoded: number): Said | undefined {
  const [word = '', subtype = '', message = '', options = ''] = value.split(',');
  const known = PRESENCE_WORDS.find((one) => one === word.toLowerCase());
  if (!known || (options !== '' && !options.includes('e'))) return undefined;
  if (options === '') return { word: known, subtype, message };
  return { word: known, subtype: decoded(subtype, maxDecoded), message: decoded(message, maxDecoded) };
}

export class Presences {
  /** AstDB, family CustomPresence: name → value as written. */
  readonly astdb = new Map<string, string>();
  readonly #cache = new Map<string, Said>();

  /** `PRESENCE_STATE(presentity)=value`: what its event says; `undefined`: refused. */
  write(presentity: string, value: string): Said | undefined {
    const name = presentity.replace(PREFIX, '');
    const said = parse(value, MAX_DECODED);
    if (!said || name === '' || name === presentity) return undefined;
    this.astdb.set(name, value);
    this.#cache.set(presentity, said);
    return said;
  }

  /** The boot: out of AstDB, by what stands after the last `/` of the name. What says not_set stays unknown. */
  restore(): void {
    this.#cache.clear();
    for (const key of this.astdb.keys()) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const said = this.#stored(name);
      if (said.word !== 'not_set') {
        this.#cache.set(`CustomPresence:${name}`.slice(0, MAX_RESTORED_NAME), said);
      }
    }
  }

  forget(): void {
    this.#cache.clear();
  }

  /** Of providers joined by `&`; `cached`: what was told counts before AstDB. `undefined`: no such provider. */
  of(providers: string, cached = true): Said | undefined {
    let best: Said | undefined;
    for (const label of providers.split('&')) {
      const said = (cached ? this.#cache.get(label) : undefined) ?? this.#provided(label);
      if (said && (!best || ORDER.indexOf(said.word) > ORDER.indexOf(best.word))) best = said;
    }
    return best;
  }

  /** What PresenceStateList lists. */
  all(): ReadonlyMap<string, Said> {
    return this.#cache;
  }

  #provided(label: string): Said | undefined {
    return PREFIX.test(label) ? this.#stored(label.replace(PREFIX, '')) : undefined;
  }

  #stored(name: string): Said {
    const value = this.astdb.get(name);
    const said = value === undefined ? undefined : parse(value, Number.POSITIVE_INFINITY);
    return said ?? { word: 'not_set', subtype: '', message: '' };
  }
}
