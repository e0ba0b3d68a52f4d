import { ConfigError } from '../../../lib/errors';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { flowOf } from './flow-selector';
import type { ObjectMetadata } from './kubernetes-objects';

/** Throws ConfigError `config-invalid` for a live object that is not the flow's: we change nothing of others. */
export function assertOurs(flow: FlowKey, live: ObjectMetadata): void {
  const { kind, metadata } = live;
  if (flowOf(live)?.jobId === flow.jobId) return;
  const other = metadata.labels?.['kflow.io/job'];
  const whose = other === undefined ? 'has not the labels of a flow' : `is of the flow ${metadata.namespace}/${other}`;
  const what = `flow ${flowName(flow)}: there is a ${kind} ${metadata.namespace}/${metadata.name} already, which ${whose}`;
  throw new ConfigError('config-invalid', `${what}; remove it, or give the flow another jobId`, {
    where: `${kind} ${metadata.name}`,
  });
}
