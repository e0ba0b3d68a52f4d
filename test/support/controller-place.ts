import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import type { NatsConnection } from 'nats';
import { MemoryCluster } from '../../bench/memory-cluster';
import { connectNats } from '../../runtime/adapters/jetstream/access/connect-nats';
import { DerivedKeys } from '../../runtime/adapters/nats-accounts/derived-keys';
import { tokenIdentity } from '../../runtime/adapters/nats-accounts/identities';
import { accountsConfig, operatorConfig } from '../../runtime/adapters/nats-accounts/server-config';
import { connectTemporal, type TemporalLinks } from '../../runtime/adapters/temporal/connect-temporal';
import { TemporalWorkflows } from '../../runtime/adapters/temporal/temporal-workflows';
import { queuePrefix } from '../../runtime/adapters/temporal/workflow-ids';
import type { ExecutionKey } from '../../runtime/api-contract/execution-key';
import { type FlowKey, parseFlowName } from '../../runtime/api-contract/flow-key';
import { executionWorkflowId } from '../../runtime/controller/executions/ports/execution-workflow';
import type { ExecutionController } from '../../runtime/controller/executions/service/execution-controller';
import type { FlowService } from '../../runtime/controller/flows/ports/flow-service';
import { type FlowWorkflows, flowKind } from '../../runtime/controller/flows/ports/flow-workflow';
import { type ControllerSettings, readControllerSettings } from '../../runtime/controller/settings/settings';
import { type RunningController, startController } from '../../runtime/controller/start-controller';
import { ensureKeyFile } from '../../runtime/installation/key-file';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import { startTemporalServer, type TemporalServer } from '../../runtime/servers/temporal-server';
import { type ChainChanges, chainTopology } from './chain-topology';
import { closeAfterFile } from './close-after-file';
import { FlowClient } from './flow-client';
import { serverFiles } from './server-files';
import { waitFor } from './wait-for';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** A controller with real nats and Temporal servers, over a cluster that runs nothing. */
export class ControllerPlace extends FlowClient {
  readonly close = closeAfterFile('a controller and its servers', async () => {
    await this.controller.close();
    await this.temporal.stop();
    await this.nats.stop();
    rmSync(this.folder, { recursive: true });
  });

  private constructor(
    private readonly folder: string,
    readonly nats: NatsServer,
    readonly temporal: TemporalServer,
    private controller: RunningController,
    private readonly settings: ControllerSettings,
    readonly cluster: MemoryCluster,
    readonly keys: DerivedKeys,
    /** File with the installation key. */
    readonly keyFile: string,
  ) {
    super(controller.url);
  }

  /** Limits are those of the controller's settings, times in seconds. */
  static async open(
    limits: {
      readonly pauseGrace?: number;
      readonly ready?: number;
      readonly historyLength?: number;
      readonly tokens?: string;
      readonly loginHours?: number;
      /** Those of requests with a category. */
      readonly addresses?: string;
      /** The only namespaces with an account, which the configuration of nats fixes; default: the controller makes accounts. */
      readonly namespaces?: readonly string[];
    } = {},
  ): Promise<ControllerPlace> {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-controller-'));
    const at = (name: string) => serverFiles(folder, name);
    const keyFile = path.join(folder, 'installation.key');
    const keys = new DerivedKeys(ensureKeyFile(keyFile));
    const { namespaces } = limits;
    const config =
      namespaces === undefined
        ? operatorConfig(keys, path.join(folder, 'nats/accounts'))
        : [accountsConfig(keys, namespaces)];
    const nats = await startNatsServer({ ...at('nats'), config });
    const temporal = await startTemporalServer(at('temporal'));
    const settings = readControllerSettings({
      KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: keyFile,
      KFLOW_CONTROLLER_NATS_URL: nats.url,
      KFLOW_CONTROLLER_NATS_REPLICAS: '1',
      KFLOW_CONTROLLER_NATS_ACCOUNTS_KIND: namespaces === undefined ? 'operator' : 'config',
      KFLOW_CONTROLLER_NATS_ACCOUNTS_LOGIN_HOURS: limits.loginHours === undefined ? '' : String(limits.loginHours),
      KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
      KFLOW_CONTROLLER_LISTEN_PORT: '0',
      KFLOW_CONTROLLER_REQUESTS_ADDRESSES: limits.addresses,
      KFLOW_CONTROLLER_ACCESS_KIND: limits.tokens === undefined ? 'open' : 'tokens',
      KFLOW_CONTROLLER_ACCESS_FILE: limits.tokens,
      KFLOW_CONTROLLER_TEMPORAL_HISTORY_LENGTH: String(limits.historyLength ?? 4_000),
      KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS: String(limits.pauseGrace ?? 5),
      KFLOW_CONTROLLER_TIMES_READY_SECONDS: String(limits.ready ?? 3),
    });
    const cluster = new MemoryCluster();
    const controller = await startController(settings, { log: () => undefined, cluster });
    return new ControllerPlace(folder, nats, temporal, controller, settings, cluster, keys, keyFile);
  }

  /** Closes the controller, and starts another one in its place. */
  async restart(): Promise<void> {
    await this.controller.close();
    const listen = { ...this.settings.listen, port: Number(new URL(this.url).port) };
    this.controller = await startController(
      { ...this.settings, listen },
      { log: () => undefined, cluster: this.cluster },
    );
  }

  /** The service behind the API. */
  get service(): FlowService {
    return this.controller.service;
  }

  /** The service of executions behind the API. */
  get executions(): ExecutionController {
    return this.controller.executions;
  }

  submit(flow: string, changes: ChainChanges = {}): Promise<{ status: number; body: never }> {
    return this.call('POST', `/kflows/v1/${flow}`, chainTopology(changes));
  }

  update(flow: string, changes: ChainChanges): Promise<{ status: number; body: never }> {
    return this.call('POST', '/kflows/update/v1', { ...keyOf(flow), ...chainTopology(changes) });
  }

  /** Submits a flow and waits until it is healthy. */
  async running(flow: string, changes: ChainChanges = {}): Promise<void> {
    const { status, body } = await this.submit(flow, changes);
    if (status !== 201) throw new Error(`${flow} was not taken: ${status} ${JSON.stringify(body)}`);
    await this.untilHealthy(flow);
  }

  /** Desired replicas by function. */
  async desired(flow: string): Promise<{ [functionId: string]: number }> {
    const workloads = await this.cluster.workloads(keyOf(flow));
    return Object.fromEntries(workloads.map((state) => [state.function, state.desired]));
  }

  /** Id of the current run of a flow's workflow. */
  runOf(flow: string): Promise<string | undefined> {
    return this.withWorkflows(async (workflows) => (await workflows.describe(keyOf(flow)))?.runId);
  }

  /** Terminates the flow's workflow in Temporal. */
  terminate(flow: string): Promise<void> {
    return this.withWorkflows((workflows) =>
      workflows.closeAs(keyOf(flow), { status: 'Terminated', reason: 'a test' }),
    );
  }

  /** Has Temporal cancel the flow's workflow. */
  cancel(flow: string): Promise<void> {
    return this.withWorkflows((workflows) => workflows.closeAs(keyOf(flow), { status: 'Canceled', reason: 'a test' }));
  }

  /** Has Temporal cancel the workflow of an execution. */
  cancelExecution(key: ExecutionKey): Promise<void> {
    return this.withTemporal(async ({ client }) => {
      await client.workflow.getHandle(`${queuePrefix('kflow')}${executionWorkflowId(key)}`).cancel();
    });
  }

  /** The histories of the workflows whose ids have this in them, one of each run. */
  histories(part: string): Promise<readonly { readonly workflowId: string; readonly history: History }[]> {
    return this.withTemporal(async ({ client: { workflow } }) => {
      const found: { readonly workflowId: string; readonly history: History }[] = [];
      for await (const { workflowId, runId } of workflow.list()) {
        if (!workflowId.includes(part)) continue;
        found.push({ workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() });
      }
      return found;
    });
  }

  /** Removes the workflow of an execution from Temporal. */
  async loseExecution(key: ExecutionKey): Promise<void> {
    await this.withTemporal(async ({ client }) => {
      const handle = client.workflow.getHandle(`${queuePrefix('kflow')}${executionWorkflowId(key)}`);
      const workflowExecution = { workflowId: handle.workflowId };
      await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
      const isGone = () =>
        handle.describe().then(
          () => false,
          (error) => error instanceof WorkflowNotFoundError,
        );
      await waitFor('the workflow to be gone', isGone);
    });
  }

  /** As the controller is connected to the account of a namespace. The caller closes it. */
  connect(namespace: string): Promise<NatsConnection> {
    const account = this.keys.ofNamespace(namespace);
    return connectNats({ url: this.nats.url, identity: tokenIdentity(account, account.controller) }, 'test');
  }

  /** Changes the configuration of nats, which reads it anew. */
  reconfigureNats(change: (text: string) => string): void {
    const file = path.join(this.folder, 'nats/nats.conf');
    const before = readFileSync(file, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} is as it was`);
    writeFileSync(file, after);
    process.kill(Number(this.nats.pid()), 'SIGHUP');
  }

  async removeStream(name: string, namespace: string): Promise<void> {
    const connection = await this.connect(namespace);
    await (await connection.jetstreamManager()).streams.delete(name);
    await connection.close();
  }

  private withWorkflows<T>(use: (workflows: FlowWorkflows) => Promise<T>): Promise<T> {
    return this.withTemporal(({ client }) => use(new TemporalWorkflows(client, 'kflow', flowKind)));
  }

  private async withTemporal<T>(use: (links: TemporalLinks) => Promise<T>): Promise<T> {
    const settings = { address: this.temporal.address, namespace: 'default', taskQueue: 'kflow' };
    const links = await connectTemporal(settings, () => undefined);
    try {
      return await use(links);
    } finally {
      await links.close();
    }
  }
}

function keyOf(flow: string): FlowKey {
  return parseFlowName(flow) ?? { namespace: '', jobId: '' };
}
