import type { ConsumerInfo, JetStreamManager, StreamInfo } from 'nats';
import type { FlowPlan, PlannedWorkload } from '../../../lib/plan/flow-plan';
import { type OutputSpec, outputsOf } from '../../../lib/plan/function-spec';
import { deadLetterSubject, redriveStream, redriveSubject } from '../../../lib/plan/names';
import { consumersOf } from '../../../lib/plan/partitions';
import type { FunctionProgress, InputProgress, OutputProgress } from '../../controller/ports/streams';
import { type Drift, lostOf } from '../../engine/drift/drift';
import { usageOf } from '../../engine/plan-trim';
import { readDrifts } from './keepers/drift-notes';
import { countLettersOf, oldestLetterOf } from './letters/letter-counts';
import { lettersBefore } from './read-run';
import type { readServer } from './retry-request';
import { ignoreMissing } from './retry-request';
import { startFloorOf } from './rewind-consumer';

/** The server's information about one flow's streams and consumers; undefined for those that do not exist. */
interface Infos {
  readonly streams: ReadonlyMap<string, StreamInfo | undefined>;
  readonly consumers: ReadonlyMap<string, ConsumerInfo | undefined>;
  /** Dead letters by function. */
  readonly letters: ReadonlyMap<string, LetterCounts>;
  /** Undefined without a state bucket. */
  readonly drifts: readonly Drift[] | undefined;
}

/** A function's dead letters. */
interface LetterCounts {
  readonly dead: number;
  readonly oldestDead?: string;
  readonly redriving?: number;
}

const noLetters: LetterCounts = { dead: 0 };

/**
 * Reads the progress of every function: one request for each stream and consumer, concurrently, sent by `read`. What does
 * not exist counts nothing and is listed as missing.
 */
export async function readProgress(
  manager: JetStreamManager,
  plan: FlowPlan,
  read: typeof readServer,
): Promise<readonly FunctionProgress[]> {
  const infos = await readInfos(manager, plan, read);
  return plan.workloads.map((workload) => progressOf(plan, workload, infos));
}

async function readInfos(manager: JetStreamManager, plan: FlowPlan, read: typeof readServer): Promise<Infos> {
  const [streams, consumers, drifts] = await Promise.all([
    Promise.all(
      plan.streams.map(async ({ name, role }) => {
        const options = role === 'dead-letters' ? { subjects_filter: '>' } : undefined;
        const info = await read(`stream ${name}`, () => ignoreMissing(manager.streams.info(name, options)));
        return [name, info] as const;
      }),
    ),
    Promise.all(
      plan.consumers.map(async ({ stream, durable }) => {
        const name = `consumer ${durable} of ${stream}`;
        const info = await read(name, () => ignoreMissing(manager.consumers.info(stream, durable)));
        return [consumerKey(stream, durable), info] as const;
      }),
    ),
    plan.hasNoRecords ? [] : read(`bucket ${plan.stateBucket}`, () => readDrifts(manager, plan.stateBucket)),
  ]);
  const infos = { streams: new Map(streams), consumers: new Map(consumers), drifts };
  return { ...infos, letters: await readLetters(manager, plan, infos.streams, read) };
}

/** The letters of the current run by function. Those of earlier runs stay in the stream, and do not count. */
async function readLetters(
  manager: JetStreamManager,
  plan: FlowPlan,
  streams: Infos['streams'],
  read: typeof readServer,
): Promise<ReadonlyMap<string, LetterCounts>> {
  const name = plan.streams.find(({ role }) => role === 'dead-letters')?.name ?? '';
  const info = streams.get(name);
  if (info === undefined || Object.keys(info.state.subjects ?? {}).length === 0) return new Map();
  const after = await read(`bucket ${plan.stateBucket}`, () => lettersBefore(manager, plan.stateBucket));
  const queue = redriveStream(plan);
  const all = { subjects_filter: redriveSubject(plan, '*') };
  const queued = await read(`stream ${queue}`, () => ignoreMissing(manager.streams.info(queue, all)));
  const redriven = Object.keys(queued?.state.subjects ?? {});
  const counts = plan.workloads.map(async ({ function: id }) => {
    const place = { subject: deadLetterSubject(plan, id), after };
    const dead = await read(`stream ${name}`, () => countLettersOf(manager, info, place));
    if (dead === 0) return [id, noLetters] as const;
    const oldestDead = await read(`stream ${name}`, () => oldestLetterOf(manager, name, place));
    const own = redriveSubject(plan, id).slice(0, -1);
    const redriving = redriven.filter((subject) => subject.startsWith(own)).length;
    const state = { ...(oldestDead === undefined ? {} : { oldestDead }), ...(redriving === 0 ? {} : { redriving }) };
    return [id, { dead, ...state }] as const;
  });
  return new Map(await Promise.all(counts));
}

function progressOf(plan: FlowPlan, workload: PlannedWorkload, infos: Infos): FunctionProgress {
  const { function: functionId, spec } = workload;
  const drifts = (infos.drifts ?? []).filter((drift) => drift.function === functionId);
  const missing = missingOf(plan, workload, infos);
  return {
    function: functionId,
    inputs: spec.inputs.flatMap((input) => {
      const found = consumersOf(input).map((each) => infos.consumers.get(consumerKey(each.stream, each.durable)));
      const consumers = found.filter((info) => info !== undefined);
      if (consumers.length < found.length) return [];
      const lost = lostOf(drifts.filter(isAbout(input.stream)));
      return [inputOf(input, { consumers, stream: infos.streams.get(input.stream), lost })];
    }),
    outputs: outputsOf(spec).flatMap((output) => {
      const info = infos.streams.get(output.stream);
      return info === undefined ? [] : [outputOf(info, output)];
    }),
    ...(infos.letters.get(functionId) ?? noLetters),
    ...(drifts.length === 0 ? {} : { drifts }),
    ...(missing.length === 0 ? {} : { missing }),
  };
}

/** A stream is missing at its writer, a consumer at its reader, and what the whole flow shares at every function. */
function missingOf(plan: FlowPlan, { spec }: PlannedWorkload, infos: Infos): readonly string[] {
  if (plan.hasNoRecords) return [];
  const streams = [...outputsOf(spec).map(({ stream }) => stream), spec.deadLetters.stream];
  return [
    ...streams.filter((name) => infos.streams.get(name) === undefined).map((name) => `stream ${name}`),
    ...spec.inputs
      .flatMap(consumersOf)
      .filter(({ stream, durable }) => infos.consumers.get(consumerKey(stream, durable)) === undefined)
      .map(({ stream, durable }) => `consumer ${durable} of ${stream}`),
    ...(infos.drifts === undefined ? [`bucket ${plan.stateBucket}`] : []),
  ];
}

interface InputInfos {
  /** One, or one for each partition. */
  readonly consumers: readonly ConsumerInfo[];
  readonly stream: StreamInfo | undefined;
  readonly lost: number;
}

function inputOf(input: PlannedWorkload['spec']['inputs'][number], infos: InputInfos): InputProgress {
  const { consumers, lost } = infos;
  const pending = consumers.reduce((sum, { num_pending }) => sum + num_pending, 0);
  const ackPending = consumers.reduce((sum, { num_ack_pending }) => sum + num_ack_pending, 0);
  const before = Math.min(...consumers.map(({ config }) => startFloorOf(config)));
  const delivered = deliveredOf(input, infos, pending) - before - lost;
  return {
    stream: input.stream,
    from: input.function,
    pending,
    ackPending,
    acked: Math.max(0, delivered - ackPending),
  };
}

/** The server counts removed records as delivered. The consumer of a partition does not count the records of others. */
function deliveredOf(
  { partitions }: PlannedWorkload['spec']['inputs'][number],
  { consumers, stream }: InputInfos,
  pending: number,
): number {
  const [only] = consumers;
  return partitions === undefined ? (only?.delivered.stream_seq ?? 0) : (stream?.state.last_seq ?? 0) - pending;
}

function isAbout(stream: string): (drift: Drift) => boolean {
  return ({ reason, id }) => reason === 'RecordsRemoved' && id.startsWith(`${stream}-`);
}

function outputOf({ state }: StreamInfo, { stream, maxMsgs, maxBytes }: OutputSpec): OutputProgress {
  const { messages, bytes, last_seq: lastSequence } = state;
  return { stream, lastSequence, messages, bytes, usage: usageOf({ messages, bytes, maxMsgs, maxBytes }) };
}

function consumerKey(stream: string, durable: string): string {
  return `${stream}/${durable}`;
}
