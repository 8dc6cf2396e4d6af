/**
 * The sentences for the admin: why a session could not begin or ended. Owns the words, each of which says
 * how to mend it. No secrets, and nothing from the network that is not quoted and cut.
 */
import type { AmiDown, AmiOptions } from './contract.ts';
import { quote } from './encode.ts';

/** What Asterisk answers to any action once `core stop gracefully` has begun (main/manager.c, `process_message`). */
export const SHUTTING_DOWN = 'Asterisk is shutting down';

/** Codes of Node's TLS that mean: the other side's certificate was read, and not believed. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|INVALID_CA/;
/** Codes that mean: that is no TLS at all. */
const NO_TLS = /^(EPROTO|ERR_SSL_)/;

/** A socket closed: why, from its error (`undefined`: the other side closed it), before or after the greeting. */
export function connectionFailed(options: AmiOptions, error: Error | undefined, greeted: boolean): AmiDown {
  const where = `${options.host}:${options.port}`;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (options.tls && code.includes('ALERT')) {
    return {
      reason: 'bad-certificate',
      text: `Asterisk's manager port ${where} refused our side of TLS (${code}); if it wants a certificate, give ami.tls.cert and ami.tls.key`,
    };
  }
  if (options.tls && CERTIFICATE.test(code)) {
    return {
      reason: 'bad-certificate',
      text: `the certificate of Asterisk's manager port ${where} is not believed (${code}); give its CA as ami.tls.ca and its name as ami.tls.servername`,
    };
  }
  if (options.tls && NO_TLS.test(code)) {
    return {
      reason: 'not-asterisk',
      text: `${where} does not speak TLS; use the port of tlsbindaddr in manager.conf, or leave ami.tls out`,
    };
  }
  if (greeted) {
    return {
      reason: 'closed',
      text: `Asterisk closed the manager connection${code === '' ? '' : ` (${code})`}`,
    };
  }
  return {
    reason: 'unreachable',
    text: `cannot reach Asterisk's manager port ${where} (${code || 'closed at once'}); is Asterisk running, and does manager.conf say enabled=yes with this port and bindaddr?`,
  };
}

export function unreadablePem(error: unknown): AmiDown {
  const code = (error as NodeJS.ErrnoException).code ?? 'not PEM';
  return {
    reason: 'bad-certificate',
    text: `ami.tls.ca, cert or key cannot be read (${code}); each must be PEM text`,
  };
}

export function noGreeting(options: AmiOptions, seconds: number): AmiDown {
  const kind = options.tls ? 'TLS' : 'plain TCP';
  return {
    reason: 'unreachable',
    text: `${options.host}:${options.port} did not greet like Asterisk's manager port within ${seconds} s; is it the right port, and does it speak ${kind}?`,
  };
}

export function loginFailed(
  options: AmiOptions,
  { kind, why }: { readonly kind: 'refused' | 'unanswered' | 'unwritten'; readonly why: string },
  seconds: number,
): AmiDown {
  if (kind === 'unanswered') {
    return { reason: 'login-timeout', text: `Asterisk did not answer the login within ${seconds} s` };
  }
  if (kind === 'unwritten') {
    return { reason: 'login-refused', text: `Hintmesh cannot log in to Asterisk: ami ${why}` };
  }
  const mend = /in use/i.test(why)
    ? 'give Hintmesh a manager user of its own, or write allowmultiplelogin=yes in its section of manager.conf'
    : 'check ami.username and the secret (ami.secret_file or HINTMESH_AMI_SECRET) against its section in manager.conf, and permit= and deny= there';
  return {
    reason: 'login-refused',
    text: `Asterisk refused the login of manager user ${quote(options.username)} (${quote(why)}); ${mend}`,
  };
}

export function shutDown(): AmiDown {
  return { reason: 'closed', text: 'Asterisk is shutting down' };
}

export function stillBooting(options: AmiOptions): AmiDown {
  return {
    reason: 'still-booting',
    text: `Asterisk took the login but has not said FullyBooted yet, so it is probably still starting; if this lasts, write read=call,system in section [${options.username}] of manager.conf`,
  };
}

export function noFullyBooted(options: AmiOptions): AmiDown {
  return {
    reason: 'no-fully-booted',
    text: `Asterisk has been up for long but does not say FullyBooted to this manager user; write read=call,system in section [${options.username}] of manager.conf`,
  };
}

export function missingRead(options: AmiOptions): AmiDown {
  return {
    reason: 'missing-events',
    text: `states change but no event tells; write read=call,system in section [${options.username}] of manager.conf`,
  };
}

export function missingChannelEvents(options: AmiOptions): AmiDown {
  return {
    reason: 'missing-channel-events',
    text: `channels come and go but no event tells; in section [${options.username}] of manager.conf let eventfilter pass ^Event: (Newchannel|Newstate|Rename|Hold|Unhold|Hangup) too, and write read=call,system`,
  };
}

export function missingPresenceEvents(options: AmiOptions): AmiDown {
  return {
    reason: 'missing-presence-events',
    text: `presence changes but no event tells; in section [${options.username}] of manager.conf let eventfilter pass ^Event: PresenceStateChange too, and write read=call,system`,
  };
}

export function missingWrite(options: AmiOptions, action: string): AmiDown {
  return {
    reason: 'missing-privilege',
    text: `the manager user may not do ${action}; write write=call,reporting in section [${options.username}] of manager.conf`,
  };
}

export function missingModule(module: string, without: string): AmiDown {
  return {
    reason: 'missing-module',
    text: `Asterisk has no ${without}; load ${module} (modules.conf: load=${module}.so)`,
  };
}

/** Lines of the config's export, by the key they begin with. */
export type Lines = 'device' | 'presence' | 'mailbox';

function nothingOf(of: Lines): string {
  return `so the \`${of}:\` lines in export of the config export nothing`;
}

/** It has no `list`, which only these lines need. */
export function lackingList(list: string, of: Lines, module: string): string {
  return `Asterisk has no ${list}, ${nothingOf(of)}; load ${module} (modules.conf: load=${module}.so)`;
}

/** The manager user may not do `list`, which only these lines need. */
export function lackingRight(options: AmiOptions, list: string, of: Lines): string {
  return `the manager user may not do ${list}, ${nothingOf(of)}; write write=call,reporting in section [${options.username}] of manager.conf`;
}

/** It is older than the events that these lines need. */
export function lackingEvent(version: string, of: 'device' | 'presence'): string {
  const [event, instead] =
    of === 'device'
      ? ['DeviceStateChange', 'take those extensions from hints (context:) or from channels:']
      : ['PresenceStateChange', 'take those lines out'];
  return `Asterisk ${version} has no ${event} (that came with 13), ${nothingOf(of)}; ${instead}`;
}

export function listFailed(what: string, why: string): AmiDown {
  return { reason: 'list-failed', text: `${what} could not be read: ${why}` };
}

export function standby(tag: string): AmiDown {
  return {
    reason: 'standby',
    text: `another broker with the tag ${tag} works beside this Asterisk; this one stands by`,
  };
}

export function noLease(why: string): AmiDown {
  return {
    reason: 'no-lease',
    text: `it could not be found out whether another broker works beside this Asterisk: ${why}`,
  };
}

export function pingTimeout(seconds: number): AmiDown {
  return { reason: 'ping-timeout', text: `Asterisk did not answer a Ping within ${seconds} s` };
}
