import { atMost } from '../async/at-most';
import type { FlowStore } from './flows/ports/flow-store';
import type { FlowWorkflows } from './flows/ports/flow-workflow';

/** How long a server may take to respond to a ping. */
const defaultTimeoutMs = 3_000;

export interface ReadinessParts {
  readonly workflows: Pick<FlowWorkflows, 'ping'>;
  readonly store: Pick<FlowStore, 'ping'>;
  readonly worker: { isRunning(): boolean };
  /** Servers that refuse the credentials of this controller, with their reasons. */
  readonly guard: { readonly refusals: readonly string[] };
  /** Default: 3 s. */
  readonly timeoutMs?: number;
}

/** Reasons why a controller is not ready, one line each; empty if it is ready. */
export async function whyNotReady(parts: ReadinessParts): Promise<readonly string[]> {
  const { workflows, store, worker, guard, timeoutMs = defaultTimeoutMs } = parts;
  const reasons = await Promise.all([
    whyUnreachable('Temporal', workflows.ping(), timeoutMs),
    whyUnreachable('NATS', store.ping(), timeoutMs),
    ...guard.refusals,
    ...(worker.isRunning() ? [] : ['the Temporal worker is not running']),
  ]);
  return reasons.filter((reason) => reason !== undefined);
}

/** Undefined if the server responds in time. */
async function whyUnreachable(name: string, ping: Promise<void>, timeoutMs: number): Promise<string | undefined> {
  const response = ping.then(
    () => '',
    (error: Error) => `${name}: ${error.message}`,
  );
  const reason = (await atMost(timeoutMs, response)) ?? `${name} did not respond within ${timeoutMs / 1_000} s`;
  return reason === '' ? undefined : reason;
}
