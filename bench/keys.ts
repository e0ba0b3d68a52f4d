import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AckPolicy, type NatsConnection } from 'nats';
import type { FlowPlan } from '../lib/plan/flow-plan';
import { planFlow } from '../lib/plan/plan-flow';
import { readTopology } from '../lib/topology/read-topology';
import { connectNats } from '../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../runtime/adapters/jetstream/jetstream-streams';
import { spawnGuarded } from '../runtime/adapters/processes/guard';
import { AvroSchemaCodec } from '../runtime/engine/avro-message';
import { startNatsServer } from '../runtime/servers/nats-server';

/** KFLOW_BENCH_RECORDS has another number of records. */
const records = Number(process.env.KFLOW_BENCH_RECORDS ?? 200_000);
const keys = 1_000;
const replicas = 2;
/** Memory is compared at this many points: one that grows with the records is seen. */
const points = 4;

const schema = {
  type: 'record',
  name: 'keyed',
  fields: [
    { name: 'key', type: 'long' },
    { name: 'n', type: 'long' },
    { name: 'note', type: 'string' },
  ],
};

/**
 * Moves records with keys from a source through a TypeScript and a Python function of two replicas each, and prints the time, and the
 * resident memory of the largest replica of each function, with the process of its code, at several points. Fails unless every
 * record is at the end once, and those of each key in order.
 */
export async function benchKeys(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'kflow-bench-'));
  const nats = await startNatsServer({
    dataDir: path.join(directory, 'nats'),
    logFile: path.join(directory, 'nats.log'),
  });
  const connection = await connectNats({ url: nats.url }, 'bench');
  const running: Replica[] = [];
  try {
    const plan = planKeys();
    await (await JetStreamStreams.open(connection)).provision(plan);
    const startedMs = performance.now();
    for (const [id, count] of Object.entries(started)) {
      for (let replica = 0; replica < count; replica++) {
        running.push(new Replica(plan, id, { replica, directory, natsUrl: nats.url }));
      }
    }
    const stream = outputOf(plan, 'python');
    const manager = await connection.jetstreamManager();
    process.stdout.write(`keys, ${count(records)} records of ${count(keys)} keys, ${replicas} replicas each:\n`);
    for (let point = 1; point <= points; point++) {
      const wanted = Math.floor((records * point) / points);
      while ((await manager.streams.info(stream)).state.messages < wanted) {
        for (const each of running) each.measure();
        await wait(100);
      }
      const seconds = (performance.now() - startedMs) / 1_000;
      const memory = Object.keys(started).map((id) => `${id} ${memoryOf(running, id)} MB`);
      process.stdout.write(
        `  ${count(wanted)} records after ${seconds.toFixed(1)} s, peaks since: ${memory.join(', ')}\n`,
      );
      for (const each of running) each.peakMb = 0;
    }
    await assertInOrder(connection, stream);
    process.stdout.write('  every record once, and those of each key in order\n');
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await connection.close();
    await nats.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The functions that run, with their numbers of replicas. */
const started: { readonly [functionId: string]: number } = { source: 1, typescript: replicas, python: replicas };

interface ReplicaProps {
  readonly replica: number;
  readonly directory: string;
  readonly natsUrl: string;
}

/** A replica in a process of its own. */
class Replica {
  /** Largest resident memory that was measured, of the replica and the processes that it has started. */
  peakMb = 0;
  private readonly running: ReturnType<typeof spawnGuarded>;

  constructor(
    plan: FlowPlan,
    readonly functionId: string,
    { replica, directory, natsUrl }: ReplicaProps,
  ) {
    const workload = plan.workloads.find(({ spec }) => spec.function === functionId);
    if (workload === undefined) throw new Error(`the plan has no ${functionId}`);
    const specFile = path.join(directory, `${functionId}.json`);
    writeFileSync(specFile, JSON.stringify(workload.spec));
    this.running = spawnGuarded({
      command: process.execPath,
      args: [path.join(__dirname, '../runtime/replica/main.js')],
      env: {
        ...process.env,
        KFLOW_SPEC: specFile,
        KFLOW_NATS_URL: natsUrl,
        KFLOW_REPLICA: String(replica),
        KFLOW_REPLICA_NAME: `${functionId}-${replica}`,
      },
      stderr: 2,
    });
  }

  measure(): void {
    const kilobytes = familyOf(this.running.pid).map(residentOf);
    const sum = kilobytes.reduce((total, each) => total + each, 0);
    this.peakMb = Math.max(this.peakMb, Math.round(sum / 1_024));
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }
}

/** The process and all below it. */
function familyOf(pid: number | undefined): readonly number[] {
  if (pid === undefined) return [];
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name));
  }
  const family = [pid];
  for (const each of family) {
    for (const [child, parent] of parents) if (parent === each) family.push(child);
  }
  return family;
}

function parentOf(pid: string): number {
  return Number(/PPid:\s+(\d+)/.exec(statusOf(pid))?.[1] ?? 0);
}

function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(statusOf(String(pid)))?.[1] ?? 0);
}

/** Empty when the process has ended. */
function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function memoryOf(running: readonly Replica[], id: string): number {
  return Math.max(...running.filter(({ functionId }) => functionId === id).map(({ peakMb }) => peakMb));
}

function planKeys(): FlowPlan {
  const numbers = `function* numbers() {
  for (let i = 0; i < ${records}; i++) yield { key: i % ${keys}, n: Math.floor(i / ${keys}), note: 'n'.repeat(150) };
}`;
  const functionOf = (id: string, meta: object, out: readonly string[]) => {
    return { id, type: 'raw', schema, parallelism: replicas, out, meta: { name: 'run', ...meta } };
  };
  const document = {
    jobId: 'keys',
    globalConfig: { stream: { maxMsgs: records * 2, maxBytes: records * 1_000 } },
    dag: [
      {
        id: 'source',
        type: 'raw-source',
        schema,
        partitionBy: 'key',
        meta: { language: 'javascript', name: 'numbers', code: numbers },
        out: ['typescript'],
      },
      functionOf('typescript', { language: 'javascript', code: 'function run(ctx, event) { return event; }' }, [
        'python',
      ]),
      functionOf('python', { language: 'python', code: 'def run(ctx, event):\n    return event' }, ['leaf']),
      { id: 'leaf', type: 'raw', meta: { language: 'javascript', name: 'run', code: 'function run() {}' } },
    ],
  };
  const { topology, problems } = readTopology(JSON.stringify(document), { file: 'bench', defaultJobId: 'keys' });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return planFlow(topology, {});
}

function outputOf(plan: FlowPlan, id: string): string {
  const output = plan.workloads.find(({ spec }) => spec.function === id)?.spec.output;
  if (output === undefined) throw new Error(`${id} has no output`);
  return output.stream;
}

async function assertInOrder(connection: NatsConnection, stream: string): Promise<void> {
  const codec = new AvroSchemaCodec(schema);
  const next = new Array<number>(keys).fill(0);
  const manager = await connection.jetstreamManager();
  const { name } = await manager.consumers.add(stream, { ack_policy: AckPolicy.None });
  const messages = await (await connection.jetstream().consumers.get(stream, name)).consume({ max_messages: 1_000 });
  let seen = 0;
  for await (const message of messages) {
    const record = codec.decode(message.data) as { key: number | bigint; n: number | bigint };
    const [key, n] = [Number(record.key), Number(record.n)];
    if (next[key] !== n) throw new Error(`key ${key}: record ${n} where ${next[key]} was expected`);
    next[key] = n + 1;
    if (++seen === records) break;
  }
  const { state } = await manager.streams.info(stream);
  if (state.messages !== records) throw new Error(`${state.messages} records instead of ${records}`);
}

const count = (number: number) => number.toLocaleString('en-US');
