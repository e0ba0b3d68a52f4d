import { GraphReader } from '../../../../lib/tasks/advance/graph-reader';
import { restoreExecution } from '../../../../lib/tasks/advance/restore-execution';
import { resumeExecution } from '../../../../lib/tasks/advance/resume-execution';
import { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type { ExecutionView } from '../../../api-contract/execution-status';
import { executionView } from '../ports/execution-view';
import type {
  Answer,
  AttemptAnswer,
  ExecutionCommand,
  ExecutionInput,
  ExecutionSnapshot,
  Question,
  SnapshotAnswer,
  StepReport,
} from '../ports/execution-workflow';
import type { SignalMark } from '../ports/signal-marks';
import type { StepRef } from '../ports/step-ref';
import type { Refusal } from './approvals';
import type { ExecutionRuntime } from './execution-runtime';
import { RunRecord } from './run-record';
import { StepDesk } from './step-desk';

/** A snapshot whose JSON is longer goes through the store instead of Temporal. */
const maxPassedLength = 500_000;

/**
 * One run of an execution's workflow: starts steps, takes their reports, and ends with the execution, or continues in a new
 * run.
 *
 * R1. What arrives is queued, and taken by one loop: moves of the execution never overlap.
 * R2. A step's message is stored before anything waits for it, and again if that is uncertain: its id is the same.
 * R3. Everything that the next run needs is in the snapshot.
 * R4. The execution is stored as it ended before its workflow ends.
 * R5. A signal may come twice: its sender repeats one of which the workflow does not know.
 * R6. What has been reported is taken before tasks are sent: a controller that was killed may have sent them, and nats forgets
 *     the ids of messages that were acked before it was killed.
 * R7. The length of the history is read when something arrives: in a replay it is another one after a local activity.
 */
export class ExecutionRun {
  private readonly queue: (() => void)[] = [];
  /** Signals in the queue. */
  private readonly arrived: SignalMark[] = [];
  private record!: RunRecord;
  private desk!: StepDesk;

  constructor(
    private readonly input: ExecutionInput,
    private readonly runtime: ExecutionRuntime,
  ) {}

  /** R1, R5. */
  receive(reports: readonly StepReport[], mark?: SignalMark): void {
    if (mark !== undefined) this.arrived.push(mark);
    this.queue.push(() => {
      if (mark !== undefined) this.arrived.splice(this.arrived.indexOf(mark), 1);
      if (mark !== undefined && !this.record.received.take(mark)) return;
      for (const report of reports) this.desk.report(report);
    });
  }

  /** Numbers of the signals that have not been received. */
  unreceived(marks: readonly SignalMark[]): readonly number[] {
    const isKnown = ({ sender, number }: SignalMark) =>
      this.record?.received.isReceived({ sender, number }) === true ||
      this.arrived.some((each) => each.sender === sender && each.number === number);
    return marks.filter((mark) => !isKnown(mark)).map(({ number }) => number);
  }

  refusalOf(command: ExecutionCommand): Refusal | undefined {
    return this.record === undefined ? undefined : this.desk.refusalOf(command);
  }

  /** Resolves when the command has taken effect. */
  async command(command: ExecutionCommand): Promise<ExecutionView> {
    if (command.kind === 'save') {
      await this.runtime.waitUntil(() => this.record !== undefined);
      await this.keep();
      return this.view();
    }
    let isTaken = false;
    this.queue.push(() => {
      this.desk.command(command, this.input.limits.cancelGraceMs);
      isTaken = true;
    });
    await this.runtime.waitUntil(() => isTaken);
    return this.view();
  }

  answerTo(question: Question): Answer {
    switch (question.kind) {
      case 'snapshot':
        return this.answer();
      case 'attempt':
        return this.isWaitingFor(question.ref, question.worker);
      case 'unreceived':
        return this.unreceived(question.marks);
    }
  }

  isWaitingFor(ref: Omit<StepRef, 'execution'>, worker?: string): AttemptAnswer {
    return this.record === undefined || this.desk.isWaitingFor(ref, worker);
  }

  answer(): SnapshotAnswer | null {
    if (this.record === undefined) return null;
    const snapshot = this.record.snapshot();
    return JSON.stringify(snapshot).length > maxPassedLength ? { isTooLarge: true } : { snapshot };
  }

  async run(): Promise<ExecutionSnapshot> {
    await this.begin();
    const { runtime, desk } = this;
    let isLong = false;
    while (!this.record.isEnded) {
      while (this.input.limits.reportsFirst === true && this.queue.length > 0) this.take(); // R6
      await desk.flush();
      if (this.queue.length === 0 && !desk.isDue() && !this.record.isEnded) {
        if (isLong && desk.isRenewable()) await this.continueInNewRun();
        await runtime.waitUntil(() => this.queue.length > 0, desk.msUntilDue());
        isLong = runtime.isHistoryLong(this.input.limits.historyLength); // R7
      }
      this.take();
    }
    await this.close();
    return this.record.snapshot();
  }

  private view(): ExecutionView {
    return executionView(this.record.snapshot());
  }

  private async begin(): Promise<void> {
    const { begin } = this.input;
    if (begin.kind === 'start') {
      const { graph, input } = begin;
      const definition = begin.isScheduled
        ? { ...begin.definition, execution: this.runtime.scheduledId() }
        : begin.definition;
      const execution = new TaskExecution(new GraphReader(graph), input);
      this.record = RunRecord.start(execution, definition, this.runtime.takenMs());
      this.desk = this.deskOf();
      this.desk.apply(execution.start());
      if (begin.isScheduled === true) await this.keep();
      return;
    }
    const snapshot = begin.kind === 'stored' ? await this.runtime.activities.loadExecution(begin.key) : begin.snapshot;
    const resume = 'resume' in begin ? begin.resume : undefined;
    if (resume === undefined) {
      this.record = RunRecord.continue(restoreExecution(snapshot.graph, snapshot.state), snapshot);
      this.desk = this.deskOf();
      this.desk.takeUp();
      return;
    }
    const { graph: definition, input, inputs, from } = resume;
    const options = { from, inputs, definition, ...(input === undefined ? {} : { input: input.value }) };
    const execution = resumeExecution(snapshot.graph, snapshot.state, options);
    this.record = RunRecord.resume(execution, snapshot, { ...resume, atMs: this.runtime.now() });
    this.desk = this.deskOf();
    this.desk.apply(execution.start());
  }

  private deskOf(): StepDesk {
    const { following = { steps: 0, length: 0 }, calls: maxCalls } = this.input.limits;
    return new StepDesk(this.record, this.runtime, {
      following,
      maxCalls,
      receive: (report) => this.receive([report]),
    });
  }

  private take(): void {
    for (const take of this.queue.splice(0)) take();
    this.desk.takeDue();
  }

  private async continueInNewRun(): Promise<void> {
    await this.runtime.waitUntil(() => this.runtime.areRequestsHandled());
    if (this.queue.length > 0) return;
    const snapshot = this.record.snapshot();
    const { limits } = this.input;
    if (JSON.stringify(snapshot).length <= maxPassedLength) {
      await this.runtime.continueAsNew({ limits, begin: { kind: 'continue', snapshot } });
    }
    await this.keep();
    if (this.queue.length > 0) return;
    const { namespace, execution } = snapshot.definition;
    await this.runtime.continueAsNew({ limits, begin: { kind: 'stored', key: { namespace, execution } } });
  }

  /** R4. */
  private async close(): Promise<void> {
    await this.desk.flush();
    this.record.end(this.runtime.now());
    await this.keep();
    this.take(); // what came too late is refused by the record, and resolves
    await this.runtime.waitUntil(() => this.runtime.areRequestsHandled());
  }

  private keep(): Promise<void> {
    return this.runtime.activities.keepExecution(this.record.snapshot(), this.view());
  }
}
