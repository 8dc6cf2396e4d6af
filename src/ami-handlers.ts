/**
 * What the local Asterisk says, as inputs of the core and lines of the log. Owns that translation only; what it makes of
 * the broker is the broker's.
 */
import type { AmiDown, AmiHandlers } from './ami/contract.ts';
import type { Federation, Input } from './core/federation.ts';
import type { DeviceStatus, Listing } from './core/source.ts';
import { ofAmiDown, type Report } from './report.ts';

/** The broker, as its Asterisk sees it. */
export interface AtBroker {
  toAsk: Federation['toAsk'];
  feed(input: Input): void;
  report(report: Report): void;
  /** Before the core is told. */
  asteriskUp(version: string): void;
  asteriskDown(why: AmiDown): void;
  asteriskFailed(why: AmiDown): void;
  /** Another broker with our tag works beside it. */
  stoodBy(): void;
  /** For measuring. */
  echo(status: DeviceStatus): void;
}

export function amiHandlers(broker: AtBroker): AmiHandlers {
  return {
    toAsk: (listed) => broker.toAsk(listed),
    up: (listing, { version, lists }) => {
      broker.asteriskUp(version);
      const fields = { version, lists: lists.join(' '), ...sizesOf(listing) };
      broker.report({ level: 'info', event: 'asterisk-up', text: `Asterisk ${version} is up`, fields });
      broker.feed({ type: 'asteriskUp', listing });
    },
    relisted: (listing) => {
      const text = 'Asterisk was read again';
      broker.report({ level: 'debug', event: 'asterisk-relisted', text, fields: sizesOf(listing) });
      broker.feed({ type: 'asteriskRelisted', listing });
    },
    down: (why) => {
      broker.asteriskDown(why);
      broker.report(ofAmiDown('asterisk-down', why));
      broker.feed({ type: 'asteriskDown' });
    },
    standsBy: ({ text }) => {
      broker.report({ level: 'warn', event: 'standby', text, fields: {} });
      broker.stoodBy();
    },
    failed: (why) => {
      broker.asteriskFailed(why);
      broker.report(ofAmiDown('asterisk-unavailable', why));
    },
    hintChanged: (status) => broker.feed({ type: 'hintChanged', status }),
    deviceChanged: (status) => {
      broker.echo(status);
      broker.feed({ type: 'deviceChanged', status });
    },
    channelChanged: (change) => broker.feed({ type: 'channelChanged', change }),
    presenceChanged: (status) => broker.feed({ type: 'presenceChanged', status }),
    mailboxChanged: (status) => broker.feed({ type: 'mailboxChanged', status }),
    answered: () => broker.feed({ type: 'asteriskAnswered' }),
  };
}

function sizesOf({ hints, devices, channels, presences, mailboxes }: Listing): Record<keyof Listing, number> {
  return {
    hints: hints.length,
    devices: devices.length,
    channels: channels.length,
    presences: presences.length,
    mailboxes: mailboxes.length,
  };
}
