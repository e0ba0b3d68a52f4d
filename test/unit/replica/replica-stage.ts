import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { MemoryGroupLog } from '../../../runtime/adapters/memory/memory-group-log';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import type { FlowState } from '../../../runtime/engine/ports/flow-state';
import { readEnvironment } from '../../../runtime/replica/environment';
import type { ReplicaLinks } from '../../../runtime/replica/links';
import type { ReplicaContext } from '../../../runtime/replica/replica-context';
import { ReplicaHealth } from '../../../runtime/replica/replica-health';
import { ManualPublisher, ManualSource } from '../../support/engine-ports';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { specOf } from '../plan/planned';

/** The context of a replica whose streams, consumers and flow state the test controls. */
export class ReplicaStage {
  readonly publisher = new ManualPublisher();
  readonly inputs: readonly ManualSource[];
  readonly stop = new AbortController();
  /** Ids of the messages that are already in the output streams. */
  readonly storedIds: string[] = [];
  readonly logs: string[] = [];
  /** The marks that the replica has made: `ended`, or `part ended` with the streams. */
  readonly marks: string[] = [];
  /** Last sequence of each sealed stream. */
  readonly sealed = new Map<string, number>();
  /** Ack floor of each stream's consumer. */
  readonly acked = new Map<string, number>();
  /** Messages of each stream that are delivered and not acked. */
  readonly unacked = new Map<string, number>();
  /** The streams whose seal the replica has read, in order. */
  readonly sealReads: string[] = [];
  hasEnded = false;
  /** Replicas whose state an earlier start has noted. */
  notedStates: readonly number[] = [];
  flushRequests = 0;
  readonly context: ReplicaContext;

  constructor(plan: FlowPlan, id: string, changes: Partial<FunctionSpec> = {}) {
    const spec = { ...specOf(plan, id), ...changes };
    this.inputs = spec.inputs.map(({ stream }) => new ManualSource(stream));
    const health = new ReplicaHealth(this.stop.signal);
    health.enter('loading');
    this.context = {
      spec,
      environment: readEnvironment({ KFLOW_SPEC: 'spec.json', KFLOW_NATS_URL: 'nats://nats:4222' }),
      links: this.links(),
      errorCounts: { sent: 0, dropped: 0 },
      counters: { in: 0, out: 0, failed: 0, dead: 0 },
      health,
      log: (_level, text) => this.logs.push(text),
      stop: this.stop.signal,
    };
  }

  /** True when the replica takes records. */
  get isReady(): boolean {
    return this.context.health.whyNotReady() === undefined;
  }

  until(condition: () => boolean): Promise<boolean> {
    return waitFor(String(condition), condition);
  }

  private links(): ReplicaLinks {
    const state: FlowState & { position(): Promise<{ start: number; save(): void }> } = {
      run: async () => 1,
      hasEnded: async () => this.hasEnded,
      markEnded: async ({ streams }) => void this.marks.push(`ended ${streams.join(' ')}`),
      markPartEnded: async ({ streams }) => void this.marks.push(`part ended ${streams.join(' ')}`),
      notedStates: async () => this.notedStates,
      noteState: async () => void this.marks.push('state noted'),
      flushRequests: async () => this.flushRequests,
      clearState: async () => void this.marks.push('state cleared'),
      sealedAt: async (stream) => {
        this.sealReads.push(stream);
        return this.sealed.get(stream);
      },
      position: async () => ({ start: 0, save: () => undefined }),
    };
    const info = async (stream: string) => {
      const [floor, unacked] = [this.acked.get(stream) ?? 0, this.unacked.get(stream) ?? 0];
      const delivered = { stream_seq: floor + unacked };
      return { ack_floor: { stream_seq: floor }, delivered, num_ack_pending: unacked, num_pending: 0 };
    };
    const streams = { info: async () => ({ state: { last_seq: this.storedIds.length } }) };
    const manager = { consumers: { info }, streams };
    const consumers = { get: async () => this.outputConsumer() };
    return {
      inputs: this.inputs,
      redrives: { start: () => undefined, demand: () => undefined, stop: () => undefined, isDone: async () => true },
      publisher: this.publisher,
      writer: new OutputWriter(this.publisher, { maxPayload: 1_000 }),
      claims: {},
      openGroupLog: async () => new MemoryGroupLog(),
      beginLife: async () => ({ isAfterCrash: false, endCleanly: async () => undefined }),
      schemas: { schemaOf: async () => numbered },
      state,
      manager,
      connection: { jetstreamManager: async () => manager, jetstream: () => ({ consumers }) },
    } as unknown as ReplicaLinks;
  }

  private outputConsumer() {
    const messages = this.storedIds.map((id) => ({ headers: { get: () => id }, info: { pending: 1 } }));
    return {
      info: async () => ({ num_pending: messages.length }),
      fetch: async () => messages.splice(0),
      delete: async () => undefined,
    };
  }
}
