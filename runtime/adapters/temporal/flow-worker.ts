import { existsSync } from 'node:fs';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { ConfigError } from '../../../lib/errors';
import { pause } from '../../async/pause';
import type { TemporalSettings } from './connect-temporal';
import type { TemporalLog } from './install-runtime';

export interface FlowWorkerProps {
  readonly connection: NativeConnection;
  readonly settings: Pick<TemporalSettings, 'namespace' | 'taskQueue'>;
  readonly activities: object;
  /** File of the workflows' code, bundled at build time. */
  readonly bundle: string;
  readonly log: TemporalLog;
}

export interface FlowWorker {
  /** Whether it asks for work. */
  isRunning(): boolean;
  /** Lets what runs end, at most for the grace time of ten seconds. */
  close(): Promise<void>;
}

/** A worker that ended by itself is started again after this long. */
const restartMs = 1_000;

/** Runs flows' workflows and activities, and goes on when the server was away. Throws ConfigError without the bundle. */
export async function startFlowWorker(props: FlowWorkerProps): Promise<FlowWorker> {
  if (!existsSync(props.bundle)) {
    throw new ConfigError('config-invalid', `${props.bundle} is missing: run npm run build first`);
  }
  const supervised = new SupervisedWorker(props);
  await supervised.start();
  return supervised;
}

class SupervisedWorker implements FlowWorker {
  private worker: Worker | undefined;
  private loop: Promise<void> = Promise.resolve();
  private isClosing = false;

  constructor(private readonly props: FlowWorkerProps) {}

  async start(): Promise<void> {
    this.worker = await this.create();
    this.loop = this.keepRunning();
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
    const { connection, settings, activities, bundle } = this.props;
    return Worker.create({
      connection,
      ...settings,
      activities,
      workflowBundle: { codePath: bundle },
      // waits are activities: a few for each flow that is being changed
      maxConcurrentActivityTaskExecutions: 1_000,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxCachedWorkflows: 100,
      // a killed worker's workflows are waited for no longer than this
      stickyQueueScheduleToStartTimeout: '1 second',
      maxHeartbeatThrottleInterval: '1 second',
      defaultHeartbeatThrottleInterval: '1 second',
      shutdownGraceTime: '1 second',
      shutdownForceTime: '10 seconds',
    });
  }

  private async keepRunning(): Promise<void> {
    while (!this.isClosing) {
      try {
        await this.worker?.run();
      } catch (error) {
        this.props.log('WARNING', `the Temporal worker ended: ${(error as Error).message}; it is started again`);
      }
      if (this.isClosing) return;
      await pause(restartMs);
      try {
        this.worker = await this.create();
      } catch (error) {
        this.props.log('WARNING', `the Temporal worker was not started: ${(error as Error).message}`);
      }
    }
  }
}
