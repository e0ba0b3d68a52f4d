import { ConfigError, type KFlowError, StoreError } from '../../../../lib/errors';
import { secretsRole } from '../../../../lib/plan/controller-requirements';

/** A response of the API server. */
export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; other text becomes the message of a Status. */
  readonly body: unknown;
  /** The texts of the Warning headers. */
  readonly warnings: readonly string[];
}

/** The fields of a Kubernetes Status that KFlow reads. */
interface Status {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/**
 * The error for a failed call, such as `apply Deployment team/app`: ConfigError `object-immutable` if the object has to be
 * recreated, `permission-missing` if a role lacks the right, `config-invalid` if somebody has to correct something first,
 * StoreError `credentials-refused` if the server does not know the caller, `store-failed` if a retry of the call may succeed.
 */
export function refusal(answer: ApiAnswer, call: string): KFlowError {
  const { status, body } = answer;
  const { message = '', details } = body as Status;
  if (isUnauthenticated(answer)) return credentialsRefused(answer, call);
  const reasons = details?.causes?.map(({ reason }) => reason) ?? [];
  const advice = adviceFor(answer, reasons);
  const text = `${call}: ${message || `the server responded with status ${status}`}; ${advice ?? 'try again; the error may be transient'}`;
  if (advice === undefined) return new StoreError('store-failed', text, { where: call });
  return new ConfigError(codeOf(answer), text, { where: call });
}

function codeOf(answer: ApiAnswer): 'object-immutable' | 'permission-missing' | 'config-invalid' {
  if (isImmutable(answer)) return 'object-immutable';
  return isMissingPermission(answer) ? 'permission-missing' : 'config-invalid';
}

/** The error for a call without valid credentials; it says nothing about the object of the call. */
function credentialsRefused({ status, body }: ApiAnswer, call: string): StoreError {
  const { message } = body as Status;
  const isRedirect = status >= 300 && status < 400;
  const why = isRedirect ? `the server redirects to another address (${status})` : message || `status ${status}`;
  const text = `${call}: ${why}; the server does not accept the credentials: log in again, or choose another context`;
  return new StoreError('credentials-refused', text, { where: call });
}

/**
 * Whether the server, or a proxy before it, does not know who calls: a token that has expired or was revoked, none at all, or
 * a redirect to a login.
 */
export function isUnauthenticated({ status, body }: Pick<ApiAnswer, 'status' | 'body'>): boolean {
  const isAnonymous = status === 403 && ((body as Status).message ?? '').includes('User "system:anonymous"');
  return status === 401 || status === 407 || (status >= 300 && status < 400) || isAnonymous;
}

/** Whether RBAC denied the call, unlike the policies that deny a certain object. */
function isMissingPermission({ status, body }: ApiAnswer): boolean {
  return status === 403 && /cannot \S+ resource/.test((body as Status).message ?? '');
}

/** Whether an apply failed only because of immutable fields, so that recreating the object would succeed. */
export function isImmutable({ status, body }: ApiAnswer): boolean {
  const causes = (body as Status).details?.causes ?? [];
  const immutable = /field is immutable|updates to statefulset spec|may not change once set/;
  return status === 422 && causes.length > 0 && causes.every(({ message = '' }) => immutable.test(message));
}

/** What to do about the error; undefined if it may be transient. */
function adviceFor(answer: ApiAnswer, reasons: readonly (string | undefined)[]): string | undefined {
  const { status } = answer;
  const { message = '' } = answer.body as Status;
  if (reasons.includes('NamespaceTerminating')) return undefined;
  if (reasons.includes('FieldManagerConflict')) return 'remove these fields, or apply with force to take them over';
  const secrets = status === 403 ? secretsAdvice(message) : undefined;
  if (secrets !== undefined) return secrets;
  if (isMissingPermission(answer)) return 'grant this permission, or choose another context';
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
