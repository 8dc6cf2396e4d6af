/**
 * Where the running broker answers: told by --url, by the config, or by what the broker left beside its token. Owns
 * how that is found, also when the config is wrong or was changed since, and how it is explained.
 */
import { visible } from '../config/formats.ts';
import { readHttpAddress } from '../config/http-address.ts';
import { dialledAt } from '../config/listen.ts';
import { isLoopback } from '../config/url.ts';
import { BY_SIGNAL } from './api-failures.ts';
import { Failure, type Io, USAGE } from './io.ts';
import { readToken } from './token.ts';

/** The options of every command that asks the running broker. */
export interface AtBroker {
  readonly config: string;
  readonly url?: string;
  readonly json?: boolean;
}

export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `http://HOST:PORT`, printable. */
  readonly url: string;
  /** Where the address comes from, as the end of a sentence. */
  readonly from: string;
  /** What may make it wrong, without "since the broker started"; absent: nothing that we know. */
  readonly mayDiffer?: string;
}

const URL_SHAPE = /^http:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})\/?$/;
const BRACKETS = /^\[|\]$/g;

export function brokerAddress({ config, url }: AtBroker, io: Io): Address {
  if (url !== undefined) return ofUrl(url);
  const found = readHttpAddress(config, io.env);
  if (!found.ok) throw new Failure(visible(`${found.why}; ${found.cure}`));
  const address = newAddress(found.host, found.port, `http.host and http.port of ${visible(config)}`);
  return { ...address, mayDiffer: 'these were changed' };
}

/**
 * Where the broker takes a command, and what proves that we may give it: a secret in a file that only its user, and
 * root, can read. Whatever --url says, it is not sent to another machine.
 */
export function commandAddress(
  options: AtBroker,
  command: 'reload' | 'leave',
  io: Io,
): { readonly address: Address; readonly token: string } {
  const given = options.url === undefined ? undefined : ofUrl(options.url);
  if (given !== undefined && !isLoopback(given.host)) {
    throw new Failure(
      `--url ${options.url}: the token is only sent to a loopback address; write http://127.0.0.1:PORT, or leave --url out`,
      USAGE,
    );
  }
  const { token, url, file } = readToken(stateDirOf(options, command, io));
  // A name may have two addresses, and somebody else may listen at the other one.
  if (given !== undefined) {
    return { address: given.host === 'localhost' ? { ...given, host: '127.0.0.1' } : given, token };
  }
  if (url === null) {
    const instead = command === 'reload' ? `have it reload with: ${BY_SIGNAL}` : 'restart it with HTTP first';
    throw new Failure(
      `the broker was started with http.enabled: false, so it takes no ${command}; ${instead}`,
    );
  }
  return { address: leftAddress(url, file), token };
}

function leftAddress(url: string, file: string): Address {
  const [, host, port] = URL_SHAPE.exec(url) ?? [];
  if (host === undefined)
    throw new Failure(`${file} holds no address; have the broker write it again: ${BY_SIGNAL}`);
  const address = newAddress(host.replace(BRACKETS, ''), Number(port), `what the broker left in ${file}`);
  return { ...address, mayDiffer: 'state_dir was changed' };
}

function stateDirOf({ config }: AtBroker, command: 'reload' | 'leave', io: Io): string {
  const found = readHttpAddress(config, io.env);
  if (found.stateDir !== undefined) return found.stateDir;
  // Its cure is how to find the address, which is no help to find the token.
  const wrong = found.ok ? '' : found.why;
  const without = command === 'reload' ? `\n  to reload without it: ${BY_SIGNAL}` : '';
  throw new Failure(
    `${visible(wrong)}
  the token for ${command} is in state_dir, and only the config says where that is
  mend the file, put it back as it was, or name another with -c${without}`,
  );
}

function ofUrl(url: string): Address {
  const [, host, port] = URL_SHAPE.exec(url) ?? [];
  if (host === undefined || !URL.canParse(url) || Number(port) < 1) {
    const what = 'is no address of a broker; write http://HOST:PORT, like http://127.0.0.1:7441';
    throw new Failure(`--url ${visible(JSON.stringify(url))} ${what}`, USAGE);
  }
  return newAddress(dialledAt(host.replace(BRACKETS, '')), Number(port), 'what --url says');
}

function newAddress(host: string, port: number, from: string): Address {
  return { host, port, url: visible(urlOf({ host, port })), from };
}

/** `host` as it is dialled: an IPv6 address without brackets. */
export function urlOf({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
