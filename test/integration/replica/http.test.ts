import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { readEnvironment } from '../../../runtime/replica/environment';
import { runReplica } from '../../../runtime/replica/replica';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const host = '127.0.0.1';
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-http-'));
const started: RunningReplica[] = [];
const wires: Wire[] = [];
let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((replica) => replica.stop()));
  for (const wire of wires.splice(0)) wire.close();
});
afterAll(async () => {
  await place.close();
  rmSync(folder, { recursive: true });
});

/** A proxy between a replica and nats. While it is shut, it accepts connections and never responds. */
class Wire {
  private readonly ends = new Set<Socket>();
  private readonly server: Server;
  private isOpen = false;

  private constructor(private readonly target: number) {
    this.server = createServer((end) => {
      this.keep(end);
      if (this.isOpen) this.join(end);
    });
  }

  static async shut(url: string): Promise<Wire> {
    const wire = new Wire(Number(new URL(url).port));
    wires.push(wire);
    await new Promise<void>((resolve) => wire.server.listen(0, host, resolve));
    return wire;
  }

  get url(): string {
    return `nats://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  open(): void {
    this.isOpen = true;
    for (const end of [...this.ends]) this.join(end);
  }

  cut(): void {
    this.isOpen = false;
    for (const end of this.ends) end.destroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(end: Socket): void {
    const other = connect(this.target, host);
    this.keep(other);
    end.pipe(other).pipe(end);
  }

  private keep(end: Socket): void {
    this.ends.add(end);
    end.on('error', () => end.destroy()); // a cut is seen by the other side
    end.on('close', () => this.ends.delete(end));
  }
}

/** A replica in this process, with its endpoint on its own port. */
class RunningReplica {
  readonly ended: Promise<void>;
  private readonly stopping = new AbortController();

  private constructor(
    spec: FunctionSpec,
    natsUrl: string,
    private readonly port: number,
  ) {
    const environment = readEnvironment({
      KFLOW_SPEC: 'spec.json',
      KFLOW_NATS_URL: natsUrl,
      KFLOW_HTTP_HOST: host,
      KFLOW_HTTP_PORT: String(port),
      KFLOW_METRICS: 'true',
    });
    this.ended = runReplica(spec, environment, () => undefined, this.stopping.signal).then(() => undefined);
    started.push(this);
  }

  static async start(spec: FunctionSpec, natsUrl = place.url): Promise<RunningReplica> {
    const server = createHttpServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return new RunningReplica(spec, natsUrl, port);
  }

  /** Status and text of a page, as `200 ok`; `nobody` when nothing listens. */
  async get(page: string): Promise<string> {
    try {
      const response = await fetch(`http://${host}:${this.port}${page}`);
      return `${response.status} ${(await response.text()).trimEnd()}`;
    } catch {
      return 'nobody';
    }
  }

  async expectPage(page: string, expected: string): Promise<void> {
    await waitFor(`${page}: ${expected}`, async () => (await this.get(page)) === expected);
  }

  /** Values of the replica's metrics without a `le` label. */
  async metrics(): Promise<Record<string, number>> {
    const lines = (await this.get('/metrics')).matchAll(/^((?:events|function)_\w+)\{([^}]*)\} (\S+)$/gm);
    const plain = [...lines].filter(([, , labels]) => !labels?.includes('le='));
    return Object.fromEntries(plain.map(([, name, , value]) => [name, Number(value)]));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }
}

/** Deploys a source of `count` numbers and a function `map` with the given code, without running them. */
async function deploy(
  jobId: string,
  count: number,
  code: string,
): Promise<{ source: FunctionSpec; map: FunctionSpec }> {
  const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] };
  const fn = (id: string, type: string, text: string) => ({
    id,
    type,
    schema,
    meta: { language: 'javascript', name: 'run', code: text },
  });
  const generate = `function* run() { for (let n = 0; n < ${count}; n++) yield { n }; }`;
  const document = {
    jobId,
    mode: 'stream',
    dag: [
      { ...fn('source', 'raw-source', generate), out: ['map'] },
      { ...fn('map', 'raw', code), out: ['leaf'] },
      fn('leaf', 'raw', 'function run() {}'),
    ],
  };
  const plan = planOf(JSON.stringify(document));
  await place.streams.provision(plan);
  return { source: specOf(plan, 'source'), map: specOf(plan, 'map') };
}

test('probes report whether the replica works, from before it connects until it has ended', async () => {
  const [begun, gate] = [path.join(folder, 'begun'), path.join(folder, 'gate')];
  const { source, map } = await deploy(
    'probes',
    1,
    `const { existsSync, writeFileSync } = require('node:fs');
    async function run(ctx, event) {
      writeFileSync(${JSON.stringify(begun)}, '');
      while (!existsSync(${JSON.stringify(gate)})) await new Promise((go) => setTimeout(go, 10));
    }`,
  );
  const wire = await Wire.shut(place.url);
  const replica = await RunningReplica.start(map, wire.url);
  await replica.expectPage('/readyz', '503 starting: connecting to NATS');
  expect(await replica.get('/livez')).toBe('200 ok');
  wire.open();
  await replica.expectPage('/readyz', '200 ok');
  wire.cut();
  await replica.expectPage('/readyz', '503 the connection to NATS is lost');
  expect(await replica.get('/livez')).toBe('200 ok');
  wire.open();
  await replica.expectPage('/readyz', '200 ok');
  await RunningReplica.start(source);
  await waitFor('the function has begun a record', () => existsSync(begun));
  const stopped = replica.stop();
  await replica.expectPage('/readyz', '503 stopping');
  expect(await replica.get('/livez')).toBe('200 ok');
  writeFileSync(gate, '');
  await stopped;
  expect(await replica.get('/livez')).toBe('nobody');
  const { stream, durable } = map.inputs[0] ?? { stream: '', durable: '' };
  expect(await place.ackFloor(stream, durable)).toBe(1);
});

test('counts and times the records it processes', async () => {
  const { source, map } = await deploy(
    'measured',
    50,
    `let failed = false;
    function run(ctx, event) {
      if (event.n === 9 && !failed) {
        failed = true;
        throw new Error('not yet');
      }
      return event.n % 2 === 0 ? event : [event, event];
    }`,
  );
  const [from, to] = [await RunningReplica.start(source), await RunningReplica.start(map)];
  await from.expectPage('/readyz', '200 ok');
  await to.expectPage('/readyz', '200 ok');
  await waitFor('all are processed', async () => (await to.metrics()).events_total === 50);
  const {
    function_processing_time_ms_sum: took = 0,
    function_total_time_ms_sum: total,
    ...counts
  } = await to.metrics();
  expect(counts).toEqual({
    events_total: 50,
    events_emitted_total: 75,
    events_failed_total: 1,
    events_dead_total: 0,
    function_processing_time_ms_count: 51,
    function_downloading_time_ms_sum: 0,
    function_downloading_time_ms_count: 0,
    function_total_time_ms_count: 51,
  });
  expect(took).toBeGreaterThan(0);
  expect(total).toBe(took);
  expect(await from.metrics()).toMatchObject({ events_total: 50, events_emitted_total: 50, events_failed_total: 0 });
  const { stream } = map.inputs[0] ?? { stream: '' };
  await waitFor('nothing is left', async () => {
    const page = await to.get('/metrics');
    const isDone = new RegExp(`^backlog_records\\{stream="${stream}",[^}]*\\} 0$`, 'm').test(page);
    return isDone && /^in_flight_records\{[^}]*\} 0$/m.test(page) && /^redeliveries_total\{[^}]*\} 1$/m.test(page);
  });
  const labels = `{namespace="${map.namespace}",flow="measured",function="map"}`;
  const page = await to.get('/metrics');
  expect(page).toContain(`\nevents_total${labels} 50\n`);
  expect(page).toMatch(/^function_processing_time_ms_bucket\{le="\+Inf",.*\} 51$/m);
});
