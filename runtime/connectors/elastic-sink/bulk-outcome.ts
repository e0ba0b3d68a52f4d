import { FunctionError, StoreError } from '../../../lib/errors';
import type { WriteOutcome } from '../../engine/ports/sink';
import type { BulkAnswer, BulkItem } from '../connector';

/** Statuses of an item that the server takes later: it is busy, or a part of it is away. */
const busy: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);
/** Errors that mean the same, whatever their status: a full queue, an index that is closed for writes by a full disk. */
const busyTypes = /(^|_)rejected_execution_exception$|^cluster_block_exception$|^circuit_breaking_exception$/;

/**
 * The outcome of a record by the answer to its item.
 *
 * | status | outcome |
 * |---|---|
 * | 2xx; 409: another delivery has just written the document | stored |
 * | 408, 429, 502, 503, 504, rejected | later |
 * | 400, 404 | letter at once |
 * | others, such as 403 and 500 | failed attempt |
 */
export function outcomeOfItem({ status, type = '', reason = '' }: BulkItem, where: string): WriteOutcome {
  if ((status >= 200 && status < 300) || status === 409) return { is: 'stored' };
  const text = `${where}: ${status} ${type}${reason === '' ? '' : `: ${reason}`}`;
  if (busy.has(status) || busyTypes.test(type)) return { is: 'later', error: new StoreError('store-failed', text) };
  if (status === 400 || status === 404) {
    return { is: 'failed', error: new FunctionError('record-invalid', text), isRetryable: false };
  }
  return { is: 'failed', error: new StoreError('store-failed', text), isRetryable: true };
}

/** The outcome of every record of a request that failed as a whole: a lost connection, a 5xx, a refused login. */
export function outcomeOfRequest(answer: Exclude<BulkAnswer, { is: 'items' }>, address: string): WriteOutcome {
  if (answer.is === 'lost')
    return { is: 'later', error: new StoreError('store-failed', `${address}: ${answer.reason}`) };
  const { status, reason } = answer;
  const hint = status === 401 || status === 403 ? '; check user and password' : '';
  return { is: 'later', error: new StoreError('store-failed', `${address}: ${status} ${reason}${hint}`) };
}

export function isTooLarge({ status }: { readonly status: number }): boolean {
  return status === 413;
}
