import type { FlowState, Part, Writer } from '../../engine/ports/flow-state';
import type { MemoryStreams } from './memory-streams';

/** The state of a flow with one run, in memory. */
export class MemoryFlowState implements FlowState {
  /** The replica counts with which the parts of a writer were marked, by replica. */
  private readonly parts = new Map<string, Map<number, number>>();
  private readonly ended = new Set<string>();
  private readonly seals = new Map<string, number>();
  private readonly states = new Map<string, Set<number>>();

  constructor(private readonly streams: MemoryStreams) {}

  async run(): Promise<number> {
    return 1;
  }

  async markPartEnded(writer: Writer, { replica, replicas }: Part): Promise<void> {
    const parts = this.parts.get(writer.function) ?? new Map<number, number>();
    this.parts.set(writer.function, parts.set(replica, replicas));
    const isComplete = Array.from({ length: replicas }, (_, each) => parts.get(each) === replicas).every(Boolean);
    if (isComplete) await this.markEnded(writer);
  }

  async markEnded(writer: Writer): Promise<void> {
    for (const stream of writer.streams) this.seals.set(stream, this.streams.stream(stream).lastSequence);
    this.ended.add(writer.function);
  }

  async hasEnded(writer: Writer, { replica, replicas }: Part): Promise<boolean> {
    return this.ended.has(writer.function) || this.parts.get(writer.function)?.get(replica) === replicas;
  }

  async notedStates(functionId: string): Promise<readonly number[]> {
    return [...(this.states.get(functionId) ?? [])];
  }

  async noteState(functionId: string, replica: number): Promise<void> {
    this.states.set(functionId, (this.states.get(functionId) ?? new Set()).add(replica));
  }

  async clearState(functionId: string, replica: number): Promise<void> {
    this.states.get(functionId)?.delete(replica);
  }

  /** Nobody asks for bulks that wait: they are written when the inputs end. */
  async flushRequests(): Promise<number> {
    return 0;
  }

  async sealedAt(stream: string): Promise<number | undefined> {
    return this.seals.get(stream);
  }
}
