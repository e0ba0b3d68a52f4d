import type { BulkDecision, BulkLog } from '../../runtime/engine/ports/bulk-log';
import { BulkDecisions, rangesOf } from '../../runtime/engine/sinks/bulk-decisions';

interface Shared extends Omit<BulkDecision, 'input'> {
  readonly stream: string;
}

/** What the bulk logs of a sink's replicas share. */
export class SharedBulks {
  readonly decisions: Shared[] = [];
}

/** The bulk log of one replica, in memory. */
export class MemoryBulkLog implements BulkLog {
  private readonly known = new BulkDecisions();
  private head = 0;
  /** Set: the log cannot be reached. */
  failure: Error | undefined;

  /** `streams` names the stream of each input; a recreated one has another name. */
  constructor(
    private readonly shared: SharedBulks,
    private readonly streams: readonly string[],
  ) {
    this.readNext();
  }

  of(origin: { readonly input: number; readonly sequence: number }): BulkDecision | undefined {
    return this.known.of(origin);
  }

  async decide({ input, key, sequences }: Parameters<BulkLog['decide']>[0]): Promise<BulkDecision | undefined> {
    if (this.failure !== undefined) throw this.failure;
    if (this.readNext()) return undefined;
    const stream = this.streams[input] ?? '';
    this.shared.decisions.push({ number: this.head + 1, stream, key, ranges: rangesOf(sequences) });
    this.readNext();
    return this.known.of({ input, sequence: sequences[0] ?? 0 });
  }

  async written({ number }: BulkDecision, epoch: number): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const decision = this.shared.decisions[number - 1];
    if (decision === undefined) return;
    const written = { ...decision, writtenIn: epoch };
    this.shared.decisions[number - 1] = written;
    this.add(written);
  }

  private readNext(): boolean {
    const next = this.shared.decisions.slice(this.head);
    for (const decision of next) this.add(decision);
    this.head += next.length;
    return next.length > 0;
  }

  private add({ stream, ...decision }: Shared): void {
    const input = this.streams.indexOf(stream);
    if (input >= 0) this.known.add({ ...decision, input });
  }
}
