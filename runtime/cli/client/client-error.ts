import { ConfigError, type ErrorCode, KFlowError } from '../../../lib/errors';
import type { ApiProblem } from '../../api-contract/problem';

/** The controller rejected a request. */
export class ApiRefusal extends KFlowError {
  override readonly name = 'ApiRefusal';

  constructor(
    readonly problem: ApiProblem,
    readonly httpStatus: number,
  ) {
    super(problem.code as ErrorCode, [problem.detail, ...adviceOf(problem, httpStatus)].join('\n'));
  }
}

/** The controller did not respond, or the connection was lost. */
export class ControllerUnavailable extends KFlowError {
  override readonly name = 'ControllerUnavailable';

  /** Why, in a few words. */
  readonly reason: string | undefined;

  constructor(message: string, { cause, reason }: { readonly cause?: unknown; readonly reason?: string } = {}) {
    super('server-failed', message, { cause });
    this.reason = reason;
  }
}

/** A page of a proxy, or a response of another server. */
export class ForeignResponse extends KFlowError {
  override readonly name = 'ForeignResponse';

  constructor(
    url: string,
    /** What came, in a few words. */
    readonly reason: string,
    advice = 'check that this is the address of a controller',
  ) {
    super('config-invalid', `${url} responded with ${reason}; ${advice}`);
  }
}

/** What to say when the connection of a command that follows something is lost. */
export function lossOf(error: Error): string {
  const isKnown = error instanceof ControllerUnavailable || error instanceof ForeignResponse;
  const reason = isKnown ? error.reason : undefined;
  return `the controller is unavailable${reason === undefined ? '' : ` (${reason})`}; waiting for it`;
}

/** Advice for users of the command line, which the controller's problem does not contain. */
function adviceOf({ code }: ApiProblem, httpStatus: number): readonly string[] {
  if (httpStatus === 401 || httpStatus === 403) return ['set a token with --token, KFLOW_TOKEN or KFLOW_TOKEN_FILE'];
  if (code === 'flow-missing') return ['list the flows with kflow status --all'];
  return [];
}

/**
 * The error for a response with an HTTP status of 300 or more, and its body. A body that is not a problem of the API comes
 * from a proxy or from another server.
 */
export function errorOf(response: Response, text: string, url: string): KFlowError {
  const problem = problemOf(text);
  if (problem !== undefined) return new ApiRefusal(problem, response.status);
  const { status, statusText, headers } = response;
  const detail = (isPage(response) ? '' : text.trim().split('\n')[0]?.slice(0, 200)) || statusText;
  const reason = `${status} ${detail}`.trim();
  if ([429, 502, 503, 504].includes(status)) {
    return new ControllerUnavailable(`the controller at ${url} is unavailable (${reason}); try again`, { reason });
  }
  const target = headers.get('location');
  if (status >= 300 && status < 400 && target !== null) {
    const address = new URL(target, url).origin;
    return new ConfigError('config-invalid', `${url} redirects to ${address}; use that address`);
  }
  if (status === 413)
    return new ForeignResponse(url, reason, 'raise the limit of the proxy in front of the controller');
  return new ForeignResponse(url, reason);
}

/** Whether a response is a page for people, which a controller does not send to this client. */
export function isPage({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/html') === true;
}

function problemOf(text: string): ApiProblem | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const body = JSON.parse(text) as Partial<ApiProblem>;
    return typeof body.code === 'string' && typeof body.detail === 'string' ? (body as ApiProblem) : undefined;
  } catch {
    // truncated or not JSON: the caller shows the text itself
    return undefined;
  }
}

/** Whether a retry of the request may succeed. A rejection is judged by its HTTP status, as its code may be unknown. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.httpStatus >= 500;
  return error instanceof ControllerUnavailable || error instanceof ForeignResponse;
}
