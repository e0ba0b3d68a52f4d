import type { TaskPolicy } from '../../../../lib/tasks/graph/task-policy';
import type { SharedValues } from '../ports/shared-values';
import { includes, type StepRef } from '../ports/step-ref';
import { awaitLatch, changeLatch, forgetSteps, type Latch } from './latch';
import { leavePlaces, nextStart, type Places, type Starts, takePlace } from './limit';

export interface LatchWaitsProps {
  readonly shared: SharedValues;
  /** Tells executions about these steps: that their wait is over, or that they have a place. */
  readonly wake: (namespace: string, steps: readonly StepRef[], kind: 'succeeded' | 'place') => Promise<void>;
  /** Whether the execution of the step has ended. */
  readonly hasEnded: (namespace: string, step: StepRef) => Promise<boolean>;
}

interface TaskLimit<Limit> {
  readonly ref: StepRef;
  readonly base: string;
  readonly limit: Limit;
}

type Concurrency = NonNullable<TaskPolicy['concurrency']>;
type Rate = NonNullable<TaskPolicy['rate']>;

/**
 * Latches, concurrency limits and rates of a namespace, shared by its executions.
 *
 * L1. Who is to be told is stored until the execution knows it, so a controller that ends in between loses nobody.
 * L2. Everything may be done twice for a step, and counts once.
 * L3. The places of an execution that somebody ended in Temporal are found by those who wait for them.
 */
export class LatchWaits {
  constructor(private readonly props: LatchWaitsProps) {}

  async change(
    namespace: string,
    name: string,
    { step, by }: { readonly step: StepRef; readonly by: 1 | -1 },
  ): Promise<void> {
    const key = latchKey(name);
    const waking = await this.props.shared.change<Latch, readonly StepRef[]>(namespace, key, (latch) => {
      const next = changeLatch(latch, { step, by, nowMs: Date.now() });
      return { next, result: next.waking };
    });
    await this.wake(namespace, { key, waking, kind: 'succeeded' });
  }

  /** Whether there is nothing to wait for. */
  countdown(namespace: string, name: string, step: StepRef): Promise<boolean> {
    return this.props.shared.change<Latch, boolean>(namespace, latchKey(name), (latch) => {
      const { next, isOpen } = awaitLatch(latch, step);
      return { next, result: isOpen };
    });
  }

  forget(namespace: string, name: string, step: StepRef): Promise<void> {
    return this.props.shared.change<Latch, void>(namespace, latchKey(name), (latch) => ({
      next: forgetSteps(latch, [step], Date.now()),
      result: undefined,
    }));
  }

  /** Whether the step has a place now; else it is told when it has one. */
  takePlace(namespace: string, { ref, base, limit }: TaskLimit<Concurrency>): Promise<boolean> {
    return this.props.shared.change<Places, boolean>(namespace, limitKey(base, limit.key), (places) => {
      const { next, hasPlace } = takePlace(places, ref, limit);
      return { next, result: hasPlace };
    });
  }

  async leavePlace(namespace: string, { ref, base, limit }: TaskLimit<Concurrency>): Promise<void> {
    await this.freePlaces(namespace, limitKey(base, limit.key), [ref]);
  }

  /** When the step may start, in ms since 1970. */
  nextStart(namespace: string, { ref, base, limit }: TaskLimit<Rate>): Promise<number> {
    return this.props.shared.change<Starts, number>(namespace, rateKey(base, limit.key), (starts) => {
      const { next, atMs } = nextStart(starts, ref, { ...limit, nowMs: Date.now() });
      return { next, result: atMs };
    });
  }

  /** Tells those that a controller may not have told, and frees the places of executions that have ended. */
  async sweep(namespace: string): Promise<void> {
    const { shared, hasEnded } = this.props;
    for (const [key, { waking }] of await shared.all<Latch>(namespace, 'latch/')) {
      await this.wake(namespace, { key, waking, kind: 'succeeded' });
    }
    for (const [key, { waking, waiting, taken }] of await shared.all<Places>(namespace, 'limit/')) {
      await this.wake(namespace, { key, waking, kind: 'place' });
      if (waiting.length === 0) continue;
      const gone: StepRef[] = [];
      for (const step of taken) if (await hasEnded(namespace, step)) gone.push(step); // L3
      if (gone.length > 0) await this.freePlaces(namespace, key, gone);
    }
  }

  private async freePlaces(namespace: string, key: string, steps: readonly StepRef[]): Promise<void> {
    const waking = await this.props.shared.change<Places, readonly StepRef[]>(namespace, key, (places) => {
      const next = leavePlaces(places, steps);
      return { next, result: next?.waking ?? [] };
    });
    await this.wake(namespace, { key, waking, kind: 'place' });
  }

  /** L1. */
  private async wake(
    namespace: string,
    {
      key,
      waking,
      kind,
    }: { readonly key: string; readonly waking: readonly StepRef[]; readonly kind: 'succeeded' | 'place' },
  ): Promise<void> {
    if (waking.length === 0) return;
    await this.props.wake(namespace, waking, kind);
    await this.props.shared.change<Latch | Places, void>(namespace, key, (value) => ({
      next:
        value === undefined ? undefined : { ...value, waking: value.waking.filter((each) => !includes(waking, each)) },
      result: undefined,
    }));
  }
}

function latchKey(name: string): string {
  return `latch/${encoded(name)}`;
}

function limitKey(base: string, key = ''): string {
  return `limit/${encoded(`${base} ${key}`)}`;
}

function rateKey(base: string, key = ''): string {
  return `rate/${encoded(`${base} ${key}`)}`;
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
