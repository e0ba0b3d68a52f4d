import { functionsOf, upstreamsOf } from '../topology/document/graph';
import { hasKeys, ownKeyOf } from '../topology/document/keys';
import type { Language } from '../topology/document/language';
import { type FlowFunction, partitionCount, type Topology } from '../topology/document/topology';
import { descriptorOf } from '../topology/function-types/function-type';
import { type FunctionSpec, functionSpecSchema, type OutputSpec } from './function-spec';
import { inputSchemaOf } from './input-schema';
import { deadLetterStream, deadLetterSubject, outputSubject, stateBucket, streamName } from './names';
import type { FunctionConnections } from './plan-connections';
import { timing } from './replica-lifecycle';

/**
 * The fields of the spec that `planSpec` itself plans. Each is required here, so that none is forgotten. `stores` are
 * planned with the function's connections; manifests replace `code` by `codeFile`.
 */
type OwnFields = {
  readonly [Key in Exclude<keyof FunctionSpec, keyof FunctionConnections['stores'] | 'codeFile'>]: FunctionSpec[Key];
};

/**
 * Keys of `meta` that the function does not get: what is elsewhere in the plan, and what controls an update, so that a pause
 * changes neither the spec nor the name of a Job.
 */
const notPassedOn: ReadonlySet<string> = new Set(['code', 'container', 'update', 'pause', 'updatePolicy', 'restart']);

/** The spec of one function's replicas. `epoch` is 0 until the first re-read. */
export function planSpec(
  topology: Topology,
  fn: FlowFunction,
  { stores, epoch = 0, run, makesBuckets }: SpecSettings,
): FunctionSpec {
  const { namespace, jobId, mode } = topology;
  const { meta } = fn;
  const { kind, implicitSchema } = descriptorOf(fn.type);
  const ackWaitMs = timing.ackWaitMs(meta.maxPollIntervalMs);
  const ownMeta = Object.fromEntries(Object.entries(meta.own).filter(([key]) => !notPassedOn.has(key)));
  const own: OwnFields = {
    version: 1,
    namespace,
    jobId,
    mode,
    function: fn.id,
    epoch: epoch === 0 ? undefined : epoch,
    run,
    makesBuckets,
    type: fn.type,
    replicas: fn.parallelism,
    language: meta.language,
    code: meta.code,
    module: meta.module,
    entry: meta.name,
    tasks: tasksOf(fn),
    taskNamespace: fn.tasks === undefined ? undefined : durableOf(fn),
    inputs: upstreamsOf(topology, fn.id).map(({ from, side }) => ({
      function: from,
      stream: streamName(topology, from, side),
      subject: outputSubject(topology, from, side),
      durable: durableOf(fn),
      ...(hasKeys(topology, from, side) ? { partitions: partitionCount } : {}),
    })),
    output: fn.out.length > 0 && kind !== 'sink' ? planOutput(topology, fn) : undefined,
    sideOutputs: fn.sideOuts
      .filter((side) => side.out.length > 0)
      .map((side) => ({ ...planOutput(topology, fn, side.id), id: side.id })),
    schema: fn.schema ?? implicitSchema,
    inputSchema: kind === 'process' && readsSchema(fn) ? inputSchemaOf(topology, fn) : undefined,
    deadLetters: { stream: deadLetterStream(topology), subject: deadLetterSubject(topology, fn.id) },
    stateBucket: stateBucket(topology),
    ackWaitMs,
    maxPollIntervalMs: meta.maxPollIntervalMs,
    maxDeliver: meta.maxDeliver,
    concurrency: meta.concurrency,
    ack: meta.ack === 'manual' ? meta.ack : undefined,
    logicalTypes: meta.logicalTypes || undefined,
    checkpoint: meta.checkpoint,
    rate: meta.rate,
    format: kind === 'sink' ? fn.format : undefined,
    bulk: kind === 'sink' ? meta.bulk : undefined,
    meta: ownMeta,
  };
  return functionSpecSchema.parse({ ...own, ...stores });
}

function tasksOf({ tasks }: FlowFunction): FunctionSpec['tasks'] {
  if (tasks === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(tasks).map(([task, { name: entry, ...others }]) => [task, { ...others, entry }]),
  );
}

/** What code looks like that has an `open`, which gets the schema of the input. */
const opens: { readonly [Each in Language]: RegExp | undefined } = {
  python: /\bdef\s+open\b/,
  typescript: undefined,
  javascript: undefined,
};

/** Whether the code may read the schema of the input. */
function readsSchema({ meta: { language, code } }: FlowFunction): boolean {
  const open = opens[language];
  return open !== undefined && (code === undefined || open.test(code));
}

interface SpecSettings {
  readonly stores: FunctionConnections['stores'];
  readonly epoch?: number;
  readonly run?: number;
  readonly makesBuckets?: true;
}

function planOutput(topology: Topology, fn: FlowFunction, sideId?: string): OutputSpec {
  const side = fn.sideOuts.find((candidate) => candidate.id === sideId);
  const readers = (side ?? fn).out;
  const { maxMsgs, maxBytes } = fn.globalConfig.stream;
  return {
    stream: streamName(topology, fn.id, sideId),
    subject: outputSubject(topology, fn.id, sideId),
    schema: side?.schema,
    maxMsgs,
    maxBytes,
    dedupeWindowMs: timing.dedupeWindowMs(timing.ackWaitMs(fn.meta.maxPollIntervalMs)),
    durables: functionsOf(topology, readers).map(durableOf),
    ...(hasKeys(topology, fn.id, sideId) ? { partitions: { count: partitionCount, ...keyOf(fn, sideId) } } : {}),
  };
}

function keyOf(fn: FlowFunction, sideId: string | undefined): { readonly by?: string } {
  const by = sideId === undefined ? ownKeyOf(fn) : undefined;
  return by === undefined ? {} : { by };
}

/** The durable consumer of a function: its `groupId`, else its id. */
function durableOf(fn: FlowFunction): string {
  return fn.groupId ?? fn.id;
}
