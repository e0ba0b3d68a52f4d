import { flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';

/** What a person may do next about a flow, in one line. */
export function nextStep(status: FlowStatus): string {
  const name = flowName(status);
  switch (status.status) {
    case 'Running':
      return status.health.state === 'unhealthy' || status.health.state === 'degraded'
        ? `kflow logs ${name} shows what its functions say`
        : `kflow status ${name} --watch shows how it goes on`;
    case 'Pausing':
    case 'Stopping':
      return `it finishes what it holds first: kflow status ${name} --watch`;
    case 'Paused':
      return `it is paused: kflow resume ${name} goes on from there`;
    case 'Stopped':
      return `it was stopped: kflow submit FILE goes on from there, kflow delete --force ${name} removes its data`;
    case 'Failed':
      return `kflow events ${name} tells what happened; kflow submit FILE runs again what had not succeeded`;
    case 'Completed':
      return `it has done all its work: kflow submit FILE runs it again`;
    case 'Canceled':
    case 'Terminated':
      return `it was ended: kflow submit FILE starts it anew`;
  }
}
