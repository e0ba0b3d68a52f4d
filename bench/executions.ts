import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { connect, type JsMsg, type NatsConnection } from 'nats';
import { resultSubject, taskStream } from '../lib/plan/task-names';
import { ensureTaskConsumer, ensureTaskStreams } from '../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { queuePrefix } from '../runtime/adapters/temporal/workflow-ids';
import type { ExecutionKey } from '../runtime/api-contract/execution-key';
import type { TaskMessage } from '../runtime/api-contract/task-message';
import { Limit } from '../runtime/async/limit';
import type { ExecutionService } from '../runtime/controller/executions/ports/execution-service';
import { executionWorkflowId } from '../runtime/controller/executions/ports/execution-workflow';
import { readControllerSettings } from '../runtime/controller/settings/settings';
import { startController } from '../runtime/controller/start-controller';
import { ensureKeyFile } from '../runtime/installation/key-file';
import { startNatsServer } from '../runtime/servers/nats-server';
import { startTemporalServer } from '../runtime/servers/temporal-server';
import { MemoryCluster } from './memory-cluster';
import { quantile } from './quantile';

const namespace = 'bench';
/** Executions of the throughput, items of the map, and executions that are timed one after the other. */
const many = Number(process.env.KFLOW_BENCH_EXECUTIONS ?? 1_000);
const items = many * 10;
const timed = Math.min(many, 200);
const atOnce = 50;
const patience = 300_000;
/** What is timed one at a time: its name, the task, and how many steps of it. */
const chains = [
  ['one step', 'pass', 1],
  ['three steps', 'pass', 3],
  ['three steps, the worker goes on', 'on:pass', 3],
] as const;

/**
 * Measures executions whose tasks one worker passes on, beside plain Temporal workflows with as many activities on the same
 * server: the time from start to end of one step and of three, one execution at a time, as a ratio, with a worker that asks
 * between steps and with one that goes on; then the throughput and memory of executions of five steps, and the history of a
 * map. `KFLOW_BENCH_EXECUTIONS` is the number of executions, by default 1,000, and a tenth of that of the items.
 */
export async function benchExecutions(): Promise<void> {
  await inExecutions(async ({ executions, temporal, connection }) => {
    await startPassing(connection, 'default', false);
    await startPassing(connection, 'on', true);
    const plain = await startPlain(temporal);
    try {
      print('one at a time, ms', ['p50', 'p95', 'plain p50', 'plain p95', 'ratio p50', 'ratio p95']);
      for (const [what, task, steps] of chains) {
        const times: { readonly [kind: string]: number[] } = { kflow: [], plain: [] };
        // alternating, so that both meet the same server
        for (let run = -20; run < timed; run++) {
          const kflow = await time(() => runFlow(executions, chainOf(task, steps)));
          const other = await time(() => plain.run(steps));
          if (run < 0) continue; // warm-up
          times.kflow?.push(kflow);
          times.plain?.push(other);
        }
        print(what, compared(times));
      }
      await benchMany(executions, plain.run);
      await benchMap(executions, plain.historyLength);
    } finally {
      await plain.close();
    }
  });
}

/** Measures a map whose outputs, of 4 KB each, are 20 MB together. `KFLOW_BENCH_OUTPUTS` is their number, by default 5,000. */
export async function benchLargeStates(): Promise<void> {
  await inExecutions(async ({ executions, connection }) => {
    await startPassing(connection, 'default', false, () => randomBytes(3_000).toString('base64'));
    const outputs = Number(process.env.KFLOW_BENCH_OUTPUTS ?? 5_000);
    const input = Array.from({ length: outputs }, (_, item) => item);
    const ms = await time(() => runFlow(executions, '* grow', input));
    print(`map with ${outputs} outputs of 4 KB`, [`${(ms / 1_000).toFixed(1)} s`]);
  });
}

interface Place {
  readonly executions: ExecutionService;
  /** Address of its server. */
  readonly temporal: string;
  readonly connection: NatsConnection;
}

/** A controller with real servers. */
async function inExecutions(use: (place: Place) => Promise<void>): Promise<void> {
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
  try {
    await use({ executions: controller.executions, temporal: temporal.address, connection });
  } finally {
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
  const kflowMs = await time(
    async () => void (await new Limit(atOnce).map(starts, () => runFlow(executions, chainOf('pass', 5)))),
  );
  const continuedMs = await time(
    async () => void (await new Limit(atOnce).map(starts, () => runFlow(executions, chainOf('on:pass', 5)))),
  );
  const after = rssMb();
  const plainMs = await time(async () => void (await new Limit(atOnce).map(starts, () => runPlain(5))));
  const rate = (ms: number) => `${Math.round((many * 1_000) / ms)}/s`;
  print(`${many} of 5 steps, ${atOnce} at a time`, [
    rate(kflowMs),
    `plain ${rate(plainMs)}`,
    `${before} MB before, ${after} MB after`,
  ]);
  print(`${many} of 5 steps, the worker goes on`, [rate(continuedMs)]);
}

async function benchMap(
  executions: ExecutionService,
  historyLength: (execution: ExecutionKey) => Promise<number>,
): Promise<void> {
  const input = Array.from({ length: items }, (_, item) => item);
  let key: ExecutionKey | undefined;
  const ms = await time(async () => {
    key = await runFlow(executions, '* pass', input);
  });
  if (key === undefined) return;
  const length = await historyLength(key);
  print(`map of ${items} items`, [`${Math.round((items * 1_000) / ms)}/s`, `${length} events in its last run`]);
}

/** One row of the table. */
function print(what: string, cells: readonly string[]): void {
  process.stdout.write(`| ${[what.padEnd(42), ...cells.map((cell) => cell.padStart(9))].join(' | ')} |\n`);
}

function chainOf(task: string, steps: number): string {
  return Array.from({ length: steps }, () => task).join(' -> ');
}

async function runFlow(executions: ExecutionService, flow: string, input: unknown = { x: 1 }): Promise<ExecutionKey> {
  const request = { flow, input, attributes: {} };
  const { execution } = await executions.start(namespace, request, { by: 'bench' });
  const detail = await executions.wait(execution, patience, AbortSignal.timeout(patience));
  if (detail.status !== 'Completed') throw new Error(`${detail.status}: ${detail.reason}`);
  return execution;
}

/** A worker that returns its input: as the protocol says, and no more. It goes on with what follows, or passes over it. */
async function startPassing(
  connection: NatsConnection,
  taskNamespace: string,
  goesOn: boolean,
  run = (input: unknown) => input,
): Promise<void> {
  const manager = await connection.jetstreamManager();
  await ensureTaskStreams(manager, namespace);
  await ensureTaskConsumer(manager, { namespace, taskNamespace });
  const client = connection.jetstream();
  const pass = async (message: JsMsg) => {
    const { next = [], ...task } = message.json<TaskMessage>();
    const { execution, input } = task;
    const output = run(input);
    const line = goesOn ? [task, ...next] : [task];
    const reports = line.map(({ id, token }, index) => {
      const continues = index < line.length - 1;
      const report = {
        v: 1,
        id,
        token,
        kind: 'succeeded',
        at: new Date().toISOString(),
        worker: 'bench',
        output,
        continues,
      };
      const msgID = `${id}/${continues ? 'continued' : 'succeeded'}`;
      return client.publish(resultSubject(namespace, execution), JSON.stringify(report), { msgID });
    });
    await Promise.all(reports);
    message.ack();
  };
  const consumer = await client.consumers.get(taskStream(namespace), taskNamespace);
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
    historyLength: async (execution: ExecutionKey) => {
      const { historyLength } = await client.workflow
        .getHandle(`${queuePrefix('kflow')}${executionWorkflowId(execution)}`)
        .describe();
      return historyLength;
    },
    close: async () => {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function compared({ kflow = [], plain = [] }: { readonly [kind: string]: readonly number[] }): readonly string[] {
  const parts = [0.5, 0.95];
  const [ours, theirs] = [kflow, plain].map((times) => parts.map((part) => quantile(times, part)));
  const ratios = parts.map((_, at) => (ours?.[at] ?? 0) / (theirs?.[at] ?? 0));
  return [
    ...[...(ours ?? []), ...(theirs ?? [])].map((ms) => ms.toFixed(1)),
    ...ratios.map((ratio) => ratio.toFixed(2)),
  ];
}
