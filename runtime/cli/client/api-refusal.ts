import type { ErrorCode } from '../../../lib/errors';
import type { ApiProblem } from '../../api-contract/problem';
import { CommandError, ExitStatus } from '../exit-status';

/** The controller's answer that it does not do what was asked. */
export class ApiRefusal extends CommandError {
  override readonly name = 'CommandError';

  constructor(
    readonly problem: ApiProblem,
    /** Of HTTP. */
    readonly httpStatus: number,
  ) {
    const status = problem.code === 'flow-missing' ? ExitStatus.missing : ExitStatus.refused;
    super(status, problem.code as ErrorCode, [problem.detail, ...adviceOf(problem, httpStatus)].join('\n'));
  }
}

/** What to do about it, where the controller cannot know that a person at a prompt asks. */
function adviceOf({ code }: ApiProblem, httpStatus: number): readonly string[] {
  if (httpStatus === 401 || httpStatus === 403) return ['a token comes from --token, KFLOW_TOKEN or KFLOW_TOKEN_FILE'];
  if (code === 'flow-missing') return ['kflow status --all lists the flows there are'];
  return [];
}

/**
 * The error of an answer with an HTTP status of 400 or more. Whatever is not a problem as the API writes it comes from
 * something between, or from another server.
 */
export async function refusalOf(response: Response, where: string): Promise<CommandError> {
  const text = await response.text();
  const problem = problemOf(text);
  if (problem !== undefined) return new ApiRefusal(problem, response.status);
  const said = text.trim().split('\n')[0]?.slice(0, 200) || response.statusText;
  const isAway = [502, 503, 504].includes(response.status);
  const code = isAway ? 'server-failed' : 'config-invalid';
  const message = isAway
    ? `the controller at ${where} is away (${response.status} ${said}); try again`
    : `${where} answers ${response.status}: ${said}; is it the address of a controller?`;
  return new CommandError(isAway ? ExitStatus.unreachable : ExitStatus.refused, code, message);
}

function problemOf(text: string): ApiProblem | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const body = JSON.parse(text) as Partial<ApiProblem>;
    return typeof body.code === 'string' && typeof body.detail === 'string' ? (body as ApiProblem) : undefined;
  } catch {
    // cut off or not JSON at all: told as what it is, with its text
    return undefined;
  }
}

/** Whether the same request may well succeed a little later: the controller, or what it needs, is away. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.httpStatus >= 500;
  return error instanceof CommandError && error.status === ExitStatus.unreachable;
}
