import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import { isAlive } from './kflow-cli';
import type { RunningStack } from './running-stack';

/** What was wrong, from the first look that found it to the last one in a row. */
interface Wrong {
  readonly what: string;
  readonly sinceMs: number;
  untilMs: number;
}

const everyMs = 200;

/**
 * Looks at a flow's status and at its processes again and again, and finds what the status says that is not so. A look at
 * which the API does not answer says nothing.
 */
export class StatusWatch {
  looks = 0;
  /** How many processes wanted a processor at most, for each processor; 1 at least. */
  slowness = 1;
  private wanted: readonly FlowStatus['status'][] = [];
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

  /** Says what the status may be from now on, after what was asked for. */
  want(...statuses: readonly FlowStatus['status'][]): void {
    this.wanted = statuses;
  }

  /** Ends the watch and gives what was wrong for longer than this. */
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
      return undefined; // the controller is away
    }
  }

  private faultsOf({ status, health, functions }: FlowStatus): readonly string[] {
    const pids = this.stack.pidsOf(this.flow);
    const alive = (id: string) => (pids[id] ?? []).filter(isAlive).length;
    const isResting = status !== 'Running' && status !== 'Pausing' && status !== 'Stopping';
    return [
      ...(this.wanted.includes(status) ? [] : [`${status}, where ${this.wanted.join(' or ')} is wanted`]),
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
    this.looks++;
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
