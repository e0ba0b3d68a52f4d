import type { StepId } from '../../../../lib/tasks/advance/step-id';
import type { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type {
  ExecutionDefinition,
  ExecutionSnapshot,
  LogEntry,
  Resume,
  StepNote,
  StepReport,
} from '../ports/execution-workflow';
import { wireRun } from '../ports/task-id';
import { ReceivedSignals } from './received-signals';

/** What is known about an execution besides the state of its graph. */
export class RunRecord {
  readonly notes = new Map<StepId, StepNote>();
  readonly received: ReceivedSignals;
  private readonly log: LogEntry[];
  private early: readonly StepReport[];
  private endedMs: number | undefined;
  private isTerminated = false;

  private constructor(
    readonly execution: TaskExecution,
    private readonly begun: Pick<
      ExecutionSnapshot,
      'definition' | 'run' | 'startedMs' | 'log' | 'notes' | 'early' | 'received'
    >,
  ) {
    this.log = [...begun.log];
    this.early = begun.early ?? [];
    this.received = new ReceivedSignals(begun.received);
    execution.claimMark = begun.definition.incarnation;
    for (const [id, note] of Object.entries(begun.notes)) this.notes.set(id, note);
  }

  static start(execution: TaskExecution, definition: ExecutionDefinition, startedMs: number): RunRecord {
    const { by, comment } = definition;
    const log: LogEntry[] = [{ atMs: startedMs, what: 'started', by, ...(comment === undefined ? {} : { comment }) }];
    return new RunRecord(execution, { definition, run: 1, startedMs, log, notes: {} });
  }

  static continue(execution: TaskExecution, snapshot: ExecutionSnapshot): RunRecord {
    const record = new RunRecord(execution, snapshot);
    record.isTerminated = snapshot.isTerminated === true;
    return record;
  }

  /** The next run, after an execution has ended. */
  static resume(
    execution: TaskExecution,
    { endedMs: _, isTerminated: __, early: ___, received: ____, ...snapshot }: ExecutionSnapshot,
    { by, comment, atMs }: Pick<Resume, 'by' | 'comment'> & { readonly atMs: number },
  ): RunRecord {
    const entry: LogEntry = { atMs, what: 'resumed', by, ...(comment === undefined ? {} : { comment }) };
    return new RunRecord(execution, { ...snapshot, run: snapshot.run + 1, log: [...snapshot.log, entry] });
  }

  /** As messages have it. */
  get wireRun(): number {
    const { definition, run } = this.begun;
    return wireRun(definition.incarnation, run);
  }

  get startedMs(): number {
    return this.begun.startedMs;
  }

  get definition(): ExecutionDefinition {
    return this.begun.definition;
  }

  get isEnded(): boolean {
    return this.execution.outcome !== undefined;
  }

  add(entry: LogEntry): void {
    this.log.push(entry);
  }

  /** Keeps a report until its attempt begins. */
  keepEarly(report: StepReport): void {
    this.early = [...this.early, report];
  }

  /** The reports that came before their attempt began. */
  takeEarly(step: StepId, attempt: number): readonly StepReport[] {
    const isOf = (report: StepReport) => report.step === step && report.attempt === attempt;
    const found = this.early.filter(isOf);
    if (found.length > 0) this.early = this.early.filter((report) => !isOf(report));
    return found;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  end(atMs: number): void {
    this.endedMs = atMs;
    const outcomes = { completed: 'completed', failed: 'failed', canceled: 'stopped' } as const;
    const { outcome } = this.execution;
    if (outcome !== undefined) this.add({ atMs, what: outcomes[outcome.status] });
  }

  snapshot(): ExecutionSnapshot {
    const { execution, begun, endedMs } = this;
    return {
      v: 1,
      definition: begun.definition,
      graph: execution.reader.graph,
      state: execution.state(),
      run: begun.run,
      startedMs: begun.startedMs,
      ...(endedMs === undefined ? {} : { endedMs }),
      notes: Object.fromEntries(this.notes),
      log: this.log,
      ...(this.early.length > 0 ? { early: this.early } : {}),
      received: this.received.marks(),
      ...(this.isTerminated ? { isTerminated: true } : {}),
    };
  }
}
