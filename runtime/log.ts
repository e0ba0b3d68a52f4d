import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Log, LogLevel } from './engine/ports/host';

export type { Log };

/** The documents' levels and pino's. */
const pinoLevels = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/** The process that writes a log: the same fields in each of its lines. */
export interface LogOrigin {
  /** `<namespace>/<jobId>` */
  readonly flow?: string;
  readonly function?: string;
  /** Name of the replica: the pod, or `<function>-<number>` on this machine. */
  readonly replica?: string;
}

/** The fields of a line, in the order in which text shows them. */
const subjectFields = ['flow', 'function', 'replica', 'record'] as const;

/** Writes one entry. `about` are more fields of it. */
type Write = (level: LogLevel, text: string, about?: object) => void;

/**
 * A logger on stdout, or on another stream, at the level of KFLOW_RUNTIME_LOG_LEVEL (DEBUG, INFO, WARNING, ERROR or CRITICAL; default INFO): one
 * JSON object a line, or with KFLOW_LOG_FORMAT=text a line for people. Each line has the fields of its origin.
 */
export function createLog(env: NodeJS.ProcessEnv, origin: LogOrigin = {}, stream?: NodeJS.WritableStream): Write {
  const level = pinoLevels[env.KFLOW_RUNTIME_LOG_LEVEL as LogLevel] ?? 'info';
  const options = { level, base: { ...origin }, timestamp: pino.stdTimeFunctions.isoTime };
  const logger: Logger =
    env.KFLOW_LOG_FORMAT === 'text'
      ? pino(options, textStream(stream))
      : pino({ ...options, formatters: { level: levelWord } }, stream);
  return (at, text, about) => {
    if (about === undefined) logger[pinoLevels[at]](text);
    else logger[pinoLevels[at]](about, text);
  };
}

function textStream(destination: NodeJS.WritableStream | undefined) {
  const level = (value: unknown, _key: string, line: object) =>
    `${subjectOf({ ...line })}${levelWord(pino.levels.labels[Number(value)] ?? '').level}`;
  return pretty({
    sync: true,
    ...(destination === undefined ? {} : { destination }),
    colorize: false,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    customPrettifiers: { level },
    hideObject: true,
  });
}

/** `(default/jobx map-0 kflow_default_jobx_list:12) `: a replica on this machine is named after its function. */
function subjectOf(line: { readonly [field: string]: unknown }): string {
  const { function: functionId, replica } = line;
  const isNamedAfter = typeof replica === 'string' && replica.startsWith(`${functionId}-`);
  const shown = subjectFields.filter((field) => line[field] !== undefined && !(isNamedAfter && field === 'function'));
  return shown.length === 0 ? '' : `(${shown.map((field) => line[field]).join(' ')}) `;
}

function levelWord(label: string): { level: string } {
  const word = Object.entries(pinoLevels).find(([, name]) => name === label)?.[0];
  return { level: word ?? label };
}
