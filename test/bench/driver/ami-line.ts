// One AMI session as lean as can be: text out, whole packets in. Owns the socket, the login and what of the events
// comes through; what the text says is others' to find out (scan.ts).
import { connect } from 'node:net';
import { TESTER_USER } from '../../asterisk/asterisk-files.ts';
import { until } from '../../until.ts';
import { wholeUntil } from './scan.ts';

/** A PBX that was killed just now is given time to be back. */
const BACK_MS = 30_000;
const ANSWER_MS = 10_000;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface User {
  readonly username: string;
  readonly secret: string;
}

/** What it hears: nothing; every event of calls and states; of these the ExtensionStatus alone. */
export type Hears = 'nothing' | 'call' | 'ExtensionStatus';

export interface Line {
  readonly open: boolean;
  write(text: string): void;
  close(): void;
}

const FILTER = 'Action: Filter\r\nOperation: Add\r\nFilter: ^Event: ExtensionStatus\r\n\r\n';

/** Logged in and hearing what it is to hear; `take` is given whole packets as latin1. */
export async function openLine(
  where: Address,
  hears: Hears,
  take: (text: string) => void,
  user: User = TESTER_USER,
): Promise<Line> {
  return until(
    `AMI of port ${where.port}`,
    () => tryLine(where, hears, take, user).catch(() => undefined),
    BACK_MS,
  );
}

async function tryLine(
  where: Address,
  hears: Hears,
  take: (text: string) => void,
  { username, secret }: User,
): Promise<Line> {
  const socket = connect(where.port, where.host);
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  let ended = false;
  let begun = '';
  let rest = '';
  let receive = (text: string): void => {
    begun += text;
  };
  socket.on('data', (text: string) => receive(text));
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
  });
  const mask = hears === 'nothing' ? 'off' : 'call';
  const login = `Action: Login\r\nUsername: ${username}\r\nSecret: ${secret}\r\nEvents: ${mask}\r\n\r\n`;
  socket.write(login + (hears === 'ExtensionStatus' ? FILTER : ''));
  const answers = hears === 'ExtensionStatus' ? 2 : 1;
  try {
    await until(
      'the login is answered',
      () => {
        if (ended || begun.includes('Response: Error')) throw new Error(`AMI: ${begun}`);
        return begun.split('Response: Success').length > answers;
      },
      ANSWER_MS,
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
  rest = begun.slice(wholeUntil(begun));
  receive = (text) => {
    const all = rest === '' ? text : rest + text;
    const whole = wholeUntil(all);
    rest = whole === all.length ? '' : all.slice(whole);
    if (whole > 0) take(rest === '' ? all : all.slice(0, whole));
  };
  return {
    get open() {
      return !ended;
    },
    write: (text) => {
      socket.write(text, 'latin1');
    },
    close: () => {
      socket.destroy();
    },
  };
}
