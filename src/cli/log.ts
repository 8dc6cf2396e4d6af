/** The broker's log: JSON lines on stdout. Only what is put into a line is in it: no config, so no secret. */
import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.ts';
import type { Io } from './io.ts';
import { isJournal, withPriority } from './journal.ts';
import { LogOutput } from './log-output.ts';

export type { Logger } from 'pino';

/** `losing` is called at each line that nobody takes. */
export function newLogger({ tag, logLevel }: Config, env: Io['env'], losing: () => void): Logger {
  // Not pino's own destination: that retries a full disk for ever, and again when the process ends.
  const tellLost = (count: number): void => {
    logger.warn({ event: 'log-lines-lost', count }, `${count} log lines were lost: nobody took them`);
  };
  const output = new LogOutput(process.stdout, tellLost, losing);
  const toJournal = isJournal(process.stdout.fd, env);
  const options: LoggerOptions = {
    level: logLevel,
    base: { pbx: tag },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const logger = pino(options, {
    write: (line) => output.write(toJournal ? withPriority(line) : line),
  });
  return logger;
}
