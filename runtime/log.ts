import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './engine/ports/host';

/** The documents' levels and pino's. */
const pinoLevels = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/** Writes one line, which may be several of text. */
export type Log = (level: LogLevel, text: string) => void;

/**
 * A logger on stdout at the level of KFLOW_RUNTIME_LOG_LEVEL (DEBUG, INFO, WARNING, ERROR or CRITICAL; default INFO): one
 * JSON object a line, or with KFLOW_LOG_FORMAT=text a line for people.
 */
export function createLog(env: NodeJS.ProcessEnv): Log {
  const level = pinoLevels[env.KFLOW_RUNTIME_LOG_LEVEL as LogLevel] ?? 'info';
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const logger: Logger =
    env.KFLOW_LOG_FORMAT === 'text'
      ? pino(options, textStream())
      : pino({ ...options, formatters: { level: levelWord } });
  return (at, text) => logger[pinoLevels[at]](text);
}

function textStream() {
  const customPrettifiers = { level: (value: unknown) => levelWord(pino.levels.labels[Number(value)] ?? '').level };
  return pretty({ sync: true, colorize: false, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l', customPrettifiers });
}

function levelWord(label: string): { level: string } {
  const word = Object.entries(pinoLevels).find(([, name]) => name === label)?.[0];
  return { level: word ?? label };
}
