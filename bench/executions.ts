import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { connect, type JsMsg, type NatsConnection } from 'nats';
import { resultSubject, taskStream } from '../lib/plan/task-names';
import { ensureTaskConsumer, ensureTaskStreams } from '../runtime/adapters/jetstream/tasks/ensure-task-streams';
import type { TaskMessage } from '../runtime/api-contract/task-message';
import { Limit } from '../runtime/async/limit';
import type { ExecutionService } from '../runtime/controller/executions/ports/execution-service';
import { readControllerSettings } from '../runtime/controller/settings/settings';
import { startController } from '../runtime/controller/start-controller';
import { ensureKeyFile } from '../runtime/installation/key-file';
import { startNatsServer } from '../runtime/servers/nats-server';
import { startTemporalServer } from '../runtime/servers/temporal-server';
import { MemoryCluster } from './memory-cluster';
import { quantile } from './quantile';

const namespace = 'bench';
/** Executions that are timed one after the other, and those of the throughput; `KFLOW_BENCH_EXECUTIONS` overrides the latter. */
const timed = 200;
const many = Number(process.env.KFLOW_BENCH_EXECUTIONS ?? 1_000);
const atOnce = 50;
const patience = 60_000;

/**
 * Measures executions whose tasks one worker passes on, beside plain Temporal workflows with as many activities on the same
 * server: the time from start to end of one step and of three, one execution at a time, as a ratio; then the throughput and
 * memory of 1,000 executions of five steps.
 */
export async function benchExecutions(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-bench-'));
  const place = (name: string) => ({ dataDir: path.join(folder, name), logFile: path.join(folder, `${name}.log`) });
  const nats = await startNatsServer(place('nats'));
  const temporal = await startTemporalServer(place('temporal'));
  const keyFile = path.join(folder, 'installation.key');
  ensureKeyFile(keyFile);
  const settings = readControllerSettings({
    KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: keyFile,
    KFLOW_CONTROLLER_NATS_URL: nats.url,
    KFLOW_CONTROLLER_NATS_REPLICAS: '1',
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
    KFLOW_CONTROLLER_LISTEN_PORT: '0',
  });
  const controller = await startController(settings, { log: () => undefined, cluster: new MemoryCluster() });
  const connection = await connect({ servers: nats.url, noAsyncTraces: true });
  await startPassing(connection);
  const plain = await startPlain(temporal.address);
  try {
    const { executions } = controller;
    for (const steps of [1, 3]) {
      const times: { readonly [kind: string]: number[] } = { kflow: [], plain: [] };
      // alternating, so that both meet the same server
      for (let run = -20; run < timed; run++) {
        const kflow = await time(() => runFlow(executions, steps));
        const other = await time(() => plain.run(steps));
        if (run < 0) continue; // warm-up
        times.kflow?.push(kflow);
        times.plain?.push(other);
      }
      process.stdout.write(`executions of ${steps} step${steps === 1 ? '' : 's'}: ${compared(times)}\n`);
    }
    await benchMany(executions, plain.run);
  } finally {
    await plain.close();
    await connection.close();
    await controller.close();
    await temporal.stop();
    await nats.stop();
    rmSync(folder, { recursive: true });
  }
}

async function benchMany(executions: ExecutionService, runPlain: (steps: number) => Promise<void>): Promise<void> {
  const starts = Array.from({ length: many }, (_, at) => at);
  const rssMb = () => Math.round(process.memoryUsage().rss / 2 ** 20);
  const before = rssMb();
  const kflowMs = await time(async () => void (await new Limit(atOnce).map(starts, () => runFlow(executions, 5))));
  const after = rssMb();
  const plainMs = await time(async () => void (await new Limit(atOnce).map(starts, () => runPlain(5))));
  const rate = (ms: number) => `${Math.round((many * 1_000) / ms)}/s`;
  process.stdout.write(
    `${many} executions of 5 steps, ${atOnce} at a time: ${rate(kflowMs)}, plain activities ${rate(plainMs)}; ` +
      `memory of controller, worker and client in one process: ${before} MB before, ${after} MB after\n`,
  );
}

async function runFlow(executions: ExecutionService, steps: number): Promise<void> {
  const flow = Array.from({ length: steps }, () => 'pass').join(' -> ');
  const request = { flow, input: { x: 1 }, attributes: {} };
  const { execution } = await executions.start(namespace, request, { by: 'bench' });
  const detail = await executions.wait(execution, patience, AbortSignal.timeout(patience));
  if (detail.status !== 'Completed') throw new Error(`${detail.status}: ${detail.reason}`);
}

/** A worker that returns its input: as the protocol says, and no more. */
async function startPassing(connection: NatsConnection): Promise<void> {
  const manager = await connection.jetstreamManager();
  await ensureTaskStreams(manager, namespace);
  await ensureTaskConsumer(manager, { namespace, taskNamespace: 'default' });
  const client = connection.jetstream();
  const pass = async (message: JsMsg) => {
    const { id, token, execution, input } = message.json<TaskMessage>();
    const at = new Date().toISOString();
    const result = { v: 1, id, token, kind: 'succeeded', at, worker: 'bench', output: input };
    await client.publish(resultSubject(namespace, execution), JSON.stringify(result), { msgID: `${id}/succeeded` });
    message.ack();
  };
  const consumer = await client.consumers.get(taskStream(namespace), 'default');
  await consumer.consume({ max_messages: 500, callback: (message) => void pass(message) });
}

async function startPlain(address: string) {
  const taskQueue = 'plain';
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowsPath: path.join(__dirname, 'plain-chain.js'),
    activities: { pass: async (value: unknown) => value },
    maxConcurrentActivityTaskExecutions: 1_000,
    maxCachedWorkflows: 500,
  });
  const running = worker.run();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  let count = 0;
  return {
    run: async (steps: number) => {
      const workflowId = `plain-${++count}`;
      await client.workflow.execute('plainChain', { workflowId, taskQueue, args: [steps, { x: 1 }] });
    },
    close: async () => {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

async function time(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function compared({ kflow = [], plain = [] }: { readonly [kind: string]: readonly number[] }): string {
  return [0.5, 0.95]
    .map((part) => {
      const [ours, theirs] = [quantile(kflow, part), quantile(plain, part)];
      return `p${part * 100} ${ours.toFixed(1)} ms, plain activities ${theirs.toFixed(1)} ms, ratio ${(ours / theirs).toFixed(2)}`;
    })
    .join('; ');
}
