import path from 'node:path';
import { createInterface } from 'node:readline';
import { controllerNodeOptions } from '../../../lib/plan/controller-requirements';
import { type GuardedProcess, spawnGuarded } from '../../../runtime/adapters/processes/guard';
import type { ExecutionKey } from '../../../runtime/api-contract/execution-key';
import type { ExecutionDetail } from '../../../runtime/api-contract/execution-status';
import type { StartResult } from '../../../runtime/controller/executions/ports/execution-service';
import { BareWorker, type TaskFunction } from '../../support/bare-worker';
import { ControllerPlace } from '../../support/controller-place';
import { waitFor } from '../../support/wait-for';

const requester = { by: 'tester' };

/** Executions of one namespace on real servers, with workers over a bare client. */
export class ExecutionPlace {
  private readonly workers: BareWorker[] = [];
  private readonly others: GuardedProcess[] = [];

  private constructor(
    readonly controller: ControllerPlace,
    readonly namespace: string,
  ) {}

  static async open(
    namespace = 'team',
    limits: Parameters<typeof ControllerPlace.open>[0] = {},
  ): Promise<ExecutionPlace> {
    const controller = await ControllerPlace.open(limits);
    await controller.executions.workers(namespace); // the account of the namespace is made at its first use
    return new ExecutionPlace(controller, namespace);
  }

  get service(): ControllerPlace['executions'] {
    return this.controller.executions;
  }

  /** A worker with a connection of its own. */
  async worker(
    tasks: { readonly [name: string]: TaskFunction },
    taskNamespace = 'default',
    options: Pick<Parameters<typeof BareWorker.start>[1], 'onReported' | 'goesOn'> = {},
  ): Promise<BareWorker> {
    const { namespace } = this;
    const connection = await this.controller.connect(namespace);
    const worker = await BareWorker.start(connection, { ...options, namespace, taskNamespace, tasks });
    this.workers.push(worker);
    return worker;
  }

  /** Starts another controller of the same installation, as a process that can be killed. */
  async otherController(stderr: 2 | 'pipe' = 2): Promise<GuardedProcess> {
    const { nats, temporal, keyFile } = this.controller;
    const started = spawnGuarded({
      command: process.execPath,
      args: [controllerNodeOptions, path.join(__dirname, '../../../dist/js/bench/controller-once.js')],
      env: {
        ...process.env,
        KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: keyFile,
        KFLOW_CONTROLLER_NATS_URL: nats.url,
        KFLOW_CONTROLLER_NATS_REPLICAS: '1',
        KFLOW_CONTROLLER_NATS_ACCOUNTS_KIND: 'operator',
        KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
        KFLOW_CONTROLLER_LISTEN_PORT: '0',
        KFLOW_RUNTIME_LOG_LEVEL: 'WARNING',
      },
      stdout: 'pipe',
      stderr,
    });
    this.others.push(started);
    if (started.stdout === null) throw new Error('the controller has no stdout');
    for await (const line of createInterface(started.stdout)) if (line.includes('"url"')) break;
    return started;
  }

  start(flow: string, input: unknown = {}, id?: string): Promise<StartResult> {
    const request = { flow, input, attributes: {}, ...(id === undefined ? {} : { id }) };
    return this.service.start(this.namespace, request, requester);
  }

  /** Starts an execution, and waits until it has ended. */
  async run(flow: string, input: unknown = {}): Promise<ExecutionDetail> {
    const { execution } = await this.start(flow, input);
    return this.ended(execution);
  }

  ended(key: ExecutionKey): Promise<ExecutionDetail> {
    return this.until(key, ({ endedAt }) => endedAt !== null);
  }

  until(key: ExecutionKey, holds: (detail: ExecutionDetail) => boolean): Promise<ExecutionDetail> {
    return waitFor(`${key.execution} to meet ${holds}`, () => this.service.get(key), holds);
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.close();
    for (const other of this.others) other.kill('SIGKILL');
    await this.controller.close();
  }
}
