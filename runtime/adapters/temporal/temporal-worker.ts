import { existsSync } from 'node:fs';
import path from 'node:path';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { ConfigError } from '../../../lib/errors';
import { pause } from '../../async/pause';
import { packageRoot } from '../../package-root';
import type { TemporalLog, TemporalSettings } from './connect-temporal';

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
  /** Waits for running activities, for at most ten seconds. */
  close(): Promise<void>;
}

/** How long to wait before a failed worker is restarted. */
const restartMs = 1_000;

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
  private loop: Promise<void> = Promise.resolve();
  private isClosing = false;

  constructor(private readonly props: TemporalWorkerProps) {}

  async start(): Promise<void> {
    this.worker = await this.create();
    this.loop = this.supervise();
  }

  isRunning(): boolean {
    return this.worker?.getState() === 'RUNNING';
  }

  async close(): Promise<void> {
    this.isClosing = true;
    if (this.isRunning()) this.worker?.shutdown();
    await this.loop;
  }

  private create(): Promise<Worker> {
    const { connection, settings, activities } = this.props;
    return Worker.create({
      connection,
      ...settings,
      activities,
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
        await this.worker?.run();
      } catch (error) {
        this.props.log('WARNING', `Temporal worker failed: ${(error as Error).message}; restarting`);
      }
      if (this.isClosing) return;
      await pause(restartMs);
      try {
        this.worker = await this.create();
      } catch (error) {
        this.props.log('WARNING', `Temporal worker did not start: ${(error as Error).message}; retrying`);
      }
    }
  }
}
