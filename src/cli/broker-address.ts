/**
 * Where the running broker answers: told by --url, or by the config it was started with. Owns how that is
 * found, also when the rest of the config is wrong, and how it is explained.
 */
import { visible } from '../config/formats.ts';
import { readHttpAddress } from '../config/http-address.ts';
import { dialledAt } from '../config/listen.ts';
import { isLoopback } from '../config/url.ts';
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
}

const URL_SHAPE = /^http:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})\/?$/;
export function brokerAddress({ config, url }: AtBroker, io: Io): Address {
  if (url !== undefined) return ofUrl(url);
  const found = readHttpAddress(config, io.env);
  if (!found.ok) throw new Failure(visible(found.why));
  return newAddress(found.host, found.port, `http.host and http.port of ${visible(config)}`);
}

/**
 * What proves that we may tell the broker what to do: a secret in a file that only its user, and root, can read.
 * It is not sent to another machine, whatever --url says.
 */
export function brokerToken({ config, url }: AtBroker, io: Io): string {
  if (url !== undefined && !isLoopback(ofUrl(url).host)) {
    throw new Failure(
      `--url ${url} is another machine; a broker takes reload and leave only from its own`,
      USAGE,
    );
  }
  const found = readHttpAddress(config, io.env);
  if (found.ok) return readToken(found.stateDir);
  throw new Failure(
    `the broker's token is in its state_dir, and where that is cannot be read: ${visible(found.why)}`,
  );
}

function ofUrl(url: string): Address {
  const [, host, port] = URL_SHAPE.exec(url) ?? [];
  if (host === undefined || !URL.canParse(url) || Number(port) < 1) {
    const what = 'is no address of a broker; write http://HOST:PORT, like http://127.0.0.1:7441';
    throw new Failure(`--url ${visible(JSON.stringify(url))} ${what}`, USAGE);
  }
  return newAddress(dialledAt(host.replace(/^\[|\]$/g, '')), Number(port), 'what --url says');
}

function newAddress(host: string, port: number, from: string): Address {
  return { host, port, url: visible(`http://${host.includes(':') ? `[${host}]` : host}:${port}`), from };
}
