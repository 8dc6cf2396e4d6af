/**
 * One notification to systemd: sd_notify(3), made by the program `systemd-notify`, since Node has no datagram
 * sockets of the kind. Owns the program's environment, its time, and the words when it fails.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { visible } from '../config/formats.ts';
import type { Io } from './io.ts';

/** The program gives systemd 5 s to take a message; past this it is killed. */
export const NOTIFY_TIMEOUT_MS = 10_000;
const PROGRAM = 'systemd-notify';
/** Where Debian has it, should the service have no PATH. */
const PATH = '/usr/bin:/bin';
const MAX_OUTPUT_BYTES = 4_096;
/** Of what the program says. */
const MAX_QUOTED = 200;

/** Sends `NAME=VALUE` texts as one message. Resolves to why it failed, else to `undefined`; never rejects. */
export function notify(
  assignments: readonly string[],
  env: Io['env'],
  timeoutMs: number,
): Promise<string | undefined> {
  const options = {
    // Nothing else: a secret may be in ours.
    env: { NOTIFY_SOCKET: env['NOTIFY_SOCKET'], PATH: env['PATH'] ?? PATH },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
  } as const;
  return new Promise((resolve) => {
    try {
      execFile(PROGRAM, [...assignments], options, (error, _, stderr) =>
        resolve(error === null ? undefined : whyFailed(error, stderr, timeoutMs)),
      );
    } catch (error) {
      resolve((error as NodeJS.ErrnoException).code ?? 'unknown error');
    }
  });
}

function whyFailed({ code, killed }: ExecFileException, stderr: string, timeoutMs: number): string {
  if (String(code) === 'ENOENT')
    return `there is no program ${PROGRAM}: install systemd's, or do not set NOTIFY_SOCKET`;
  if (killed) return `${PROGRAM} took longer than ${timeoutMs / 1_000} s and was killed`;
  const said = visible(stderr.trim().slice(0, MAX_QUOTED));
  return `${PROGRAM} ended with ${code ?? 'a signal'}${said === '' ? '' : `: ${said}`}`;
}
