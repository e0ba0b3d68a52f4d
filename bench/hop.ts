import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NatsConnection } from 'nats';
import type { FlowPlan } from '../lib/plan/flow-plan';
import type { OutputSpec } from '../lib/plan/function-spec';
import { planFlow } from '../lib/plan/plan-flow';
import { readTopology } from '../lib/topology/read-topology';
import { connectNats } from '../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../runtime/adapters/jetstream/jetstream-streams';
import { JetStreamPublisher } from '../runtime/adapters/jetstream/publishing/publisher';
import { SchemaRegistry } from '../runtime/adapters/jetstream/schema-registry';
import { spawnGuarded } from '../runtime/adapters/processes/guard';
import { AvroSchemaCodec } from '../runtime/engine/avro-message';
import { newTrace } from '../runtime/engine/trace/trace-context';
import { startNatsServer } from '../runtime/servers/nats-server';
import { median } from './quantile';

const records = 60_000;
const rounds = 3;
/** Records at the start of a run that are not measured, while code is compiled and windows open. */
const warmUp = records / 10;

const schema = {
  type: 'record',
  name: 'sample',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'note', type: 'string' },
    { name: 'value', type: 'double' },
    { name: 'ok', type: 'boolean' },
  ],
};

/**
 * Compares one hop of 200-byte records from stream to stream: the engine with a TypeScript function, and a plain loop with
 * the same client that consumes, decodes, encodes, publishes with an id and acks after the publish ack. Each runs in its
 * own process on the same nats-server, alternately; the result is the ratio of the medians. `spans` is the engine with an
 * endpoint to which it exports spans.
 */
export async function benchHop(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'kflow-bench-'));
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const server = await startNatsServer({
    dataDir: path.join(directory, 'nats'),
    logFile: path.join(directory, 'nats.log'),
    progress,
  });
  const connection = await connectNats({ url: server.url }, 'bench');
  const rates = { engine: [] as number[], plain: [] as number[], spans: [] as number[] };
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  const spans = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  try {
    for (let round = 0; round < rounds; round++) {
      for (const kind of ['plain', 'engine', 'spans'] as const) {
        const env = kind === 'spans' ? spans : {};
        const rate = await measure({ connection, url: server.url, directory, kind, env }, `${kind}-${round}`);
        rates[kind].push(rate);
        progress(`hop, ${kind}: ${Math.round(rate).toLocaleString('en-US')} records/s`);
      }
    }
  } finally {
    collector.closeAllConnections();
    collector.close();
    await connection.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  const [engine, plain, traced] = [median(rates.engine), median(rates.plain), median(rates.spans)];
  const format = (rate: number) => Math.round(rate).toLocaleString('en-US');
  process.stdout.write(
    `hop, one TypeScript function, 200-byte records, medians of ${rounds}: engine ${format(engine)} records/s, ` +
      `plain consume+publish loop ${format(plain)} records/s, ratio ${(engine / plain).toFixed(2)}; ` +
      `with a span for each record ${format(traced)} records/s\n`,
  );
}

interface Measured {
  readonly connection: NatsConnection;
  readonly url: string;
  readonly directory: string;
  readonly kind: 'engine' | 'plain' | 'spans';
  readonly env: NodeJS.ProcessEnv;
}

async function measure({ connection, url, directory, kind, env }: Measured, jobId: string): Promise<number> {
  const plan = planHop(jobId);
  const streams = await JetStreamStreams.open(connection);
  await streams.provision(plan);
  const hop = plan.workloads.find((workload) => workload.function === 'hop');
  const source = plan.workloads.find((workload) => workload.function === 'source')?.spec.output;
  if (hop?.spec.output === undefined || source === undefined) throw new Error('the plan has no hop');
  await fill(connection, plan, source);
  const specFile = path.join(directory, `${jobId}.json`);
  writeFileSync(specFile, JSON.stringify(hop.spec));
  const program = kind === 'plain' ? './plain-hop.js' : '../runtime/replica/main.js';
  const running = spawnGuarded({
    command: process.execPath,
    args: [path.join(__dirname, program)],
    env: { ...process.env, ...env, KFLOW_SPEC: specFile, KFLOW_NATS_URL: url },
    stderr: 2,
  });
  const rate = await rateOf(connection, hop.spec.output.stream);
  await running.stop();
  await streams.remove(plan);
  return rate;
}

function planHop(jobId: string): FlowPlan {
  const code = 'function process(ctx, event) { event.value += 1; return event; }';
  const own = { schema, meta: { language: 'javascript', name: 'process', code } };
  const document = {
    jobId,
    globalConfig: { stream: { maxMsgs: records * 2 } },
    dag: [
      { id: 'source', type: 'raw-source', out: ['hop'], ...own },
      { id: 'hop', type: 'raw', out: ['leaf'], ...own },
      { id: 'leaf', type: 'raw', ...own },
    ],
  };
  const { topology, problems } = readTopology(JSON.stringify(document), { file: 'bench', defaultJobId: jobId });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return planFlow(topology, {});
}

async function fill(connection: NatsConnection, plan: FlowPlan, output: OutputSpec): Promise<void> {
  const codec = new AvroSchemaCodec(schema);
  const registry = await SchemaRegistry.open(connection, plan);
  await registry.publish(codec.fingerprint, schema);
  const publisher = new JetStreamPublisher(connection);
  for (let id = 0; id < records; id++) {
    const payload = codec.encode({ id, name: `record ${id}`, note: 'n'.repeat(158), value: id / 3, ok: true });
    if (payload === undefined) throw new Error('the sample does not fit its schema');
    publisher.publish({ subject: output.subject, id: `source:${id}`, payload, headers: newTrace() }, () => undefined);
    await publisher.room();
  }
  await publisher.settled();
  publisher.close();
}

/** Records per second that a stream received, from the end of the warm-up to the last record. */
async function rateOf(connection: NatsConnection, stream: string): Promise<number> {
  const manager = await connection.jetstreamManager();
  let from: { atMs: number; count: number } | undefined;
  for (;;) {
    const count = (await manager.streams.info(stream)).state.last_seq;
    const atMs = performance.now();
    if (from === undefined && count >= warmUp) from = { atMs, count };
    if (count >= records && from !== undefined) return ((count - from.count) * 1_000) / (atMs - from.atMs);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
