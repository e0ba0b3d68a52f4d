import { ConfigError } from '../errors';
import { isSecretVariable } from '../topology/check/check-secrets';
import { functionsOf, runningFunctions } from '../topology/document/graph';
import { hasKeys, readsKeys } from '../topology/document/keys';
import type { FlowFunction, Topology } from '../topology/document/topology';
import { descriptorOf, kindOf } from '../topology/function-types/function-type';
import type { FlowPlan, PlannedBucket, PlannedConsumer, PlannedStream, PlannedWorkload } from './flow-plan';
import { FlowSecrets } from './flow-secrets';
import type { FunctionSpec } from './function-spec';
import { deadLetterStream, outputSubject, stateBucket, streamName, variableSecret, workloadName } from './names';
import { consumersOf, partitionSubject } from './partitions';
import { type PlanSettings, planConnections } from './plan-connections';
import { planDevStore } from './plan-dev-store';
import { createsErrorStreams, errorStreamOf } from './plan-error-stream';
import { planSpec } from './plan-spec';
import { maxAckPending, timing } from './replica-lifecycle';

/** Dead letters are few and valuable: only bytes limit their stream. */
const deadLetterMaxBytes = 1024 ** 3;

/**
 * Plans everything a flow needs. The same topology and settings give the same plan. Throws ConfigError if neither the
 * document nor the settings contain a required address, bucket or account.
 */
export function planFlow(topology: Topology, settings: PlanSettings): FlowPlan {
  const { namespace, jobId, mode } = topology;
  const { replicas, onDelete } = topology.globalConfig.stream;
  const replicasOr = (own: number) => settings.streamReplicas ?? own;
  const secrets = new FlowSecrets(topology, settings.hasClusterSecrets === true);
  const running = new Set(runningFunctions(topology).map(({ id }) => id));
  // of those that do not run, only sources are read, to simulate them
  const unused = new FlowSecrets(topology, settings.hasClusterSecrets === true);
  const planned = topology.dag.map((fn) => {
    const isUsed = running.has(fn.id) || kindOf(fn.type) === 'source';
    return planFunction(topology, fn, { settings, secrets: isUsed ? secrets : unused });
  });
  const devStore = planDevStore(
    topology,
    topology.dag.map((fn, index) => ({ fn, buckets: planned[index]?.buckets ?? [] })),
  );
  const runs = ({ workload }: PlannedFunction) => running.has(workload.function);
  const hasRecords = topology.dag.some(({ type }) => kindOf(type) !== 'worker');
  const deadLetters = hasRecords ? [planDeadLetters(topology)] : [];
  return {
    namespace,
    jobId,
    mode,
    streams: [...planned.flatMap((part) => part.streams), ...deadLetters].map((stream) => ({
      ...stream,
      replicas: replicasOr(stream.replicas),
    })),
    errorStreams: planErrorStreams(topology, planned, replicasOr(replicas)),
    consumers: planned.flatMap((part) => part.consumers),
    stateBucket: stateBucket(topology),
    ...(hasRecords ? {} : { hasNoRecords: true }),
    storage: { replicas: replicasOr(replicas), onDelete },
    workloads: planned.filter(runs).map((part) => part.workload),
    ...(devStore === undefined ? {} : { devStore }),
    secrets: secrets.all,
    // what a source would read may be simulated
    buckets: uniqueBuckets(
      planned.flatMap((part) => part.buckets.filter(({ role }) => runs(part) || role === 'source')),
    ),
  };
}

/** The streams of errors that functions create (KFLOW_CREATE_SIDESTREAM), each once. */
function planErrorStreams(
  { dag }: Topology,
  planned: readonly PlannedFunction[],
  replicas: number,
): FlowPlan['errorStreams'] {
  const streams = dag.flatMap((fn, index) => {
    const { sideStream } = planned[index]?.workload.spec ?? {};
    if (sideStream === undefined || !createsErrorStreams(fn)) return [];
    const { addr, topics } = sideStream;
    return topics.map((topic) => ({ ...errorStreamOf(topic, replicas), ...(addr === undefined ? {} : { addr }) }));
  });
  return [...new Map(streams.map((stream) => [`${stream.addr} ${stream.name}`, stream])).values()];
}

function planDeadLetters(topology: Topology): PlannedStream {
  const { replicas, onDelete } = topology.globalConfig.stream;
  return {
    name: deadLetterStream(topology),
    role: 'dead-letters',
    subjects: [`kflow.${topology.namespace}.${topology.jobId}.*.dead`],
    maxMsgs: -1,
    maxBytes: deadLetterMaxBytes,
    replicas,
    dedupeWindowMs: timing.dedupeWindowMs(timing.defaultAckWaitMs),
    onDelete,
  };
}

interface PlannedFunction {
  readonly streams: readonly PlannedStream[];
  readonly consumers: readonly PlannedConsumer[];
  readonly workload: PlannedWorkload;
  readonly buckets: readonly PlannedBucket[];
}

function planFunction(
  topology: Topology,
  fn: FlowFunction,
  context: { readonly settings: PlanSettings; readonly secrets: FlowSecrets },
): PlannedFunction {
  const { meta, globalConfig } = fn;
  const connections = planConnections(topology, fn, context);
  const epoch = context.settings.epochs?.[fn.id];
  const isWriting = connections.buckets.some(({ role }) => role !== 'source');
  const makesBuckets = isWriting ? context.settings.makesBuckets : undefined;
  const run = context.settings.beginsRuns === true ? topology.run : undefined;
  const spec = planSpec(topology, fn, { stores: connections.stores, epoch, run, makesBuckets });
  const { env, secretEnv } = planEnv(topology, fn, context.secrets);
  return {
    streams: planStreams(topology, fn),
    consumers: spec.inputs.flatMap((input) =>
      consumersOf(input).map((consumer) => ({
        ...consumer,
        ackWaitMs: spec.ackWaitMs,
        maxAckPending: Math.max(maxAckPending, heldByBulks(spec)),
        onDelete: functionsOf(topology, [input.function])[0]?.globalConfig.stream.onDelete ?? 'keep',
        function: fn.id,
      })),
    ),
    workload: {
      name: workloadName(topology, fn.id),
      function: fn.id,
      kind: workloadKind(topology, fn),
      replicas: fn.parallelism,
      isPaused: meta.update && meta.pause,
      spec,
      ...(fn.image === undefined ? {} : { image: fn.image }),
      ...(fn.imagePullPolicy === undefined ? {} : { imagePullPolicy: fn.imagePullPolicy }),
      container: { ...meta.container, env },
      secretEnv: [...connections.secretEnv, ...secretEnv],
      http: { port: globalConfig.metrics.port, metrics: globalConfig.metrics.enabled },
      addresses: [...new Set([...connections.addresses, ...meta.container.egress, ...otlpEndpoints(env)])],
    },
    buckets: connections.buckets,
  };
}

/** The endpoints to which OpenTelemetry exports, of the runtime and of user code. */
function otlpEndpoints(env: readonly { readonly name: string; readonly value?: string }[]): readonly string[] {
  const endpoints = env.filter(({ name }) => /^OTEL_EXPORTER_OTLP_([A-Z]+_)?ENDPOINT$/.test(name));
  return endpoints.flatMap(({ value }) => (value === undefined || value === '' ? [] : [value]));
}

/** The replicas of a sink in bulk mode hold this many records of an input while they wait for bulks to fill. */
function heldByBulks({ bulk, replicas }: FunctionSpec): number {
  return bulk === undefined ? 0 : 2 * bulk.flushSize * replicas;
}

function workloadKind(topology: Topology, { id, type, parallelism }: FlowFunction): PlannedWorkload['kind'] {
  const { batch, kind } = descriptorOf(type);
  if (topology.mode === 'batch' && batch.ends) return 'job';
  const isNumbered = (kind === 'source' && parallelism > 1) || readsKeys(topology, id);
  return isNumbered ? 'statefulset' : 'deployment';
}

/** Moves variables with secret values into a Secret. */
function planEnv(topology: Topology, fn: FlowFunction, secrets: FlowSecrets) {
  const { env } = fn.meta.container;
  const hidden = env.filter(isSecretVariable);
  if (hidden.length === 0) return { env, secretEnv: [] };
  const secret = secrets.add({
    name: variableSecret(topology, fn.id),
    entries: Object.fromEntries(hidden.map(({ name, value }) => [name, value])),
  });
  return {
    env: env.filter((variable) => !hidden.includes(variable)),
    secretEnv: hidden.map(({ name }) => ({ name, secret, key: name })),
  };
}

function planStreams(topology: Topology, fn: FlowFunction): PlannedStream[] {
  const { maxMsgs, maxBytes, replicas, onDelete } = fn.globalConfig.stream;
  const limits = { maxMsgs, maxBytes, replicas, onDelete, function: fn.id };
  const dedupeWindowMs = timing.dedupeWindowMs(timing.ackWaitMs(fn.meta.maxPollIntervalMs));
  const sides = [undefined, ...fn.sideOuts.filter((side) => side.out.length > 0).map((side) => side.id)];
  return sides
    .filter((side) => side !== undefined || fn.out.length > 0)
    .map((side) => ({
      name: streamName(topology, fn.id, side),
      role: side === undefined ? ('output' as const) : ('side' as const),
      subjects: [subjectOf(topology, fn, side)],
      ...limits,
      dedupeWindowMs,
    }));
}

function subjectOf(topology: Topology, fn: FlowFunction, side: string | undefined): string {
  const subject = outputSubject(topology, fn.id, side);
  return hasKeys(topology, fn.id, side) ? partitionSubject(subject, '*') : subject;
}

function uniqueBuckets(buckets: readonly PlannedBucket[]): PlannedBucket[] {
  const byPlace = new Map(
    buckets.map((bucket) => [JSON.stringify([bucket.addr, bucket.bucket, bucket.role, bucket.prefix]), bucket]),
  );
  return [...byPlace.values()];
}

/** Throws ConfigError `not-run-yet` with every function that this version cannot run on this machine. */
export function assertRunnable(topology: Topology): void {
  const faults = runningFunctions(topology).flatMap((fn) => {
    const { code } = descriptorOf(fn.type);
    if (code === 'required' && fn.meta.code === undefined && fn.meta.module === undefined) {
      return [`${fn.id}: local runs do not use images; set meta.code or meta.module`];
    }
    return [];
  });
  if (faults.length > 0) throw new ConfigError('not-run-yet', faults.join('\n'));
}
