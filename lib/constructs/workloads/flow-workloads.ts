import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import type { FlowPlan } from '../../plan/flow-plan';
import type { PodNats } from '../../plan/nats-access';
import { metadata, SyncWave } from '../metadata';
import type { PodDefaults } from '../pods/pod-settings';
import { FunctionWorkload } from './function-workload';

/** Settings of a flow's workloads that are not in its plan. */
export interface WorkloadSettings extends PodNats {
  /** Image of functions that name none: the runtime. */
  readonly image: string;
  /** Name of the account that the pods run as; default: that of `addFlowAccount`. */
  readonly serviceAccount?: string;
  /** Functions whose templates get another `kflow.io/spec-hash` than the hash of their spec. */
  readonly hashes?: { readonly [functionId: string]: string };
  /** Functions that are left out. */
  readonly without?: readonly string[];
  /** A controller or `kflow run` watches the flow, and reports what its replicas gave up on. */
  readonly isWatched?: boolean;
  readonly pods?: PodDefaults;
  /** Whoever applies the objects replaces Jobs that have changed, so their names stay. */
  readonly replacesJobs?: boolean;
  /** Seconds after which Kubernetes removes a Job that has ended; default: it stays. */
  readonly ttlSecondsAfterFinished?: number;
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

/** Adds a workload for each function that runs. */
export function addFlowWorkloads(scope: Construct, flow: FlowPlan, settings: WorkloadSettings): void {
  const { image, serviceAccount = accountName(flow), hashes = {}, without = [], isWatched, pods } = settings;
  const { natsUrl, natsSecrets, natsDomain } = settings;
  const jobs = { replacesJobs: settings.replacesJobs, ttlSecondsAfterFinished: settings.ttlSecondsAfterFinished };
  const common = { serviceAccount, natsUrl, natsSecrets, natsDomain, pods };
  for (const workload of flow.workloads) {
    if (without.includes(workload.function)) continue;
    const hash = hashes[workload.function];
    new FunctionWorkload(scope, workload.function, { workload, image, ...common, hash, isWatched, ...jobs });
  }
}

function accountName({ jobId }: FlowPlan): string {
  return jobId;
}
