import { ConfigError, type KFlowError, StoreError } from '../../../../lib/errors';
import { secretsRole } from '../../../../lib/plan/controller-requirements';
import type { ApiAnswer } from './api-connection';

/** The fields of a Kubernetes Status that KFlow reads. */
interface Status {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/**
 * The error for a failed call, such as `apply Deployment team/app`: ConfigError `object-immutable` if the object has to be
 * recreated, ConfigError `config-invalid` if somebody has to correct something first, StoreError `store-failed` if a
 * retry of the call may succeed.
 */
export function refusal(answer: ApiAnswer, call: string): KFlowError {
  const { status, body } = answer;
  const { message = '', details } = body as Status;
  const reasons = details?.causes?.map(({ reason }) => reason) ?? [];
  const advice = adviceFor(status, message, reasons);
  const text = `${call}: ${message || `the server responded with status ${status}`}; ${advice ?? 'try again; the error may be transient'}`;
  if (advice === undefined) return new StoreError('store-failed', text, { where: call });
  return new ConfigError(isImmutable(answer) ? 'object-immutable' : 'config-invalid', text, { where: call });
}

/** Whether an apply failed only because of immutable fields, so that recreating the object would succeed. */
export function isImmutable({ status, body }: ApiAnswer): boolean {
  const causes = (body as Status).details?.causes ?? [];
  const immutable = /field is immutable|updates to statefulset spec|may not change once set/;
  return status === 422 && causes.length > 0 && causes.every(({ message = '' }) => immutable.test(message));
}

/** What to do about the error; undefined if it may be transient. */
function adviceFor(status: number, message: string, reasons: readonly (string | undefined)[]): string | undefined {
  if (reasons.includes('NamespaceTerminating')) return undefined;
  if (reasons.includes('FieldManagerConflict')) return 'remove these fields, or apply with force to take them over';
  if (status === 401) return 'the server does not accept the credentials: log in again, or choose another context';
  const secrets = status === 403 ? secretsAdvice(message) : undefined;
  if (secrets !== undefined) return secrets;
  if (status === 403 && /cannot \S+ resource/.test(message)) return 'grant this permission, or choose another context';
  if (status === 403) return 'change the object, or the policies of its namespace';
  if (status === 404) return 'create the missing object first';
  // the server reports a field that the schema does not have as an internal error
  const isUndeclaredField = message.startsWith('failed to create typed patch object');
  const isTransient = status >= 500 || [408, 409, 410, 429].includes(status);
  return isTransient && !isUndeclaredField ? undefined : 'correct the object';
}

/** The command that lets the controller of `kflow install` manage the Secrets of a namespace. */
function secretsAdvice(message: string): string | undefined {
  const refused =
    /User "system:serviceaccount:([^:"]+):([^:"]+)" cannot \S+ resource "secrets" .* in the namespace "([^"]+)"/;
  const [, namespace, account, where] = refused.exec(message) ?? [];
  if (namespace === undefined || where === namespace) return undefined;
  const command = `kubectl create rolebinding ${secretsRole} --namespace ${where} --clusterrole ${secretsRole} --serviceaccount ${namespace}:${account}`;
  return `let the controller manage the Secrets of this namespace: ${command}`;
}
