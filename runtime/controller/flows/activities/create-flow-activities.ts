import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { flowObjectName } from '../../../../lib/plan/names';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { Buckets } from '../../ports/buckets';
import type { Cluster } from '../../ports/cluster';
import type { ObjectRef } from '../../ports/kubernetes-object';
import type { Streams } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowStore } from '../ports/flow-store';
import type { FlowActivities, FlowDocument } from '../workflow/flow-activities';
import { applyFlow, type PodSettings } from './apply-flow';
import { drainFlow } from './drain-flow';
import { functionsAfter } from './functions-after';
import { judgeFlow } from './judge-flow';
import { Lease } from './lease';
import { planTransition } from './plan-transition';
import { awaitGone, awaitReady } from './wait-for-workloads';

/** What the activities stand on. */
export interface ActivityPorts {
  readonly cluster: Cluster;
  readonly streams: Streams;
  readonly buckets: Buckets;
  readonly store: FlowStore;
  readonly planner: FlowPlanner;
  readonly pods: PodSettings;
  /** Has a workflow canceled or terminated. */
  readonly closeWorkflow: FlowActivities['closeAs'];
}

/** The activities of flows' workflows, over the ports. They throw what the ports throw. */
export function createFlowActivities(ports: ActivityPorts): FlowActivities {
  const { cluster, streams, buckets, store, planner } = ports;
  const planOf = ({ flow, digest }: FlowDocument, epochs = {}): Promise<FlowPlan> => planner.plan(flow, digest, epochs);
  const make = async (plan: FlowPlan) => {
    await Promise.all([streams.provision(plan), buckets.ensure(plan)]);
  };
  return {
    keep: async (record, events, dropped) => {
      Lease.assertHeld();
      if (record !== undefined) await store.saveRecord(record);
      for (const event of events) await store.addEvent(event);
      if (record !== undefined && dropped.length > 0) await store.removeDocuments(record, dropped);
    },
    prepare: async ({ epochs, ...document }) => {
      Lease.assertHeld();
      await cluster.prune(document.flow, []);
      await awaitGone(cluster, document.flow);
      const plan = await planOf(document, epochs);
      await make(plan);
      await streams.beginRun(plan);
      return { ended: plan.mode === 'batch' ? await streams.endedFunctions(plan) : [] };
    },
    provision: async ({ epochs, ...document }) => make(await planOf(document, epochs)),
    compare: async (flow, { from, steps }) => {
      const topologies = await Promise.all(
        steps.map(async ({ digest, isRollback }) => ({ topology: await planner.topology(flow, digest), isRollback })),
      );
      return planTransition(await planner.topology(flow, from), topologies);
    },
    apply: async (step) => applyFlow(cluster, await planOf(step, step.epochs), { ...ports.pods, ...step }),
    awaitGone: (flow, functions) => awaitGone(cluster, flow, functions),
    awaitReady: (flow, deadlineMs) => awaitReady(cluster, flow, deadlineMs),
    drain: async (document, deadlineMs) => drainFlow({ cluster, streams }, await planOf(document), deadlineMs),
    rewind: async (document, rewinds) => {
      const plan = await planOf(document);
      Lease.assertHeld();
      for (const rewind of rewinds) await streams.rewind(plan, rewind);
      if (plan.mode === 'batch')
        await streams.reopen(
          plan,
          functionsAfter(
            plan,
            rewinds.map((each) => each.function),
          ),
        );
    },
    reopened: async (document, functions) => {
      const plan = await planOf(document);
      return plan.mode === 'batch' ? functionsAfter(plan, functions) : functions;
    },
    judge: async (document, ended) => judgeFlow({ cluster, streams }, await planOf(document), ended),
    markCompleted: async (document) => streams.markCompleted(await planOf(document)),
    removeWorkloads: async (flow, { now, keepEnded, keepOwner }) => {
      const ended = keepEnded ? (await cluster.workloads(flow)).filter(({ outcome }) => outcome !== undefined) : [];
      const keep = ended.map(({ name }) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name } }));
      await cluster.prune(flow, keepOwner ? [...keep, ownerOf(flow)] : keep, { now: now === true });
    },
    removeStreams: async (document) => streams.remove(await planOf(document)),
    removePayloads: async (document) => buckets.purge(await planOf(document)),
    removeDocuments: async (flow) => {
      await store.removeDocuments(flow);
      Lease.assertHeld();
      await cluster.prune(flow, []);
    },
    closeAs: ports.closeWorkflow,
  };
}

function ownerOf(flow: FlowKey): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: flowObjectName(flow) } };
}
