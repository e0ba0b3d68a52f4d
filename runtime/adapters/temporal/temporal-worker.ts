import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { ConfigError } from '../../../lib/errors';
import { pause } from '../../async/pause';
import { packageRoot } from '../../package-root';
import type { TemporalLog, TemporalSettings } from './connect-temporal';
import { dataConverter } from './gzip-codec';
import { HeldActivities } from './held-activities';

/** The bundled code of all workflows, written by `npm run build`. */
export const workflowBundle = path.join(packageRoot, 'dist/js/runtime/controller/workflow-bundle.js');

export interface TemporalWorkerProps {
  readonly connection: NativeConnection;
  readonly settings: Pick<TemporalSettings, 'namespace' | 'taskQueue'>;
  readonly activities: object;
  readonly log: TemporalLog;
}

export interface TemporalWorker {
  /** Whether the worker polls for tasks. */
  isRunning(): boolean;
  /** Takes no more tasks, and hands running activities over to other workers, until `resume`. */
  suspend(): void;
  resume(): void;
  /** Waits for running activities, for at most ten seconds; local ones go on elsewhere after some seconds. */
  close(): Promise<void>;
}

/** How long to wait before a failed worker is restarted. */
const restartMs = 1_000;
/** How long local activities of a worker that shuts down may run. */
const localGraceMs = 3_000;

/**
 * Starts a worker for all workflows and activities. A worker that fails is restarted. Throws ConfigError when the bundle is
 * missing.
 */
export async function startTemporalWorker(props: TemporalWorkerProps): Promise<TemporalWorker> {
  if (!existsSync(workflowBundle)) {
    throw new ConfigError('config-invalid', `${workflowBundle} does not exist; run npm run build`);
  }
  const supervised = new SupervisedWorker(props);
  await supervised.start();
  return supervised;
}

class SupervisedWorker implements TemporalWorker {
  private worker: Worker | undefined;
  private held = new HeldActivities();
  private loop: Promise<void> = Promise.resolve();
  private isClosing = false;
  private isSuspended = false;
  private readonly wake = new EventEmitter();

  constructor(private readonly props: TemporalWorkerProps) {}

  async start(): Promise<void> {
    this.worker = await this.create();
    this.loop = this.supervise();
  }

  isRunning(): boolean {
    return this.worker?.getState() === 'RUNNING';
  }

  suspend(): void {
    this.isSuspended = true;
    this.shutdown();
  }

  resume(): void {
    this.isSuspended = false;
    this.wake.emit('change');
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.wake.emit('change');
    this.shutdown();
    await this.loop;
  }

  private shutdown(): void {
    const { worker, held } = this;
    if (worker?.getState() !== 'RUNNING') return;
    held.close();
    worker.shutdown();
    setTimeout(() => held.postpone(), localGraceMs).unref();
  }

  private create(): Promise<Worker> {
    const { connection, settings, activities } = this.props;
    this.held = new HeldActivities();
    return Worker.create({
      connection,
      ...settings,
      activities: this.held.wrap(activities),
      dataConverter,
      workflowBundle: { codePath: workflowBundle },
      // waits are activities, and every flow that is changing has a few of them
      maxConcurrentActivityTaskExecutions: 1_000,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxCachedWorkflows: 100,
      // another worker takes over the workflows of a killed one after this time
      stickyQueueScheduleToStartTimeout: '1 second',
      maxHeartbeatThrottleInterval: '1 second',
      defaultHeartbeatThrottleInterval: '1 second',
      shutdownGraceTime: '1 second',
      shutdownForceTime: '10 seconds',
    });
  }

  private async supervise(): Promise<void> {
    while (!this.isClosing) {
      try {
        await this.runWorker();
      } catch (error) {
        this.props.log('WARNING', `Temporal worker failed: ${(error as Error).message}; restarting`);
      }
      await this.untilWanted();
      if (this.isClosing) return;
      try {
        this.worker = await this.create();
      } catch (error) {
        this.props.log('WARNING', `Temporal worker did not start: ${(error as Error).message}; retrying`);
      }
    }
  }

  /** Resolves when the worker has ended; one that is not wanted any more ends at once. */
  private async runWorker(): Promise<void> {
    const running = this.worker?.run();
    if (this.isSuspended || this.isClosing) this.shutdown();
    await running;
  }

  /** Resolves a moment after the worker has ended, when it is to run again or to close. */
  private async untilWanted(): Promise<void> {
    if (!this.isClosing && !this.isSuspended) await pause(restartMs);
    while (this.isSuspended && !this.isClosing) await once(this.wake, 'change');
  }
}
