import {
  type Client,
  NamespaceNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ConfigError } from '../../../lib/errors';
import { callTemporal } from './call-temporal';
import type { TemporalSettings } from './connect-temporal';

/** Workflow type of the marker of a task queue; it never ends by itself. */
const installationType = 'KFlowInstallation';
const memoKey = 'installation';
const attempts = 3;

/**
 * Claims a task queue for an installation, by a workflow that marks it; every controller of an installation may do so. Throws
 * ConfigError `config-invalid` when another installation has claimed it: each would get work of the other, and when the
 * namespace does not exist; `server-failed` when the server does not respond.
 */
export async function claimTaskQueue(
  client: Client,
  { namespace, taskQueue }: Pick<TemporalSettings, 'namespace' | 'taskQueue'>,
  installation: string,
): Promise<void> {
  const workflowId = markerOf({ taskQueue });
  const claim = `claim of the task queue "${taskQueue}"`;
  for (let attempt = 1; ; attempt++) {
    try {
      const memo = { [memoKey]: installation };
      const options = { workflowId, taskQueue, memo, workflowIdConflictPolicy: 'FAIL' } as const;
      await callTemporal(client, claim, () => client.workflow.start(installationType, options));
      return;
    } catch (error) {
      if (error instanceof NamespaceNotFoundError) throw namespaceMissing(namespace, error);
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const marker = await callTemporal(client, claim, () => client.workflow.getHandle(workflowId).describe());
    if (marker.memo?.[memoKey] === installation) return;
    // somebody has just ended the marker
    if (marker.status.name !== 'RUNNING' && attempt < attempts) continue;
    throw claimedByAnother({ namespace, taskQueue }, workflowId);
  }
}

/** Whether a controller has claimed the task queue. Claims nothing, and throws ConfigError for one of another installation. */
export async function inspectQueueClaim(
  client: Client,
  queue: Pick<TemporalSettings, 'namespace' | 'taskQueue'>,
  installation: string,
): Promise<boolean> {
  const workflowId = markerOf(queue);
  try {
    const { memo, status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return false;
    if (memo?.[memoKey] !== installation) throw claimedByAnother(queue, workflowId);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function markerOf({ taskQueue }: Pick<TemporalSettings, 'taskQueue'>): string {
  return `kflow-installation/${taskQueue}`;
}

function claimedByAnother(
  { namespace, taskQueue }: Pick<TemporalSettings, 'namespace' | 'taskQueue'>,
  workflowId: string,
): ConfigError {
  const what = `temporal.taskQueue: the task queue "${taskQueue}" of the Temporal namespace "${namespace}" belongs to another installation of KFlow`;
  const advice = `choose another one (kflow install --task-queue), or use the installation key of that installation if it is this one; if that one is gone with its flows: temporal workflow terminate --namespace ${namespace} --workflow-id ${workflowId}`;
  return new ConfigError('config-invalid', `${what}; ${advice}`, { where: workflowId });
}

function namespaceMissing(namespace: string, cause: Error): ConfigError {
  const message = `temporal.namespace: the Temporal server has no namespace "${namespace}"; create it: temporal operator namespace create ${namespace}`;
  return new ConfigError('config-invalid', message, { cause });
}
