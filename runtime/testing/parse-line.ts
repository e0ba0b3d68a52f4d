import type { Moment } from './interruptions';

export interface ParsedLine {
  readonly kind: 'crash' | 'pause';
  /** Left out: the function that reads the input. */
  readonly function?: string;
  readonly moment: Moment;
}

/**
 * A line between the records of a test's input: `crash`, `crash FUNCTION`, `crash at start`, `crash FUNCTION at output`,
 * `pause`, `pause FUNCTION`. A crash is at the ack unless it says otherwise; a pause always is.
 */
export function parseLine(text: string): ParsedLine | { readonly fault: string } {
  const [, kind, name, moment] = /^(crash|pause)(?: (?!at\b)(\S+))?(?: at (\S+))?$/.exec(text.trim()) ?? [];
  if (kind !== 'crash' && kind !== 'pause') {
    return { fault: `must be a record, "crash" or "pause", got "${text.slice(0, 60)}"` };
  }
  const named = name === undefined ? {} : { function: name };
  if (kind === 'pause') {
    return moment === undefined
      ? { kind, ...named, moment: 'ack' }
      : { fault: 'a pause has no moment: records in process are finished; write "pause"' };
  }
  if (moment === undefined || moment === 'start' || moment === 'output' || moment === 'ack') {
    return { kind, ...named, moment: moment ?? 'ack' };
  }
  return { fault: `crash at start, output or ack, not "${moment}"` };
}
