/** What the operating system says when nobody answers, in words for the admin. */

const NO_NAME = 'its name cannot be looked up; check the url of this peer and the DNS';
const NO_WAY = 'there is no way to that address; check the url of this peer and the network';

const NOT_THERE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the broker of this peer running, and is the port right?',
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  EADDRNOTAVAIL: NO_WAY,
  ETIMEDOUT: 'nobody answers there; is the machine up, and does a firewall let the port through?',
};

/** Undefined: the error means something else. */
export function whyUnreachable(error: unknown): string | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  const words = NOT_THERE[code];
  return words && `${words} (${code})`;
}
