import type { Heartbeat } from '../api-contract/task-message';
import type { TaskLinks } from './ports/task-links';
import type { RunningTask } from './running-task';

/** The shortest time between two heartbeats of a task: what it reports meanwhile is sent with the next. */
const leastMs = 1_000;
/** A task without a heartbeat timeout asks so often whether it is still needed: a notice of a cancel may be lost. */
const askEveryMs = 15_000;

interface Beat {
  progress: unknown;
  sentAtMs: number;
  isDue: boolean;
}

export interface HeartbeatProps {
  readonly worker: string;
  readonly links: Pick<TaskLinks, 'heartbeat'>;
  readonly canceled: (task: RunningTask) => void;
}

/** Sends the heartbeats of tasks to a controller, which answers whether a task is still needed. */
export class TaskHeartbeats {
  private readonly beats = new Map<RunningTask, Beat>();

  constructor(private readonly props: HeartbeatProps) {}

  began(task: RunningTask): void {
    this.beats.set(task, { progress: undefined, sentAtMs: 0, isDue: false });
    this.askLater(task);
  }

  /** The code of the task is alive. */
  report(task: RunningTask, progress: unknown): void {
    const beat = this.beats.get(task);
    if (beat === undefined) return;
    if (progress !== undefined) beat.progress = progress;
    if (beat.isDue) return;
    beat.isDue = true;
    const { heartbeatMs = 4 * leastMs } = task.message.timeouts ?? {};
    const waitMs = beat.sentAtMs + Math.min(leastMs, heartbeatMs / 4) - Date.now();
    if (waitMs <= 0) void this.send(task, beat);
    else task.after(waitMs, () => void this.send(task, beat));
  }

  ended(task: RunningTask): void {
    this.beats.delete(task);
  }

  /** Where a heartbeat timeout is set, the code itself has to send heartbeats while it runs. */
  private askLater(task: RunningTask): void {
    const { heartbeatMs } = task.message.timeouts ?? {};
    task.after(heartbeatMs === undefined ? askEveryMs : heartbeatMs / 3, () => {
      if (heartbeatMs === undefined || !task.isInCode) this.report(task, undefined);
      this.askLater(task);
    });
  }

  private async send(task: RunningTask, beat: Beat): Promise<void> {
    beat.isDue = false;
    beat.sentAtMs = Date.now();
    const { progress } = beat;
    const heartbeat = heartbeatOf(task, this.props.worker, progress === undefined ? {} : { progress });
    const answer = await this.props.links.heartbeat(heartbeat);
    if (answer?.isCanceled === true && this.beats.has(task)) this.props.canceled(task);
  }
}

export function heartbeatOf(
  { message }: RunningTask,
  worker: string,
  more: Pick<Heartbeat, 'progress' | 'lease'> = {},
): Heartbeat {
  const { id, token } = message;
  return { v: 1, id, token, worker, ...more };
}
