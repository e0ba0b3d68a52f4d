import { ConfigError, type KFlowError, StoreError } from '../../../lib/errors';
import type { ApiAnswer } from './api-connection';

/** The parts of a Kubernetes Status that are read. */
interface Status {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/**
 * The error for a failed call, as `apply Deployment team/app`: ConfigError `object-immutable` if the object has to be
 * recreated, ConfigError `config-invalid` if somebody has to correct something first, StoreError `store-failed` if a
 * retry of the call may succeed.
 */
export function refusal(answer: ApiAnswer, call: string): KFlowError {
  const { status, body } = answer;
  const { message = '', details } = body as Status;
  const reasons = details?.causes?.map(({ reason }) => reason) ?? [];
  const advice = adviceFor(status, message, reasons);
  const text = `${call}: ${message || `the server answered ${status}`}; ${advice ?? 'try again, it may pass'}`;
  if (advice === undefined) return new StoreError('store-failed', text, { where: call });
  return new ConfigError(isImmutable(answer) ? 'object-immutable' : 'config-invalid', text, { where: call });
}

/** Whether nothing but what cannot be changed in place stands against an apply: the object would do when made anew. */
export function isImmutable({ status, body }: ApiAnswer): boolean {
  const causes = (body as Status).details?.causes ?? [];
  const stands = /field is immutable|updates to statefulset spec|may not change once set/;
  return status === 422 && causes.length > 0 && causes.every(({ message = '' }) => stands.test(message));
}

/** What to do; undefined when it may pass by itself. */
function adviceFor(status: number, message: string, reasons: readonly (string | undefined)[]): string | undefined {
  if (reasons.includes('NamespaceTerminating')) return undefined;
  if (reasons.includes('FieldManagerConflict')) return 'leave these fields out, or apply with force to take them over';
  if (status === 401) return 'log in again, or choose another context: its credentials are not accepted';
  if (status === 403 && /cannot \S+ resource/.test(message)) return 'grant this right, or choose another context';
  if (status === 403) return 'change the object, or what its namespace allows';
  if (status === 404) return 'make what is missing first';
  // To the server, a field that a schema does not have is an internal error of its patch.
  const isUndeclaredField = message.startsWith('failed to create typed patch object');
  const mayPass = status >= 500 || [408, 409, 410, 429].includes(status);
  return mayPass && !isUndeclaredField ? undefined : 'correct the object';
}
