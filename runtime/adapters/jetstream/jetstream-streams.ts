import type { JetStreamManager, NatsConnection } from 'nats';
import { ConfigError } from '../../../lib/errors';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { outputsOf } from '../../../lib/plan/function-spec';
import { deadLetterStream } from '../../../lib/plan/names';
import { flowName } from '../../api-contract/flow-key';
import { Limit } from '../../async/limit';
import type { FunctionProgress, Rewind, Streams } from '../../controller/ports/streams';
import type { Writer } from '../../engine/ports/flow-state';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { JetStreamFlowState } from './jetstream-flow-state';
import { RedriveQueue } from './letters/redrive-queue';
import { provisionFlow } from './provision';
import { readProgress } from './read-progress';
import { callServer, ignoreMissing, quickRequests, readServer } from './retry-request';
import { rewindConsumer } from './rewind-consumer';

/** Flows provisioned concurrently: the server creates streams one by one, and queued requests would time out. */
const provisionLimit = 16;

/** The streams of flows on a JetStream server. Runs and their marks are in the flow's state bucket. */
export class JetStreamStreams implements Streams {
  private readonly provisioning = new Limit(provisionLimit);

  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
  ) {}

  static async open(connection: NatsConnection): Promise<JetStreamStreams> {
    return new JetStreamStreams(connection, await managerOf(connection, quickRequests));
  }

  async provision(plan: FlowPlan): Promise<void> {
    await this.provisioning.run(() => provisionFlow(this.manager, plan));
  }

  async beginRun(plan: FlowPlan, { continues = false }: { readonly continues?: boolean } = {}): Promise<number> {
    if (plan.hasNoRecords) return 1;
    return this.withState(plan, async (state) => {
      if (continues) return state.continueRun();
      if (plan.mode === 'stream') await state.forgetDrifts(); // its run does not end
      return state.beginRun(deadLetterStream(plan));
    });
  }

  async markCompleted(plan: FlowPlan): Promise<void> {
    if (plan.hasNoRecords) return;
    await this.withState(plan, async (state) => state.markCompleted(await state.run()));
  }

  async endedFunctions(plan: FlowPlan): Promise<readonly string[]> {
    if (plan.hasNoRecords) return [];
    const ended = await this.withState(plan, (state) => state.endedFunctions());
    return plan.workloads.map((workload) => workload.function).filter((id) => ended.includes(id));
  }

  async reopen(plan: FlowPlan, functions: readonly string[]): Promise<void> {
    if (plan.hasNoRecords) return;
    const writers: Writer[] = plan.workloads
      .filter((workload) => functions.includes(workload.function))
      .map(({ function: id, spec }) => ({ function: id, streams: outputsOf(spec).map(({ stream }) => stream) }));
    await this.withState(plan, (state) => state.reopen(writers));
  }

  async redriving(plan: FlowPlan): Promise<readonly string[]> {
    const found = await (await RedriveQueue.of(this.connection, plan)).functions();
    return plan.workloads.map((workload) => workload.function).filter((id) => found.includes(id));
  }

  async rewind(plan: FlowPlan, { function: functionId, start }: Rewind): Promise<void> {
    if (start.from === 'letters') return;
    const consumers = plan.consumers.filter((consumer) => consumer.function === functionId);
    if (consumers.length === 0) {
      const message = `${functionId} of ${flowName(plan)} reads no stream, nothing to rewind`;
      throw new ConfigError('config-invalid', message, { where: functionId });
    }
    const views = jetStreamOf(this.connection, quickRequests).views;
    const { manager } = this;
    const { stateBucket } = plan;
    const ports = { manager, bucket: await views.kv(stateBucket, { bindOnly: true }), stateBucket };
    await Promise.all(
      consumers.map((consumer) =>
        callServer(`consumer ${consumer.durable} of ${consumer.stream}`, () => rewindConsumer(ports, consumer, start)),
      ),
    );
  }

  async flushBulks(plan: FlowPlan): Promise<void> {
    if (!plan.workloads.some(({ spec }) => spec.bulk !== undefined)) return;
    await this.withState(plan, (state) => state.requestFlush());
  }

  async progress(plan: FlowPlan): Promise<readonly FunctionProgress[]> {
    return readProgress(this.manager, plan, readServer);
  }

  async remove(plan: FlowPlan): Promise<void> {
    const remove = (name: string) =>
      callServer(`stream ${name}`, () => ignoreMissing(this.manager.streams.delete(name)));
    await Promise.all((await this.ownStreams(plan)).map(remove));
    // last: the flow exists as long as its state bucket does
    await remove(`KV_${plan.stateBucket}`);
  }

  /** Streams of the plan, and those of earlier plans of the flow. */
  private async ownStreams(plan: FlowPlan): Promise<readonly string[]> {
    const { namespace, jobId } = plan;
    const found = await callServer(`streams of ${flowName(plan)}`, async () => {
      const names: string[] = [];
      for await (const name of this.manager.streams.names(`kflow.${namespace}.${jobId}.>`)) names.push(name);
      return names;
    });
    const own = found.filter((name) => name.startsWith(`kflow_${namespace}_${jobId}_`));
    return [...new Set([...plan.streams.map((stream) => stream.name), ...own])];
  }

  private async withState<T>(plan: FlowPlan, use: (state: JetStreamFlowState) => Promise<T>): Promise<T> {
    const state = await JetStreamFlowState.of(this.connection, plan.stateBucket);
    return callServer(`state of ${flowName(plan)}`, () => use(state));
  }
}
