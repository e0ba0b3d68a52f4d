import { ApplicationFailure, Context } from '@temporalio/activity';

type Activity = (...args: readonly unknown[]) => Promise<unknown>;

/** More than `localRetryThreshold` of local activities: the workflow waits by a timer, so that its worker can end. */
const nextRetryDelay = '6 seconds';

/**
 * The local activities of one worker, which can be postponed when it ends.
 *
 * I1. A worker ends after its local activities, since Temporal's core keeps their workflows until then, and panics when it is
 *     dropped with one: what does not end in time is postponed, for whichever worker has the workflow then.
 * I2. One that fails while the worker ends is postponed too: the core panics when it is dropped before a retry.
 */
export class HeldActivities {
  private readonly running = new Set<() => void>();
  private state: 'works' | 'closes' | 'postpones' = 'works';

  wrap<Activities extends object>(activities: Activities): Activities {
    const wrapped = Object.entries(activities).map(([name, activity]) => [name, this.held(activity as Activity)]);
    return Object.fromEntries(wrapped) as Activities;
  }

  /** The worker is shutting down. */
  close(): void {
    if (this.state === 'works') this.state = 'closes';
  }

  /** Postpones all that run, and each that begins from now on. */
  postpone(): void {
    this.state = 'postpones';
    for (const end of this.running) end();
    this.running.clear();
  }

  private held(activity: Activity): Activity {
    return async (...args) => {
      if (!Context.current().info.isLocal) return activity(...args);
      if (this.state === 'postpones') throw postponed();
      return this.unlessPostponed(activity(...args));
    };
  }

  private unlessPostponed(work: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = () => reject(postponed());
      this.running.add(end);
      work.then(
        (result) => {
          this.running.delete(end);
          resolve(result);
        },
        (error) => {
          if (this.state === 'closes') return;
          this.running.delete(end);
          reject(error);
        },
      );
    });
  }
}

function postponed(): ApplicationFailure {
  return ApplicationFailure.create({ message: 'the worker has ended', type: 'worker-ended', nextRetryDelay });
}
