import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NatsConnection } from 'nats';
import { Flow } from '../../lib/constructs/flow';
import { FlowApp } from '../../lib/constructs/flow-app';
import { connectNats } from '../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../../runtime/adapters/jetstream/jetstream-streams';
import { type GuardedProcess, spawnGuarded } from '../../runtime/adapters/processes/guard';
import { startNatsServer } from '../../runtime/servers/nats-server';
import type { RunningServer } from '../../runtime/servers/run-server';
import { freePort } from '../support/free-port';
import { serverFiles } from '../support/server-files';
import { waitFor } from '../support/wait-for';

const schema = '{ type: record, name: n, fields: [{ name: n, type: long }] }';
const document = `
jobId: contract
globalConfig: { metrics: { enabled: true } }
dag:
  - id: numbers
    type: raw-source
    schema: ${schema}
    meta:
      name: numbers
      code: |
        def numbers():
            for n in range(100):
                yield {"n": n}
    out: [double]
  - id: double
    type: raw
    schema: ${schema}
    meta: { language: typescript, module: ./double.ts, name: double }
    out: [leaf]
  - id: leaf
    type: raw
    meta:
      name: leaf
      code: "def leaf(ctx, event): return None"
`;

const program = path.join(__dirname, '../../dist/js/runtime/replica/main.js');
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-contract-'));
const replicas: GuardedProcess[] = [];
let server: RunningServer & { readonly url: string };
let connection: NatsConnection;

beforeAll(async () => {
  server = await startNatsServer(serverFiles(folder, 'nats'));
  connection = await connectNats({ url: server.url }, 'test');
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await connection.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface EnvVariable {
  readonly name: string;
  readonly value?: string;
}

/** Runs a pod of a Deployment as a process with its files and variables, but the test's nats and a free port. */
async function runPod(name: string, manifests: readonly { readonly [key: string]: unknown }[]): Promise<number> {
  // biome-ignore lint/suspicious/noExplicitAny: manifests as they are written
  const find = (kind: string): any => manifests.find((each: any) => each.kind === kind && each.metadata.name === name);
  const files = path.join(folder, name);
  mkdirSync(files);
  for (const [file, text] of Object.entries<string>(find('ConfigMap').data))
    writeFileSync(path.join(files, file), text);
  const [container] = find('Deployment').spec.template.spec.containers;
  const given: readonly EnvVariable[] = container.env;
  const env = Object.fromEntries(given.map(({ name: variable, value }) => [variable, value ?? '']));
  const port = await freePort();
  const own = {
    KFLOW_SPEC: path.join(files, 'spec.json'),
    KFLOW_NATS_URL: server.url,
    KFLOW_HTTP_PORT: String(port),
    KFLOW_HTTP_HOST: '127.0.0.1',
  };
  replicas.push(spawnGuarded({ command: process.execPath, args: [program], env: { ...process.env, ...env, ...own } }));
  return port;
}

test('the runtime runs synthesized manifests, and serves probes and metrics at their ports', async () => {
  writeFileSync(
    path.join(folder, 'double.ts'),
    'export const double = (_: unknown, event: { n: number }) => ({ n: 2 * event.n });\n',
  );
  const app = new FlowApp();
  const flow = Flow.fromTopology(app, 'contract', document, { baseDir: folder });
  const [manifests] = [...app.manifests().values()];
  if (flow.plan === undefined || manifests === undefined) throw new Error('no plan');
  await (await JetStreamStreams.open(connection)).provision(flow.plan);
  const ports: number[] = [];
  for (const fn of ['leaf', 'double', 'numbers']) ports.push(await runPod(`contract--${fn}`, manifests));
  const ask = async (port: number | undefined, at: string) =>
    fetch(`http://127.0.0.1:${port}${at}`).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      () => undefined,
    );
  for (const port of ports) {
    await waitFor(
      'the replica to be ready',
      () => ask(port, '/readyz'),
      (answer) => answer?.status === 200,
    );
  }
  const manager = await connection.jetstreamManager();
  await waitFor(
    'the leaf to ack 100 records',
    async () => (await manager.consumers.info('kflow_default_contract_double', 'leaf')).ack_floor.stream_seq,
    (floor) => floor === 100,
  );
  expect((await ask(ports[1], '/livez'))?.status).toBe(200);
  await waitFor(
    'the metrics to count 100 records',
    async () => (await ask(ports[1], '/metrics'))?.text ?? '',
    (text) => /^events_total\{.*function="double".*\} 100$/m.test(text),
  );
});

test('a pod that waits for nats ends at SIGTERM', async () => {
  const spec = path.join(folder, 'contract--leaf/spec.json');
  const port = await freePort();
  const env = {
    KFLOW_SPEC: spec,
    KFLOW_NATS_URL: 'nats://127.0.0.1:1',
    KFLOW_HTTP_PORT: String(port),
    KFLOW_HTTP_HOST: '127.0.0.1',
  };
  const replica = spawnGuarded({ command: process.execPath, args: [program], env: { ...process.env, ...env } });
  replicas.push(replica);
  const ready = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.text(),
      () => '',
    );
  await waitFor('the replica to connect to nats', ready, (text) => text.includes('connecting to NATS'));
  await replica.stop(20_000);
  expect(await replica.exited).toMatchObject({ code: 0 });
});
