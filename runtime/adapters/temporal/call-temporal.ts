import { type Client, isGrpcServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ConfigError } from '../../../lib/errors';

/** How long a request waits for the server and a worker. */
const defaultDeadlineMs = 15_000;
/** gRPC's statuses CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE: the client retries until the deadline. */
const unanswered: readonly number[] = [1, 4, 14];

/**
 * Sends a request with a deadline. `where` names its target in errors. Throws ConfigError `server-failed` for errors of the
 * server and the network, and other errors of the client unchanged.
 */
export async function callTemporal<T>(
  client: Client,
  where: string,
  request: () => Promise<T>,
  deadlineMs = defaultDeadlineMs,
): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + deadlineMs, request);
  } catch (error) {
    const { cause } = error as Error;
    const failure = [error, cause].find((each) => isGrpcServiceError(each));
    if (failure === undefined && !(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw error;
    const isRefused = failure !== undefined && !unanswered.includes(failure.code);
    const what = isRefused ? 'Temporal refused the request' : `Temporal did not respond within ${deadlineMs / 1_000} s`;
    const reason = failure?.details || (error as Error).message;
    throw new ConfigError('server-failed', `${where}: ${what}: ${reason}`, { cause: error, where });
  }
}
