import { taskWire } from '../../lib/plan/task-names';
import type { WorkerEntry } from '../api-contract/task-message';
import type { Log } from '../engine/ports/host';
import type { WorkerDirectory } from './ports/task-links';

export interface WorkerAnnouncerProps {
  readonly directory: Pick<WorkerDirectory, 'announce' | 'withdraw'>;
  readonly log: Log;
  readonly entry: () => Omit<WorkerEntry, 'v' | 'since' | 'lastSeen'>;
}

/** Keeps a worker listed from `start` until `stop`. */
export class WorkerAnnouncer {
  private readonly since = new Date().toISOString();
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly props: WorkerAnnouncerProps) {}

  /** Resolves when the worker is listed, or that was tried. */
  start(): Promise<void> {
    this.timer = setInterval(() => this.announce(), taskWire.announceEveryMs);
    return this.announce();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
    const { directory, log } = this.props;
    await directory.withdraw().catch((error) => log('DEBUG', `still announced: ${String(error)}`));
  }

  private announce(): Promise<void> {
    const { directory, log, entry } = this.props;
    const now = { since: this.since, lastSeen: new Date().toISOString() };
    this.last = directory
      .announce({ v: 1, ...entry(), ...now })
      .catch((error) => log('DEBUG', `not announced: ${String(error)}`));
    return this.last;
  }
}
