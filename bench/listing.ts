import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamManager } from 'nats';
import type { FlowPlan } from '../lib/plan/flow-plan';
import { planFlow } from '../lib/plan/plan-flow';
import { readTopology } from '../lib/topology/read-topology';
import { connectNats } from '../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../runtime/adapters/jetstream/jetstream-streams';
import { spawnGuarded } from '../runtime/adapters/processes/guard';
import { startNatsServer } from '../runtime/servers/nats-server';
import { type S3Server, startS3Server } from '../runtime/servers/s3-server';

/** KFLOW_BENCH_OBJECTS has other sizes: multiples of 1,000 in ascending order, separated by commas. */
const sizes = (process.env.KFLOW_BENCH_OBJECTS ?? '100000,500000').split(',').map(Number);
const perFolder = 1_000;
const bucket = 'objects';
/** How long the requests of a source that watches are counted. */
const watchedMs = 30_000;

/**
 * Measures an `fs-source` over many objects on versitygw: memory, time and requests of a batch and of a stream with a
 * checkpoint; how many requests the stream sends while nothing changes, and when it emits an object that is added at the end of
 * the listing, and in the middle.
 */
export async function benchListing(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'kflow-bench-'));
  const files = (name: string) => ({
    dataDir: path.join(directory, name),
    logFile: path.join(directory, `${name}.log`),
  });
  const nats = await startNatsServer(files('nats'));
  const s3 = await startS3Server(files('s3'));
  const proxy = await CountingProxy.start(s3);
  const connection = await connectNats({ url: nats.url }, 'bench');
  try {
    const streams = await JetStreamStreams.open(connection);
    const manager = await connection.jetstreamManager();
    let made = 0;
    for (const size of sizes) {
      const root = path.join(directory, 's3', 'buckets', bucket, 'in');
      for (; made < size; made += perFolder) makeFolder(root, made);
      const bench = { directory, manager, streams, proxy, s3, size, natsUrl: nats.url, root };
      await benchBatch(bench);
      await benchStream(bench);
    }
  } finally {
    await connection.close();
    await proxy.stop();
    await s3.stop();
    await nats.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Bench {
  readonly directory: string;
  readonly manager: JetStreamManager;
  readonly streams: JetStreamStreams;
  readonly proxy: CountingProxy;
  readonly s3: S3Server;
  readonly natsUrl: string;
  readonly size: number;
  /** The folder of the objects. */
  readonly root: string;
}

async function benchBatch(bench: Bench): Promise<void> {
  const source = await ListingRun.start(bench, 'batch');
  await source.emitted(bench.size);
  print(`batch of ${count(bench.size)} objects: ${source.figures()}`);
  await source.end();
}

async function benchStream(bench: Bench): Promise<void> {
  const source = await ListingRun.start(bench, 'stream');
  await source.emitted(bench.size);
  print(`stream of ${count(bench.size)} objects: ${source.figures()}`);
  await wait(watchedMs / 3); // the listing that found them
  const before = bench.proxy.requests;
  await wait(watchedMs);
  const requests = bench.proxy.requests - before;
  print(`  while nothing changes: ${(requests / (watchedMs / 1_000)).toFixed(1)} requests/s`);
  const middle = path.join(bench.root, folderOf(bench.size / 2), 'added');
  const last = path.join(bench.root, 'z-added');
  for (const [index, [place, file]] of Object.entries({ 'at the end': last, 'in the middle': middle }).entries()) {
    const addedMs = performance.now();
    writeFileSync(file, 'added');
    await source.emitted(bench.size + 1 + index);
    print(`  an object added ${place} was emitted after ${seconds(performance.now() - addedMs)}`);
  }
  print(`  peak of the replica: ${source.peakMb()} MB`);
  await source.end();
  for (const file of [last, middle]) rmSync(file);
}

/** A source that runs in a process of its own. */
class ListingRun {
  private readonly startedMs = performance.now();
  private readonly requestsBefore: number;

  private constructor(
    private readonly bench: Bench,
    private readonly plan: FlowPlan,
    private readonly stream: string,
    private readonly running: ReturnType<typeof spawnGuarded>,
  ) {
    this.requestsBefore = bench.proxy.requests;
  }

  static async start(bench: Bench, mode: 'batch' | 'stream'): Promise<ListingRun> {
    const plan = planListing(bench, mode);
    await bench.streams.provision(plan);
    const workload = plan.workloads.find(({ spec }) => spec.function === 'source');
    if (workload?.spec.output === undefined) throw new Error('the plan has no source');
    const specFile = path.join(bench.directory, `${plan.jobId}.json`);
    writeFileSync(specFile, JSON.stringify(workload.spec));
    const running = spawnGuarded({
      command: process.execPath,
      args: [path.join(__dirname, '../runtime/replica/main.js')],
      env: {
        ...process.env,
        KFLOW_SPEC: specFile,
        KFLOW_NATS_URL: bench.natsUrl,
        KFLOW_WATCHED: '1',
        ...credentials(workload.spec.endpoint, bench.s3),
      },
      stderr: 2,
    });
    return new ListingRun(bench, plan, workload.spec.output.stream, running);
  }

  /** Resolves when the stream has this many records. */
  async emitted(records: number): Promise<void> {
    for (;;) {
      const { state } = await this.bench.manager.streams.info(this.stream);
      this.lastPeakMb = this.readPeak() ?? this.lastPeakMb;
      if (state.messages >= records) return;
      await wait(100);
    }
  }

  private lastPeakMb = 0;

  peakMb(): number {
    return this.readPeak() ?? this.lastPeakMb;
  }

  figures(): string {
    const requests = this.bench.proxy.requests - this.requestsBefore;
    return `${seconds(performance.now() - this.startedMs)}, ${requests} requests, peak ${this.peakMb()} MB`;
  }

  async end(): Promise<void> {
    await this.running.stop();
    await this.bench.streams.remove(this.plan);
  }

  /** Peak of the resident memory of the replica. */
  private readPeak(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.running.pid}/status`, 'utf8');
      return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024);
    } catch {
      return undefined;
    }
  }
}

/** Passes requests on to the S3 server, and counts them. */
class CountingProxy {
  requests = 0;

  private constructor(private readonly server: Server) {}

  static async start({ endpoint }: S3Server): Promise<CountingProxy> {
    const { hostname, port } = new URL(endpoint);
    const proxy: CountingProxy = new CountingProxy(
      createServer((incoming, outgoing) => {
        proxy.requests++;
        const { method, url, headers } = incoming;
        const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        forwarded.on('error', (error) => outgoing.destroy(error));
        incoming.pipe(forwarded);
      }),
    );
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function planListing({ size, proxy }: Bench, mode: 'batch' | 'stream'): FlowPlan {
  const code = 'function process() {}';
  const jobId = `listing-${mode}-${size}`;
  const document = {
    jobId,
    mode,
    globalConfig: { stream: { maxMsgs: size * 2, maxBytes: size * 1_000 } },
    dag: [
      {
        id: 'source',
        type: 'fs-source',
        format: 'list',
        addr: proxy.address,
        user: 'user',
        password: 'password',
        topics: `s3a://${bucket}/in`,
        meta: { checkpoint: mode === 'stream' },
        out: ['leaf'],
      },
      { id: 'leaf', type: 'raw', meta: { language: 'javascript', name: 'process', code } },
    ],
  };
  const { topology, problems } = readTopology(JSON.stringify(document), { file: 'bench', defaultJobId: jobId });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return planFlow(topology, {});
}

function credentials(
  endpoint: FlowPlan['workloads'][number]['spec']['endpoint'],
  { user, password }: S3Server,
): { readonly [name: string]: string } {
  const { userEnv, passwordEnv } = endpoint ?? {};
  if (userEnv === undefined || passwordEnv === undefined) throw new Error('the source has no credentials');
  return { [userEnv]: user, [passwordEnv]: password };
}

/** Objects are files, which are made beside the server: uploads would take longer than the listing. */
function makeFolder(root: string, from: number): void {
  const folder = path.join(root, folderOf(from));
  mkdirSync(folder, { recursive: true });
  for (let n = 0; n < perFolder; n++) writeFileSync(path.join(folder, String(n).padStart(4, '0')), 'x');
}

function folderOf(object: number): string {
  return String(Math.floor(object / perFolder)).padStart(5, '0');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const count = (size: number) => size.toLocaleString('en-US');
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
