import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryCluster } from '../../bench/memory-cluster';
import { connectTemporal } from '../../runtime/adapters/temporal/connect-temporal';
import { TemporalWorkflows } from '../../runtime/adapters/temporal/temporal-workflows';
import type { FlowStatus } from '../../runtime/controller/api/schemas';
import type { FlowKey } from '../../runtime/controller/ports/flow-key';
import { readControllerSettings } from '../../runtime/controller/settings';
import { type RunningController, startController } from '../../runtime/controller/start-controller';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import { startTemporalServer, type TemporalServer } from '../../runtime/servers/temporal-server';

/** How long anything may take. */
const patienceMs = 20_000;

/** A controller with real nats and Temporal servers, over a cluster that runs nothing. */
export class ControllerPlace {
  private constructor(
    private readonly folder: string,
    readonly nats: NatsServer,
    readonly temporal: TemporalServer,
    private readonly controller: RunningController,
    readonly cluster: MemoryCluster,
  ) {}

  /** As the controller's settings have them, times in seconds. */
  static async open(
    limits: { readonly pauseGrace?: number; readonly ready?: number; readonly historyLength?: number } = {},
  ): Promise<ControllerPlace> {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-controller-'));
    const at = (name: string) => ({ dataDir: path.join(folder, name), logFile: path.join(folder, `${name}.log`) });
    const nats = await startNatsServer(at('nats'));
    const temporal = await startTemporalServer(at('temporal'));
    const settings = readControllerSettings({
      KFLOW_CONTROLLER_NATS_URL: nats.url,
      KFLOW_CONTROLLER_NATS_REPLICAS: '1',
      KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
      KFLOW_CONTROLLER_LISTEN_PORT: '0',
      KFLOW_CONTROLLER_TEMPORAL_HISTORY_LENGTH: String(limits.historyLength ?? 4_000),
      KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS: String(limits.pauseGrace ?? 5),
      KFLOW_CONTROLLER_TIMES_READY_SECONDS: String(limits.ready ?? 3),
    });
    const cluster = new MemoryCluster();
    const controller = await startController(settings, { log: () => undefined, cluster });
    return new ControllerPlace(folder, nats, temporal, controller, cluster);
  }

  get url(): string {
    return this.controller.url;
  }

  async call(method: string, pathName: string, body?: unknown): Promise<{ status: number; body: never }> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(`${this.controller.url}${pathName}`, { method, headers, body: text });
    const said = await answer.text();
    return { status: answer.status, body: (/^[[{]/.test(said) ? JSON.parse(said) : said) as never };
  }

  async status(flow: string): Promise<FlowStatus> {
    return (await this.call('GET', `/kflows/v1/${flow}`)).body;
  }

  /** Waits until a flow is as it should be. */
  until(flow: string, isThere: (status: FlowStatus) => boolean): Promise<FlowStatus> {
    return this.untilSaid(`/kflows/v1/${flow}`, isThere);
  }

  /** Waits until an answer is as it should be; throws with what it is when it does not get there. */
  async untilSaid<T>(pathName: string, isThere: (body: T) => boolean): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const body: T = (await this.call('GET', pathName)).body;
      if (isThere(body)) return body;
      if (Date.now() > deadline) throw new Error(`${pathName} did not get there: ${JSON.stringify(body)}`);
      await delay(20);
    }
  }

  /** Waits until a flow is in a phase and has nothing left to do for it. */
  untilIn(flow: string, phase: FlowStatus['status']): Promise<FlowStatus> {
    return this.until(flow, ({ status, health }) => status === phase && health.state !== 'starting');
  }

  /** Id of the run that Temporal has of a flow's workflow now. */
  runOf(flow: string): Promise<string | undefined> {
    return this.withWorkflows(async (workflows) => (await workflows.describe(keyOf(flow)))?.runId);
  }

  /** As somebody does it in Temporal. */
  terminate(flow: string): Promise<void> {
    return this.withWorkflows((workflows) => workflows.closeAs(keyOf(flow), 'Terminated', 'a test'));
  }

  private async withWorkflows<T>(use: (workflows: TemporalWorkflows) => Promise<T>): Promise<T> {
    const settings = { address: this.temporal.address, namespace: 'default', taskQueue: 'kflow' };
    const links = await connectTemporal(settings, () => undefined);
    try {
      return await use(new TemporalWorkflows(links.client, 'kflow'));
    } finally {
      await links.close();
    }
  }

  async close(): Promise<void> {
    await this.controller.close();
    await this.temporal.stop();
    await this.nats.stop();
    rmSync(this.folder, { recursive: true });
  }
}

function keyOf(flow: string): FlowKey {
  const [namespace = '', jobId = ''] = flow.split('/');
  return { namespace, jobId };
}
