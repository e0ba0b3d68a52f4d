import { MemoryCluster } from '../../bench/memory-cluster';
import { flowName } from '../../runtime/api-contract/flow-key';
import { createFlowActivities } from '../../runtime/controller/flows/activities/create-flow-activities';
import { FlowPlanner } from '../../runtime/controller/flows/documents/flow-planner';
import { DocumentAdmission } from '../../runtime/controller/flows/service/document-admission';
import { FlowController } from '../../runtime/controller/flows/service/flow-controller';
import { FlowStatuses } from '../../runtime/controller/flows/service/flow-statuses';
import type { FlowActivities } from '../../runtime/controller/flows/workflow/flow-activities';
import { sharedLogin } from '../../runtime/controller/ports/flow-logins';
import { MemoryFlowStore } from './memory-flow-store';
import { MemoryLetters } from './memory-letters';
import { MemoryStepStores } from './memory-steps';
import { MemoryBuckets, MemoryStreams } from './memory-streams';
import { MemoryWorkflows } from './memory-workflows';

/** A controller without servers: service, workflow code and activities are real, the ports are in memory. */
export class MemoryController {
  readonly cluster = new MemoryCluster();
  readonly streams = new MemoryStreams();
  readonly buckets = new MemoryBuckets();
  readonly letters = new MemoryLetters();
  readonly stepStores = new MemoryStepStores();
  readonly store = new MemoryFlowStore();
  readonly planner = new FlowPlanner(this.store, {});
  readonly workflows = new MemoryWorkflows(() => this.activities);
  readonly activities: FlowActivities;
  readonly service: FlowController;

  /** Names of flows whose login was revoked. */
  readonly revoked: string[] = [];
  /** What keeps logins from being revoked. */
  revocationFault: Error | undefined;
  /** Of the activities. */
  readonly warnings: string[] = [];

  /** `readyTimeoutMs`: how long an update may take before it is rolled back. */
  constructor({ readyTimeoutMs = 60_000 }: { readonly readyTimeoutMs?: number } = {}) {
    const { cluster, streams, buckets, store, planner, workflows } = this;
    const pods = { image: 'kflow:test', natsUrl: 'nats://nats:4222' };
    const closeWorkflow = workflows.closeAs.bind(workflows);
    this.activities = createFlowActivities({
      cluster,
      streams,
      buckets,
      store,
      planner,
      pods,
      closeWorkflow,
      onWarning: (text) => this.warnings.push(text),
      logins: {
        ...sharedLogin,
        revoke: async (flow) => {
          if (this.revocationFault !== undefined) throw this.revocationFault;
          this.revoked.push(flowName(flow));
        },
      },
    });
    this.service = new FlowController({
      letters: this.letters,
      stepStores: this.stepStores,
      buckets,
      image: pods.image,
      workflows,
      store,
      cluster,
      planner,
      admission: new DocumentAdmission({
        store,
        planner,
        pods,
        assertRunnable: () => undefined,
        purpose: 'controller',
      }),
      statuses: new FlowStatuses({ workflows, store, cluster, streams, planner, reports: { of: () => [] } }),
      limits: { pauseGraceMs: 2_000, readyTimeoutMs, historyLength: 4_000 },
      whyNotReady: async () => [],
    });
  }
}
