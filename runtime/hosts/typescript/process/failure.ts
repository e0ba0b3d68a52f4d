import { inspect } from 'node:util';
import { isNativeError } from 'node:util/types';
import { AckException, TaskError } from '../../../../lib/define/sdk';
import { KFlowError } from '../../../../lib/errors';
import { jsonText } from '../../../../lib/json-text';
import type { Failure, TaskFailure } from '../../../engine/ports/host';

/** Longest texts of a failure, in UTF-16 units. */
const maxType = 200;
const maxMessage = 8_000;
const maxTrace = 16_000;

/** The failure of a record whose function threw this, with the decisions of an AckException. Never throws, whatever was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (!isNativeError(thrown)) return { type: 'Error', message: cut(textOf(thrown), maxMessage) };
  const type = cut(read(() => thrown.constructor.name) || read(() => thrown.name) || 'Error', maxType);
  const message = cut(
    read(() => thrown.message),
    maxMessage,
  );
  const trace =
    thrown instanceof KFlowError
      ? ''
      : cut(
          read(() => thrown.stack),
          maxTrace,
        );
  return { type, message, ...(trace === '' ? {} : { trace }), ...decisionsOf(thrown), ...taskOf(thrown) };
}

/** The decisions of an AckException; none if its methods throw. */
function decisionsOf(thrown: Error): Pick<Failure, 'ack' | 'payloadAsJson'> {
  if (!(thrown instanceof AckException)) return {};
  try {
    return { ack: thrown.shouldAck() === true, payloadAsJson: thrown.payloadAsJson() === true };
  } catch {
    return {};
  }
}

/** What a TaskError says; details that are no JSON as a text. */
function taskOf(thrown: Error): { readonly task?: TaskFailure } {
  if (!(thrown instanceof TaskError)) return {};
  const { code, details, isRetryable, retryAfterMs } = thrown;
  return {
    task: {
      code:
        cut(
          read(() => code),
          maxType,
        ) || 'TaskError',
      ...(details === undefined ? {} : { details: jsonOf(details) }),
      ...(isRetryable ? {} : { isTerminal: true }),
      ...(isTime(retryAfterMs) ? { retryAfterMs: Math.round(retryAfterMs) } : {}),
    },
  };
}

function jsonOf(details: unknown): unknown {
  try {
    return JSON.parse(jsonText('details', details));
  } catch {
    return cut(
      read(() => inspect(details)),
      maxMessage,
    );
  }
}

function isTime(ms: unknown): ms is number {
  return typeof ms === 'number' && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER;
}

/** What was thrown, in one line. */
export function lineOf(thrown: unknown): string {
  const { type, message } = failureOf(thrown);
  return `${type}: ${message}`;
}

function textOf(thrown: unknown): string {
  return read(() => String(thrown)) || `${typeof thrown} without a text`;
}

/** The text that user code's own getters and methods return. */
function read(text: () => unknown): string {
  try {
    const value = text();
    return typeof value === 'string' ? value : value === undefined ? '' : String(value);
  } catch {
    return '';
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}
