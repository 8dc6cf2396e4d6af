/**
 * Every key of the config: what it is, what it may be, what it is when left out. The only list of keys there
 * is: reading, environment variables, docs and the example are all held against it.
 */
import type { SchemaObj } from 'convict';
import { type FormatName, formatName, type Limits } from './formats.ts';

/** A single value. Values are never repeated by convict (`sensitive`): formats.ts words its own messages. */
export interface Leaf<T> extends SchemaObj<T>, Limits {
  readonly doc: string;
  readonly sensitive: true;
  /** A list of texts, or one text alone. */
  readonly many?: true;
  /** Why this key is refused in the file: it has its environment variable only. */
  readonly notInFile?: string;
}

/** A list of sections. */
export interface ListOf {
  readonly each: Section;
  readonly most: number;
}

export interface Section {
  readonly [key: string]: Leaf<unknown> | ListOf | Section;
}

/** Peers of one broker: the mesh is full, so every broker has a link to each. */
export const MAX_PEERS = 256;
/** Lines of one of the lists `export`, `import` and `plain_lamps`. */
export const MAX_RULES = 1_000;
/** Items of one `match`, and devices or peers of one rule. */
export const MAX_LIST = 10_000;

export const GONE_STATES = ['UNAVAILABLE', 'BUSY', 'INVALID', 'hold'] as const;
export const TRANSPORTS = ['websocket', 'zeromq'] as const;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type GoneStateName = (typeof GONE_STATES)[number];
export type TransportName = (typeof TRANSPORTS)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];

function leaf<T>(format: FormatName, fallback: T | null, doc: string, more: Partial<Leaf<T>> = {}): Leaf<T> {
  return { format: formatName(format), default: fallback, doc, sensitive: true, ...more };
}

function optional(doc: string): Leaf<string> {
  return leaf('text', '', doc, { optional: true });
}

const HOUR = 3_600_000;

/** The keys with one value each; convict lays `HINTMESH_…` variables over these. */
export const scalarSchema = {
  tag: leaf<string>('tag', null, 'the name of this PBX in the federation, the "host" of EXT*host'),
  identity_file: optional('the file that `hintmesh keygen` made, "identity.pem" when left out'),
  state_dir: leaf('text', '/var/lib/hintmesh', 'the folder the broker keeps its memory in'),
  ca_file: optional('a file of CA certificates (PEM) for peers without a fingerprint'),
  insecure: leaf('flag', false, 'whether plaintext ws:// on loopback is allowed'),
  ami: {
    host: leaf('host', '127.0.0.1', 'where Asterisk listens for AMI'),
    port: leaf('whole', 5038, 'the AMI port', { min: 1, max: 65_535 }),
    username: leaf('text', 'hintmesh', 'the user in manager.conf'),
    secret_file: optional('a file that holds the secret of the user in manager.conf'),
    secret: leaf('text', '', 'the secret of the user in manager.conf', {
      optional: true,
      notInFile:
        'a secret has no place in the config file, which is copied and shown around; put it into a file of its own and name that in ami.secret_file, or set HINTMESH_AMI_SECRET',
    }),
    tls: {
      enabled: leaf('flag', false, 'whether AMI is spoken over TLS'),
      ca_file: optional('the certificate (PEM) that proves Asterisk, or its CA'),
      servername: optional("the name in Asterisk's certificate, ami.host when left out"),
      cert_file: optional('our certificate (PEM), if Asterisk asks for one'),
      key_file: optional('the key (PEM) of ami.tls.cert_file'),
    },
  },
  listen: {
    enabled: leaf('flag', true, 'whether peers can dial us'),
    host: leaf('host', '127.0.0.1', 'the address to listen on; 0.0.0.0 or :: for all'),
    port: leaf('whole', 7440, 'the port to listen on', { min: 1, max: 65_535 }),
  },
  http: {
    enabled: leaf('flag', true, 'whether metrics, health and status are served over HTTP'),
    host: leaf('host', '127.0.0.1', 'the address to serve HTTP on'),
    port: leaf('whole', 7441, 'the port to serve HTTP on', { min: 1, max: 65_535 }),
  },
  lamps: {
    gone_state: leaf<GoneStateName>('choice', 'UNAVAILABLE', 'what lamps of a gone PBX show', {
      choices: GONE_STATES,
    }),
    writes_per_second: leaf('rate', 50, 'lamps written a second', { min: 1, max: 100_000 }),
    burst: leaf('whole', 10, 'lamps written at once after a quiet time', { min: 1, max: 10_000 }),
    window: leaf('whole', 32, 'writes that Asterisk has not answered yet', {
      min: 1,
      max: 128,
      because: 'past about 128 unanswered writes PJSIP is overloaded and stops answering phones',
    }),
  },
  timing: {
    alive: leaf('duration', 1_000, 'how often we say that we are alive', { min: 200, max: 30_000 }),
    suspect_after: leaf('duration', 3_000, 'silence after which a peer is suspect', { min: 500, max: HOUR }),
    gone_after: leaf('duration', 15_000, 'how long suspect lasts before gone', {
      min: 1_000,
      max: 24 * HOUR,
    }),
    first_sync: leaf('duration', 15_000, 'how long after the start a peer never heard is gone', {
      min: 1_000,
      max: HOUR,
    }),
    relist: leaf('duration', 300_000, 'how often all hints and devices are read again', {
      min: 10_000,
      max: 24 * HOUR,
    }),
    redial_min: leaf('duration', 200, 'the first wait before dialling again', { min: 50, max: 60_000 }),
    redial_max: leaf('duration', 2_000, 'the longest wait before dialling again', { min: 200, max: 600_000 }),
  },
  log: {
    level: leaf<LogLevel>('choice', 'info', 'the least important lines that are logged', {
      choices: LOG_LEVELS,
    }),
  },
};

/** What every line has that says what extensions are called. */
const mapping = {
  except: leaf<string[]>('texts', [], 'which of these are left out', { many: true }),
  as: optional('what they are called, in quotes, like "7{ext}"; left out, as they are'),
};

export const exportSchema = {
  context: optional('the context whose hints are exported'),
  device: leaf<string[]>('texts', [], 'the device, or devices, an extension stands for', { many: true }),
  channels: leaf<string[]>('texts', [], 'the device, or devices, whose channels make an extension', {
    many: true,
  }),
  mailbox: optional('the voicemail context whose mailboxes are exported'),
  presence: optional('the presentity of an extension, like CustomPresence:{ext}'),
  match: leaf<string[]>('texts', [], 'which extensions are exported', { many: true }),
  ...mapping,
  to: leaf<string[]>('texts', [], 'the tags of the peers that may see them; left out, all', { many: true }),
};

export const importSchema = {
  from: optional("the peer's tag; left out, every peer"),
  match: leaf<string[]>('texts', [], 'which extensions of the peer are taken', { many: true }),
  ...mapping,
};

export const plainSchema = {
  from: leaf<string>('tag', null, "the peer's tag"),
  match: leaf<string[]>('texts', [], 'which extensions of the peer light a lamp without a tag too', {
    many: true,
  }),
  ...mapping,
};

export const peerSchema = {
  tag: leaf<string>('tag', null, "the peer's own tag"),
  url: optional('where to dial the peer; left out, the peer dials us'),
  transport: leaf<TransportName>('choice', 'websocket', 'what the peer is dialled with', {
    choices: TRANSPORTS,
  }),
  fingerprint: optional("what the peer's `hintmesh keygen` printed"),
  curve_key: optional("the peer's key for ZeroMQ, as its `hintmesh keygen` printed it"),
  next_fingerprint: optional('the fingerprint of the identity that the peer is about to take'),
  next_curve_key: optional('the key for ZeroMQ of the identity that the peer is about to take'),
  gone_state: leaf<GoneStateName | ''>('choice', '', "lamps.gone_state for this peer's lamps", {
    choices: GONE_STATES,
    optional: true,
  }),
};

export const rootSchema: Section = {
  ...scalarSchema,
  export: { each: exportSchema, most: MAX_RULES },
  import: { each: importSchema, most: MAX_RULES },
  plain_lamps: { each: plainSchema, most: MAX_RULES },
  peers: { each: peerSchema, most: MAX_PEERS },
};

export function isLeaf(node: Section[string]): node is Leaf<unknown> {
  return 'default' in node && 'doc' in node && typeof node.doc === 'string';
}

export function isListOf(node: Section[string]): node is ListOf {
  return 'each' in node && 'most' in node && typeof node.most === 'number';
}

/** Every leaf with its dotted path, lists of sections left out. */
export function* leavesOf(section: Section, path = ''): Generator<[path: string, leaf: Leaf<unknown>]> {
  for (const [key, node] of Object.entries(section)) {
    if (isLeaf(node)) yield [path + key, node];
    else if (!isListOf(node)) yield* leavesOf(node, `${path}${key}.`);
  }
}
