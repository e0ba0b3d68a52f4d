import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import { flowPhases } from '../../runtime/api-contract/flow-phase';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import type { RunningStack } from './running-stack';

/** A wrong statement of the status, from the first to the last poll of an unbroken sequence. */
interface Wrong {
  readonly what: string;
  readonly sinceMs: number;
  untilMs: number;
}

const everyMs = 200;

/**
 * Polls a flow's status and its processes, and collects statements of the status that are wrong. A poll without an answer
 * from the API does not count.
 */
export class StatusWatch {
  polls = 0;
  /** Highest load per processor during the watch, at least 1. */
  slowness = 1;
  private expected: readonly FlowStatus['status'][] = [];
  private readonly open = new Map<string, Wrong>();
  private readonly wrongs: Wrong[] = [];
  private readonly end = new AbortController();
  private readonly watching: Promise<void>;

  constructor(
    private readonly stack: RunningStack,
    private readonly flow: string,
  ) {
    this.watching = this.watch();
  }

  /** Sets the phases that the status may show from now on. */
  expect(...statuses: readonly FlowStatus['status'][]): void {
    this.expected = statuses;
  }

  /** Ends the watch and returns the statements that were wrong for longer than this. */
  async wrongFor(ms: number): Promise<readonly string[]> {
    this.end.abort();
    await this.watching;
    return this.wrongs
      .filter(({ sinceMs, untilMs }) => untilMs - sinceMs > ms)
      .map(({ what, sinceMs, untilMs }) => `${what}, for ${untilMs - sinceMs} ms`);
  }

  private async watch(): Promise<void> {
    while (!this.end.signal.aborted) {
      const status = await this.read();
      if (status !== undefined) this.note(this.faultsOf(status));
      await delay(everyMs, undefined, { signal: this.end.signal }).catch(() => undefined);
    }
  }

  private async read(): Promise<FlowStatus | undefined> {
    try {
      const url = `${this.stack.file.url}/kflows/v1/${this.flow}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      return answer.status === 200 ? ((await answer.json()) as FlowStatus) : undefined;
    } catch {
      return undefined; // the controller is unavailable
    }
  }

  private faultsOf({ status, health, functions }: FlowStatus): readonly string[] {
    const pids = this.stack.pidsOf(this.flow);
    const alive = (id: string) => (pids[id] ?? []).filter(isAlive).length;
    const isResting = flowPhases[status].replicas === 'none';
    return [
      ...(this.expected.includes(status) ? [] : [`${status}, expected ${this.expected.join(' or ')}`]),
      ...(isResting && Object.keys(pids).some((id) => alive(id) > 0) ? [`${status} while replicas run`] : []),
      ...functions
        .filter(({ function: id, replicas }) => health.state === 'healthy' && alive(id) < replicas)
        .map(
          ({ function: id, replicas }) => `${status} and healthy with ${alive(id)} of ${replicas} replicas of ${id}`,
        ),
      ...functions
        .filter(({ function: id, ready }) => ready > alive(id))
        .map(({ function: id, ready }) => `${ready} replicas of ${id} ready of ${alive(id)}`),
    ];
  }

  private note(faults: readonly string[]): void {
    this.polls++;
    this.slowness = Math.max(this.slowness, (loadavg()[0] ?? 0) / availableParallelism());
    const now = Date.now();
    for (const what of this.open.keys()) if (!faults.includes(what)) this.open.delete(what);
    for (const what of faults) {
      const wrong = this.open.get(what) ?? { what, sinceMs: now, untilMs: now };
      if (!this.open.has(what)) this.wrongs.push(wrong);
      this.open.set(what, wrong);
      wrong.untilMs = now;
    }
  }
}
