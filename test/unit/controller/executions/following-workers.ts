import type { StepReport } from '../../../../runtime/controller/executions/ports/execution-workflow';
import type { ExecutionStage, SentOrder } from '../../../support/execution-stage';
import type { Random } from '../../../support/random';
import { outputOf } from '../../tasks/random-flow';
import { Failure } from '../../tasks/support';

/** A task that a worker runs. */
interface Run {
  readonly order: SentOrder;
  readonly input: unknown;
  /** The order whose message the worker has. */
  readonly message: SentOrder;
  readonly isFirst: boolean;
}

/**
 * Workers of an execution that go on with what follows, or not, die, and report late and in any order. `begun` has the steps
 * that were started after they had succeeded.
 */
export class FollowingWorkers {
  readonly startedAgain: string[] = [];
  private readonly running = new Set<Run>();
  private readonly lost: SentOrder[] = [];
  private readonly reports: {
    readonly order: SentOrder;
    readonly report: Partial<StepReport> & Pick<StepReport, 'kind'>;
  }[] = [];
  private taken = 0;

  constructor(
    private readonly stage: ExecutionStage,
    private readonly random: Random,
    /** How often a worker goes on, and how often one dies. */
    private readonly chances: { readonly follow: number; readonly die: number },
  ) {}

  /** One thing happens; false if nothing can. */
  async step(): Promise<boolean> {
    for (const order of this.stage.sent.slice(this.taken))
      this.begin({ order, input: order.input, message: order, isFirst: true });
    this.taken = this.stage.sent.length;
    const run = this.oneOf([...this.running]);
    const chance = this.random.next();
    if (run !== undefined && chance < this.chances.die) this.die(run);
    else if (run !== undefined && chance < 0.5) this.end(run);
    else if (this.reports.length > 0) await this.deliver();
    else if (this.lost.length > 0) await this.redeliver();
    else if (run !== undefined) this.end(run);
    else return false;
    return true;
  }

  private begin(run: Run): void {
    const { step, name } = run.order;
    if (this.stage.status(step) === 'succeeded') this.startedAgain.push(`${name} (${step})`);
    this.running.add(run);
  }

  private end(run: Run): void {
    const { order, input, message, isFirst } = run;
    this.running.delete(run);
    const started = { id: order.step, index: Number.parseInt(order.step, 10), input };
    const output = outputOf(order.name, started, true);
    if (output instanceof Failure) {
      this.reports.push({ order, report: { kind: 'failed', error: output.error, worker: 'w' } });
      return;
    }
    const next = isFirst && this.random.next() < this.chances.follow ? this.stage.following(order) : undefined;
    const continues = next === undefined ? {} : { continues: true as const };
    this.reports.push({ order, report: { kind: 'succeeded', output, worker: 'w', ...continues } });
    if (next !== undefined) this.begin({ order: next, input: output, message, isFirst });
  }

  private die({ message }: Run): void {
    for (const run of this.running) if (run.message === message) this.running.delete(run);
    this.lost.push(message);
  }

  private async deliver(): Promise<void> {
    const [next] = this.reports.splice(this.random.upTo(this.reports.length) - 1, 1);
    if (next !== undefined) await this.stage.report(next.order, next.report);
  }

  private async redeliver(): Promise<void> {
    const message = this.lost.shift();
    if (message === undefined) return;
    const answer = this.stage.answer(message);
    if (answer === 'continued') await this.stage.report(message, { kind: 'returned' });
    else if (answer) this.begin({ order: message, input: message.input, message, isFirst: false });
  }

  private oneOf(runs: readonly Run[]): Run | undefined {
    return runs.length === 0 ? undefined : this.random.oneOf(runs);
  }
}
