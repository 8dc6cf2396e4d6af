/**
 * What may be believed, said and written, told once more and in another way than src/ does: letter by letter, from
 * docs/protocol.md and docs/architecture.md. Owns these checks; imports nothing, so that a mistake of src/ cannot
 * be made here as well.
 */

/** A claim that did not hold. */
export class Broken extends Error {}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const FIRST = `${LOWER}${LOWER.toUpperCase()}${DIGITS}*+#`;
const PRESENCES = ['not_set', 'unavailable', 'available', 'away', 'xa', 'chat', 'dnd'];
const WRITABLE = 'NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING RINGINUSE ONHOLD'.split(' ');
/** `Custom:` and what Asterisk keeps of a device's name, with the NUL: 80. */
const MAX_NAME = 72;

/** action → its headers, sorted. */
const EXPECTED_HEADERS: Readonly<Record<string, string>> = {
  Login: 'Action,ActionID,Events,Secret,Username',
  ...{ Ping: 'Action,ActionID', CoreStatus: 'Action,ActionID', CoreSettings: 'Action,ActionID' },
  ...{ ListCommands: 'Action,ActionID', CoreShowChannels: 'Action,ActionID' },
  ...{ ExtensionStateList: 'Action,ActionID', DeviceStateList: 'Action,ActionID' },
  ...{ PresenceStateList: 'Action,ActionID', VoicemailUsersList: 'Action,ActionID' },
  ExtensionState: 'Action,ActionID,Context,Exten',
  Getvar: 'Action,ActionID,Variable',
  Setvar: 'Action,ActionID,Value,Variable',
};

export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

export function isExtension(text: unknown): text is string {
  if (typeof text !== 'string' || text.length === 0 || text.length >= MAX_NAME) return false;
  return [...text].every((letter, at) => FIRST.includes(letter) || (at > 0 && '._'.includes(letter)));
}

export function isTag(text: string): boolean {
  if (text.length < 2 || text.length >= MAX_NAME || !LOWER.includes(text.charAt(0))) return false;
  const labels = text.split('.');
  return labels.every((label) => label !== '' && [...label].every((c) => `${LOWER}${DIGITS}`.includes(c)));
}

/** What a peer may say of one extension. */
export function claimEntry(entry: { kind: unknown; extension: unknown; state: unknown }): void {
  claim(isExtension(entry.extension), `the extension ${JSON.stringify(entry.extension)}`);
  if (entry.kind === 'presence') {
    if (entry.state !== null) claimPresence(String(entry.state));
    return;
  }
  claim(entry.kind === 'device', `an entry of kind ${JSON.stringify(entry.kind)}`);
  const known = entry.state === null || entry.state === 'UNKNOWN' || WRITABLE.includes(String(entry.state));
  claim(known && (entry.state === null || typeof entry.state === 'string'), `the state ${entry.state}`);
}

/** As the core keeps it: word, subtype, message. */
export function claimPresence(state: string): void {
  const parts: unknown = JSON.parse(state);
  if (!Array.isArray(parts) || parts.length !== 3) throw new Broken(`the presence ${state}`);
  const [word, ...texts]: unknown[] = parts;
  claim(typeof word === 'string' && PRESENCES.includes(word), `the presence state ${word}`);
  for (const text of texts) {
    if (typeof text !== 'string') throw new Broken(`the presence ${state}`);
    claim(Buffer.byteLength(text) <= 255, `a presence with a text of ${text.length} characters`);
    for (const letter of text) {
      const code = letter.codePointAt(0) ?? 0;
      const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;
      claim(!isControl && !(code >= 0xd800 && code < 0xe000), `a presence with U+${code.toString(16)}`);
    }
  }
}

/** A lamp of `EXT*tag`: its tag. A presence has such a name too. */
export function claimLamp(name: string, state: string): string {
  const star = name.lastIndexOf('*');
  const tag = name.slice(star + 1);
  claim(star > 0 && isExtension(name.slice(0, star)) && isTag(tag), `the lamp ${JSON.stringify(name)}`);
  claim(name.length <= MAX_NAME, `a lamp of ${name.length} characters`);
  if (state.startsWith('[')) claimPresence(state);
  else claim(WRITABLE.includes(state), `the state ${JSON.stringify(state)} of a lamp`);
  return tag;
}

/** For a log line or the other side: printable, and short. */
export function claimText(text: string, most: number): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 && code <= 0x7e) continue;
    throw new Broken(`a text with U+${code.toString(16)}: ${JSON.stringify(text.slice(0, 200))}`);
  }
  if (text.length > most) throw new Broken(`a text of ${text.length} characters, more than ${most}`);
}

/**
 * All that was written to Asterisk in one go: whole actions of whole lines, of which each is known. Returns their
 * headers. A line is a line for Asterisk at LF, whatever stands before it.
 */
export function claimActions(bytes: string, tags: readonly string[]): Readonly<Record<string, string>>[] {
  claim(bytes.endsWith('\r\n\r\n'), `half an action: ${JSON.stringify(bytes)}`);
  return bytes
    .slice(0, -4)
    .split('\r\n\r\n')
    .map((action) => claimAction(action, tags));
}

function claimAction(text: string, tags: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of text.split('\r\n')) {
    claimText(line, 1_022);
    const colon = line.indexOf(': ');
    const key = line.slice(0, colon);
    if (colon < 0 || key in headers) throw new Broken(`the line ${line}`);
    headers[key === 'Actionid' ? 'ActionID' : key] = line.slice(colon + 2);
  }
  // The library writes the login in lower case.
  const name = headers['Action'] === 'login' ? 'Login' : (headers['Action'] ?? '');
  const keys = Object.keys(headers).sort().join();
  if (keys !== EXPECTED_HEADERS[name]) throw new Broken(`the headers ${keys} of ${JSON.stringify(name)}`);
  claimVariable(name, headers, tags);
  return headers;
}

function claimVariable(name: string, headers: Record<string, string>, tags: readonly string[]): void {
  if (name !== 'Setvar') return;
  const { Variable: variable = '', Value: value = '' } = headers;
  if (variable.startsWith('HINTMESH_LEASE_')) {
    claim(isTag(variable.slice('HINTMESH_LEASE_'.length)), `the variable ${variable}`);
    claim(/^(free|(held|asked) [A-Za-z0-9_-]{1,64})$/.test(value), `the lease ${value}`);
    return;
  }
  const presence = 'PRESENCE_STATE(CustomPresence:';
  if (variable.startsWith(presence)) {
    const [, word = '', subtype = '', message = ''] =
      /^([a-z_]+),([A-Za-z0-9+/=]*),([A-Za-z0-9+/=]*),e$/.exec(value) ?? [];
    const texts = [subtype, message].map((text) => Buffer.from(text, 'base64').toString());
    const tag = claimLamp(variable.slice(presence.length, -1), JSON.stringify([word, ...texts]));
    claim(variable.endsWith(')') && tags.includes(tag), `the presence ${variable}`);
    return;
  }
  const prefix = 'DEVICE_STATE(Custom:';
  claim(variable.startsWith(prefix) && variable.endsWith(')'), `the variable ${variable}`);
  const tag = claimLamp(variable.slice(prefix.length, -1), value);
  claim(tags.includes(tag), `a lamp of ${tag}, which is no peer`);
}
