import { ArgoRun } from './stage/argo-run';
import { eventually } from './stage/eventually';
import { expectLedger } from './stage/expect-ledger';

const flow = { count: 200, rate: 20 };
const remove = ['--set', 'globalConfig.stream.onDelete=delete'];
const batch = new ArgoRun({ ...flow, namespace: 'argo-dev', mode: 'batch' }, { options: remove });
const stream = new ArgoRun({ ...flow, namespace: 'argo-prod', mode: 'stream' });
const runs = [batch, stream];
afterAll(() => Promise.all(runs.map((run) => run.close())));

test('flows that Argo CD syncs store each number once and are Healthy', async () => {
  for (const run of runs) await run.start();
  for (const run of runs) {
    await expectLedger(run);
    await run.untilNackIsReady();
    const { sync, resources } = await eventually(
      `${run.namespace} is Healthy`,
      () => run.application.status(),
      ({ health }) => health === 'Healthy',
    );
    expect([sync, resources.filter(({ requiresPruning }) => requiresPruning)]).toEqual(['Synced', []]);
  }
});

test('a removed Application takes its objects and streams along, and leaves those of the other environment', async () => {
  const before = { objects: await stream.objects(), streams: await stream.streams() };
  expect(await batch.streams()).not.toEqual([]);
  const { kept } = await batch.application.delete();
  expect([kept, await batch.objects(), await batch.streams()]).toEqual([[], [], []]);
  expect({ objects: await stream.objects(), streams: await stream.streams() }).toEqual(before);
  expect((await stream.application.status()).sync).toBe('Synced');
});

test('a removed Application whose records are kept leaves its streams', async () => {
  const before = await stream.streams();
  expect(before).not.toEqual([]);
  const { deleted, kept } = await stream.application.delete();
  expect(deleted).toEqual(expect.arrayContaining(['Deployment numbers--source', 'Deployment numbers--sink']));
  expect(kept).toContain('Stream numbers--source');
  expect(await stream.streams()).toEqual(before);
  expect((await stream.objects()).filter((each) => !/^(Stream|Consumer|KeyValue) /.test(each))).toEqual([]);
});
