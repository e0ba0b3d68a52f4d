import type { ConsumerInfo, JetStreamManager, StreamInfo } from 'nats';
import type { FlowPlan, PlannedWorkload } from '../../../lib/plan/flow-plan';
import { type OutputSpec, outputsOf } from '../../../lib/plan/function-spec';
import { deadLetterSubject } from '../../../lib/plan/names';
import type { FunctionProgress, InputProgress, OutputProgress } from '../../controller/ports/streams';
import { usageOf } from '../../engine/plan-trim';
import type { readServer } from './retry-request';
import { startFloorOf } from './rewind-consumer';

/** The server's information about one flow's streams and consumers. */
interface Infos {
  readonly streams: ReadonlyMap<string, StreamInfo>;
  readonly consumers: ReadonlyMap<string, ConsumerInfo>;
}

/** Reads the progress of every function: one request for each stream and consumer, concurrently, sent by `read`. */
export async function readProgress(
  manager: JetStreamManager,
  plan: FlowPlan,
  read: typeof readServer,
): Promise<readonly FunctionProgress[]> {
  const infos = await readInfos(manager, plan, read);
  return plan.workloads.map((workload) => progressOf(plan, workload, infos));
}

async function readInfos(manager: JetStreamManager, plan: FlowPlan, read: typeof readServer): Promise<Infos> {
  const [streams, consumers] = await Promise.all([
    Promise.all(
      plan.streams.map(async ({ name, role }) => {
        const options = role === 'dead-letters' ? { subjects_filter: '>' } : undefined;
        const info = await read(`stream ${name}`, () => manager.streams.info(name, options));
        return [name, info] as const;
      }),
    ),
    Promise.all(
      plan.consumers.map(async ({ stream, durable }) => {
        const name = `consumer ${durable} of ${stream}`;
        const info = await read(name, () => manager.consumers.info(stream, durable));
        return [consumerKey(stream, durable), info] as const;
      }),
    ),
  ]);
  return { streams: new Map(streams), consumers: new Map(consumers) };
}

function progressOf(plan: FlowPlan, workload: PlannedWorkload, infos: Infos): FunctionProgress {
  const { function: functionId, spec } = workload;
  const dead = infos.streams.get(spec.deadLetters.stream)?.state.subjects;
  return {
    function: functionId,
    inputs: spec.inputs.flatMap((input) => {
      const info = infos.consumers.get(consumerKey(input.stream, input.durable));
      return info === undefined ? [] : [inputOf(info, input)];
    }),
    outputs: outputsOf(spec).flatMap((output) => {
      const info = infos.streams.get(output.stream);
      return info === undefined ? [] : [outputOf(info, output)];
    }),
    dead: dead?.[deadLetterSubject(plan, functionId)] ?? 0,
  };
}

function inputOf(info: ConsumerInfo, input: PlannedWorkload['spec']['inputs'][number]): InputProgress {
  const delivered = info.delivered.stream_seq - startFloorOf(info.config);
  return {
    stream: input.stream,
    from: input.function,
    pending: info.num_pending,
    ackPending: info.num_ack_pending,
    acked: Math.max(0, delivered - info.num_ack_pending),
  };
}

function outputOf({ state }: StreamInfo, { stream, maxMsgs, maxBytes }: OutputSpec): OutputProgress {
  const { messages, bytes, last_seq: lastSequence } = state;
  return { stream, lastSequence, messages, bytes, usage: usageOf({ messages, bytes, maxMsgs, maxBytes }) };
}

function consumerKey(stream: string, durable: string): string {
  return `${stream}/${durable}`;
}
