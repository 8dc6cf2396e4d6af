/** The broker's log: JSON lines on stdout. Only what is put into a line is in it: no config, so no secret. */
import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.ts';
import { LogOutput } from './log-output.ts';

export type { Logger } from 'pino';

/** `lost` is told when lines were dropped, once lines arrive again. */
export function newLogger({ tag, logLevel }: Config, lost: (text: string) => void): Logger {
  // Not pino's own destination: that retries a full disk for ever, and again when the process ends.
  const output = new LogOutput(process.stdout, (count) => {
    const text = `${count} log lines were lost: nobody took them`;
    logger.warn({ event: 'log-lines-lost', count }, text);
    lost(text);
  });
  const options: LoggerOptions = {
    level: logLevel,
    base: { pbx: tag },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const logger = pino(options, output);
  return logger;
}
