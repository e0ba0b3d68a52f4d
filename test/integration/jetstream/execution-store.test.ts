import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamExecutionStore } from '../../../runtime/adapters/jetstream/flow-store/jetstream-execution-store';
import { startNatsServer } from '../../../runtime/servers/nats-server';
import { testKey } from '../../support/installation';
import { serverFiles } from '../../support/server-files';
import { waitFor } from '../../support/wait-for';

const key = { namespace: 'team', execution: 'e' };
const view = {
  ...key,
  status: 'Running',
  attributes: {},
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: null,
  run: 1,
} as const;

test('reads of a nats that is away fail at once, and are answered when it is back', async () => {
  const files = serverFiles(mkdtempSync(path.join(tmpdir(), 'kflow-executions-')), 'nats');
  const server = await startNatsServer(files);
  const connection = await connectNats({ url: server.url }, 'test');
  const store = await JetStreamExecutionStore.open({ connection, replicas: 1, key: testKey() });
  await store.add({ view, incarnation: 'i' });
  await server.stop();
  const reads = { show: () => store.find(key), list: () => store.list(), snapshot: () => store.snapshot(key) };
  for (const [name, read] of Object.entries(reads)) {
    const fault = () =>
      read().then(
        () => '',
        ({ message }: Error) => message,
      );
    await waitFor(`${name} to fail`, fault, (message) => message.includes('nats cannot be reached, since '));
    expect(await fault()).toMatch(/^executions?.*: nats cannot be reached, since /);
  }
  const again = await startNatsServer(files);
  await waitFor(
    'nats to be back',
    () => store.list(),
    (all) => all.length === 1,
  );
  expect(await store.find(key)).toEqual({ view, incarnation: 'i' });
  await connection.close();
  await again.stop();
});
