import type { FlowFunction, Topology } from '../topology/topology';
import type {
  FlowPlan,
  PlannedBucket,
  PlannedConsumer,
  PlannedSecret,
  PlannedStream,
  PlannedWorkload,
} from './flow-plan';
import { deadLetterStream, outputSubject, schemaBucket, stateBucket, streamName, workloadName } from './names';
import { type PlanSettings, planConnections } from './plan-connections';
import { planSpec } from './plan-spec';
import { timing } from './timing';

/** Dead letters are few and precious: their stream is bounded only by bytes. */
const deadLetterMaxBytes = 1024 ** 3;

/** Consumers hand out this many messages at once to all replicas together, enough for 50 replicas of 500. */
const maxAckPending = 25_000;

/**
 * Names everything a flow needs. Pure: the same topology and settings give the same plan.
 * Throws ConfigError when an address that the document leaves out is not in the settings either.
 */
export function planFlow(topology: Topology, settings: PlanSettings): FlowPlan {
  const { namespace, jobId, mode } = topology;
  const planned = topology.dag.map((fn) => planFunction(topology, fn, settings));
  const deadLetters: PlannedStream = {
    name: deadLetterStream(topology),
    subjects: [`kflow.${namespace}.${jobId}.*.dead`],
    maxMsgs: -1,
    maxBytes: deadLetterMaxBytes,
    replicas: topology.globalConfig.stream.replicas,
    dedupeWindowMs: timing.dedupeWindowMs(timing.defaultAckWaitMs),
  };
  return {
    namespace,
    jobId,
    mode,
    streams: [...planned.flatMap((part) => part.streams), deadLetters],
    consumers: planned.flatMap((part) => part.consumers),
    stateBucket: stateBucket(topology),
    schemaBucket,
    workloads: planned.map((part) => part.workload),
    secrets: planned.flatMap((part) => (part.secret === undefined ? [] : [part.secret])),
    buckets: uniqueBuckets(planned.flatMap((part) => part.buckets)),
  };
}

interface PlannedFunction {
  readonly streams: readonly PlannedStream[];
  readonly consumers: readonly PlannedConsumer[];
  readonly workload: PlannedWorkload;
  readonly secret?: PlannedSecret;
  readonly buckets: readonly PlannedBucket[];
}

function planFunction(topology: Topology, fn: FlowFunction, settings: PlanSettings): PlannedFunction {
  const name = workloadName(topology, fn.id);
  const connections = planConnections(topology, fn, settings);
  const spec = planSpec(topology, fn, connections);
  const hasSecret = Object.keys(connections.secrets).length > 0;
  return {
    streams: planStreams(topology, fn),
    consumers: spec.inputs.map((input) => ({
      stream: input.stream,
      durable: input.durable,
      subject: input.subject,
      ackWaitMs: spec.ackWaitMs,
      maxAckPending,
      function: fn.id,
    })),
    workload: {
      name,
      function: fn.id,
      kind: topology.mode === 'batch' && fn.type !== 'raw-source' ? 'job' : 'deployment',
      replicas: fn.parallelism,
      spec,
      env: fn.meta.env,
      ...(hasSecret ? { secret: name } : {}),
    },
    ...(hasSecret ? { secret: { name, entries: connections.secrets } } : {}),
    buckets: connections.buckets,
  };
}

function planStreams(topology: Topology, fn: FlowFunction): PlannedStream[] {
  const { maxMsgs, maxBytes, replicas } = fn.globalConfig.stream;
  const limits = { maxMsgs, maxBytes, replicas, function: fn.id };
  const dedupeWindowMs = timing.dedupeWindowMs(timing.ackWaitMs(fn.meta.maxPollIntervalMs));
  const sides = [undefined, ...fn.sideOuts.filter((side) => side.out.length > 0).map((side) => side.id)];
  return sides
    .filter((side) => side !== undefined || fn.out.length > 0)
    .map((side) => ({
      name: streamName(topology, fn.id, side),
      subjects: [outputSubject(topology, fn.id, side)],
      ...limits,
      dedupeWindowMs,
    }));
}

function uniqueBuckets(buckets: readonly PlannedBucket[]): PlannedBucket[] {
  const byPlace = new Map(
    buckets.map((bucket) => [JSON.stringify([bucket.addr, bucket.bucket, bucket.role, bucket.prefix]), bucket]),
  );
  return [...byPlace.values()];
}
