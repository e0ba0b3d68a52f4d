import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryCluster } from '../../../bench/memory-cluster';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { readControllerSettings } from '../../../runtime/controller/settings/settings';
import { type RunningController, startController } from '../../../runtime/controller/start-controller';
import { ensureKeyFile } from '../../../runtime/installation/key-file';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { startTemporalServer, type TemporalServer } from '../../../runtime/servers/temporal-server';
import { chainTopology } from '../../support/chain-topology';
import { FlowClient } from '../../support/flow-client';
import { serverFiles } from '../../support/server-files';
import { waitFor } from '../../support/wait-for';

let folder: string;
let temporal: TemporalServer;
const nats: NatsServer[] = [];
const running: RunningController[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-installations-'));
  const at = (name: string) => serverFiles(folder, name);
  nats.push(
    await startNatsServer(at('nats-0')),
    await startNatsServer(at('nats-1')),
    await startNatsServer(at('nats-2')),
  );
  temporal = await startTemporalServer(at('temporal'));
  running.push(await start('first', 0, 'kflow'));
});

afterAll(async () => {
  for (const controller of running) await controller.close();
  await temporal?.stop();
  for (const server of nats) await server.stop();
  rmSync(folder, { recursive: true });
});

/** Starts a controller of an installation, by the name of its key, with one of the nats servers and a task queue. */
function start(
  installation: string,
  server: number,
  taskQueue: string,
  temporalNamespace = 'default',
): Promise<RunningController> {
  const keyFile = path.join(folder, `${installation}.key`);
  ensureKeyFile(keyFile);
  const settings = readControllerSettings({
    KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: keyFile,
    KFLOW_CONTROLLER_NATS_URL: nats[server]?.url,
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
    KFLOW_CONTROLLER_TEMPORAL_TASK_QUEUE: taskQueue,
    KFLOW_CONTROLLER_TEMPORAL_NAMESPACE: temporalNamespace,
    KFLOW_CONTROLLER_LISTEN_PORT: '0',
  });
  return startController(settings, { log: () => undefined, cluster: new MemoryCluster() });
}

/** Submits a flow, if it is not there, and waits until it runs. */
async function submit({ url }: RunningController, name: string): Promise<void> {
  const api = new FlowClient(url);
  await api.call('POST', `/kflows/v1/${name}`, chainTopology({}));
  await api.untilHealthy(name);
}

test('a second installation with the task queue of the first does not start', async () => {
  await expect(start('second', 1, 'kflow')).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(
      /^temporal\.taskQueue: the task queue "kflow" of the Temporal namespace "default" belongs to another installation/,
    ),
  });
});

test('a Temporal namespace that does not exist is named, and claims nothing', async () => {
  await expect(start('second', 1, 'kflow-second', 'elsewhere')).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/^temporal\.namespace: the Temporal server has no namespace "elsewhere"; create it/),
  });
});

test('a second installation with the nats account of the first does not start', async () => {
  await expect(start('third', 0, 'third')).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/^this account of the nats server belongs to another installation/),
  });
});

test('a second controller of the same installation starts', async () => {
  const again = await start('first', 0, 'kflow');
  expect((await new FlowClient(again.url).call('GET', '/readyz')).status).toBe(200);
  await again.close();
});

test.each([
  ['task queue', 'renamed', 'default'],
  ['Temporal namespace', 'kflow', 'elsewhere'],
])(
  'a controller does not start when its flows are on another %s: it would take them for lost',
  async (_what, queue, namespace) => {
    await submit(running[0] as RunningController, 'held/flow');
    await expect(start('first', 0, queue, namespace)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(
        /^temporal\.taskQueue: the flows of this nats account run on the task queue "kflow" of the Temporal namespace "default", got .* \(not closed: held\/flow\); set it back/,
      ),
    });
  },
);

test('a task queue can be changed once the flows on it are deleted', async () => {
  const before = await start('mover', 2, 'before');
  await submit(before, 'moved/flow');
  await expect(start('mover', 2, 'after')).rejects.toMatchObject({ code: 'config-invalid' });
  await new FlowClient(before.url).call('DELETE', '/kflows/v1/moved/flow');
  await new FlowClient(before.url).untilIn('moved/flow', 'Canceled');
  await before.close();
  const after = await start('mover', 2, 'after');
  await submit(after, 'moved/flow');
  await after.close();
  await expect(start('mover', 2, 'before')).rejects.toMatchObject({ code: 'config-invalid' });
});

test('flows of an earlier version, which claimed no queue, are claimed by the queue on which they run alone', async () => {
  const connection = await connectNats({ url: nats[2]?.url ?? '' }, 'test');
  await (await connection.jetstream().views.kv('kflow_installation')).purge('queue');
  await connection.close();
  await expect(start('mover', 2, 'wrong')).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/run elsewhere, not on the task queue "wrong" .* \(not closed: moved\/flow\)/),
  });
  await (await start('mover', 2, 'after')).close();
  await expect(start('mover', 2, 'wrong')).rejects.toMatchObject({ code: 'config-invalid' });
});

test('two installations on one Temporal server each run their own flow of the same name', async () => {
  running.push(await start('second', 1, 'kflow-second'));
  const [one, other] = running.map(({ url }) => new FlowClient(url)) as [FlowClient, FlowClient];
  for (const api of [one, other]) {
    expect(await api.call('POST', '/kflows/v1/shared/name', chainTopology({}))).toMatchObject({ status: 201 });
    await api.untilHealthy('shared/name');
  }
  expect(await one.call('POST', '/kflows/v1/one/alone', chainTopology({}))).toMatchObject({ status: 201 });
  const namesOf = async (api: FlowClient) => {
    const { body } = await api.call('GET', '/kflows/v1');
    return (body as readonly { namespace: string; jobId: string }[]).map(
      ({ namespace, jobId }) => `${namespace}/${jobId}`,
    );
  };
  await waitFor('the list of the first', async () => (await namesOf(one)).length === 3);
  expect(await namesOf(other)).toEqual(['shared/name']);
  await one.call('DELETE', '/kflows/v1/shared/name');
  await one.untilIn('shared/name', 'Canceled');
  expect(await other.status('shared/name')).toMatchObject({ status: 'Running', health: { state: 'healthy' } });
});
