import type { WorkloadSettings } from '../../../../lib/constructs/controlled-flow';
import { ConfigError, KFlowError } from '../../../../lib/errors';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { flowObjectName } from '../../../../lib/plan/names';
import type { Topology } from '../../../../lib/topology/document/topology';
import { summarizeUpdate } from '../../../../lib/topology/update/summarize-update';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { Cluster } from '../../ports/cluster';
import type { FlowLogins } from '../../ports/flow-logins';
import type { ObjectRef } from '../../ports/kubernetes-object';
import type { Buckets, Streams } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowStore } from '../ports/flow-store';
import type { FlowActivities, FlowDocument, Transition } from '../workflow/flow-activities';
import { ActivityLease } from './activity-lease';
import { applyFlow } from './apply-flow';
import { batchResult, beginBatch, functionsDownstream } from './batch-flow';
import { drainFlow } from './drain-flow';
import { awaitGone, awaitReady } from './wait-for-workloads';

/** The ports that the activities use. */
export interface ActivityPorts {
  readonly cluster: Cluster;
  readonly streams: Streams;
  readonly buckets: Buckets;
  readonly store: FlowStore;
  readonly planner: FlowPlanner;
  readonly logins: FlowLogins;
  readonly pods: WorkloadSettings;
  readonly onWarning: (text: string) => void;
  /** Cancels or terminates a workflow. */
  readonly closeWorkflow: FlowActivities['closeAs'];
}

/** The activities of flows, over the ports. They throw the errors of the ports. */
export function createFlowActivities(ports: ActivityPorts): FlowActivities {
  const { cluster, streams, buckets, store, planner, logins, onWarning } = ports;
  const planOf = ({ flow, digest }: FlowDocument, epochs = {}): Promise<FlowPlan> => planner.plan(flow, digest, epochs);
  const provision = async (plan: FlowPlan) => {
    await Promise.all([streams.provision(plan), buckets.ensure(plan)]);
  };
  // a login that cannot be revoked now is by the next renewal: it never keeps a flow from closing
  const revoke = (flow: FlowKey) =>
    logins.revoke(flow).catch((error: Error) => {
      onWarning(`${flowName(flow)}: cannot revoke its login at nats: ${error.message}; tried again when it is due`);
    });
  return {
    keep: async (record, events, dropped) => {
      ActivityLease.assertHeld();
      if (record !== undefined && hasNoReplicas(record)) await revoke(record);
      if (record !== undefined) await store.saveRecord(record);
      for (const event of events) await store.addEvent(event);
      if (record !== undefined && dropped.length > 0) await store.removeDocuments(record, dropped);
    },
    prepare: async ({ epochs, ...document }) => {
      ActivityLease.assertHeld();
      await cluster.prune(document.flow, []);
      await awaitGone(cluster, document.flow);
      const plan = await planOf(document, epochs);
      await provision(plan);
      if (plan.mode === 'stream') {
        await streams.beginRun(plan);
        return { ended: [] };
      }
      return { ended: await beginBatch(streams, plan) };
    },
    provision: async ({ epochs, ...document }) => provision(await planOf(document, epochs)),
    compare: async (flow, { from, steps }) => {
      const topologies = await Promise.all(
        steps.map(async ({ digest, isRollback }) => ({ topology: await planner.topology(flow, digest), isRollback })),
      );
      return planTransition(await planner.topology(flow, from), topologies);
    },
    apply: async (step) => {
      const [plan, login] = await Promise.all([planOf(step, step.epochs), logins.issue(step.flow)]);
      return applyFlow(cluster, plan, { ...step, settings: ports.pods, login });
    },
    awaitGone: (flow, functions) => awaitGone(cluster, flow, functions),
    awaitReady: (flow, deadlineMs) => awaitReady(cluster, flow, deadlineMs),
    drain: async (document, deadlineMs) => drainFlow({ cluster, streams }, await planOf(document), deadlineMs),
    rewind: async (document, rewinds) => {
      const plan = await planOf(document);
      ActivityLease.assertHeld();
      for (const rewind of rewinds) await streams.rewind(plan, rewind);
      if (plan.mode !== 'batch') return;
      const rewound = rewinds.map(({ function: id }) => id);
      await streams.reopen(plan, functionsDownstream(plan, rewound));
    },
    reopened: async (document, functions) => {
      const plan = await planOf(document);
      return plan.mode === 'batch' ? functionsDownstream(plan, functions) : functions;
    },
    judge: async (document, ended) => batchResult({ cluster, streams }, await planOf(document), ended),
    markCompleted: async (document) => streams.markCompleted(await planOf(document)),
    removeWorkloads: async (flow, { now, keepEnded, keepOwner }) => {
      const ended = keepEnded ? (await cluster.workloads(flow)).filter(({ outcome }) => outcome !== undefined) : [];
      const keep = ended.map(({ name }) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name } }));
      await cluster.prune(flow, keepOwner ? [...keep, ownerOf(flow)] : keep, { now: now === true });
    },
    removeStreams: async (document) => streams.remove(await planOf(document).catch(rejectForGood)),
    removePayloads: async (document) => buckets.purge(await planOf(document).catch(rejectForGood)),
    removeDocuments: async (flow) => {
      await revoke(flow);
      await store.removeDocuments(flow);
      ActivityLease.assertHeld();
      await cluster.prune(flow, []);
    },
    closeAs: ports.closeWorkflow,
  };
}

/** A delete does not wait until a lost document is back: nobody may restore it. */
function rejectForGood(error: unknown): never {
  if (!(error instanceof KFlowError) || error.code !== 'document-missing') throw error;
  throw new ConfigError(error.code, error.message, { cause: error });
}

/** Replicas of a flow that failed, or was canceled, may still be finishing their records. */
function hasNoReplicas({ closed }: FlowRecord): boolean {
  return closed?.status === 'Stopped' || closed?.status === 'Completed';
}

function ownerOf(flow: FlowKey): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: flowObjectName(flow) } };
}

interface TransitionStep {
  readonly topology: Topology;
  readonly isRollback: boolean;
}

/** The transition from one document to the last of the steps: the union of what each step changes in the one before it. */
function planTransition(from: Topology, steps: readonly TransitionStep[]): Transition {
  const summaries = steps.map(({ topology, isRollback }, index) =>
    summarizeUpdate(steps[index - 1]?.topology ?? from, topology, isRollback),
  );
  const restarted = [...new Set(summaries.flatMap((summary) => summary.restarted))];
  const ids = (steps.at(-1)?.topology ?? from).dag.map(({ id }) => id);
  return {
    halted: [...new Set(summaries.flatMap(({ halted }) => halted))],
    kept: ids.filter((id) => !restarted.includes(id)),
    restarted,
  };
}
