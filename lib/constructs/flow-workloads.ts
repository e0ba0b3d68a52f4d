import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import type { FlowPlan } from '../plan/flow-plan';
import { DevStore } from './dev-store';
import { FunctionWorkload } from './function-workload';
import { metadata, SyncWave } from './metadata';

/** What the objects of a flow need to know beside its plan. */
export interface WorkloadSettings {
  /** Image of the runtime, for functions that name none. */
  readonly image: string;
  /** Address of nats as the pods see it. */
  readonly natsUrl: string;
  /** Name of the account that the pods run as; default: that of `addFlowAccount`. */
  readonly serviceAccount?: string;
  /** Functions whose templates name another `kflow.io/spec-hash` than that of their spec. */
  readonly hashes?: { readonly [functionId: string]: string };
  /** Functions that have no objects. */
  readonly without?: readonly string[];
}

/** Adds the account that all pods of a flow run as, which has no permissions, and returns its name. */
export function addFlowAccount(scope: Construct, flow: FlowPlan): string {
  const name = accountName(flow);
  new ApiObject(scope, 'Account', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(SyncWave.Streams, { name }),
    automountServiceAccountToken: false,
  });
  return name;
}

/** Everything of a flow that runs: a workload for each function, and what watches the folders of step by step runs. */
export function addFlowWorkloads(scope: Construct, flow: FlowPlan, settings: WorkloadSettings): void {
  const { image, natsUrl, serviceAccount = accountName(flow), hashes = {}, without = [] } = settings;
  if (flow.devStore !== undefined) {
    new DevStore(scope, 'DevStore', { devStore: flow.devStore, serviceAccount, natsUrl });
  }
  for (const workload of flow.workloads) {
    if (without.includes(workload.function)) continue;
    const hash = hashes[workload.function];
    new FunctionWorkload(scope, workload.function, { workload, serviceAccount, image, natsUrl, hash });
  }
}

function accountName({ jobId }: FlowPlan): string {
  return jobId;
}
