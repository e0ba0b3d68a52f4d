import { MemoryController } from '../../../../support/memory-controller';
import { waitFor } from '../../../../support/wait-for';

const eva = { by: 'eva', comment: 'to see' };
const flow = { namespace: 'default', jobId: 'stepped' };
const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };
const meta = { name: 'f', code: 'def f(ctx, e): return e' };
const document = (isStepped: boolean) =>
  JSON.stringify({
    jobId: flow.jobId,
    globalConfig: { devStore: { enabled: isStepped, addr: 's3:1', topics: 'steps', user: 'u', password: 'p' } },
    dag: [
      { id: 'made', type: 'raw-source', schema, meta, out: ['map'] },
      { id: 'map', type: 'raw', schema, meta },
    ],
  });

let controller: MemoryController;
beforeEach(() => {
  controller = new MemoryController();
});

test('the status of a flow that runs step by step has the folders of its functions', async () => {
  await controller.service.submit(flow, document(true), eva);
  const { devInsOuts, functions } = await waitFor(
    'the flow to run',
    () => controller.service.status(flow),
    ({ status }) => status === 'Running',
  );
  const prefix = 'kflow-dev/default/stepped/map/';
  expect(devInsOuts).toEqual([{ function: 'map', bucket: 'steps', inDir: `${prefix}in/`, outDir: `${prefix}out/` }]);
  expect(functions.map(({ function: id }) => id)).toEqual(['map']);
});

test('puts records into the folder, notes who did, and drops them', async () => {
  await controller.service.submit(flow, document(true), eva);
  const { steps } = controller.service;
  const of = { function: 'map', name: 'a' };
  const list = await steps.list(flow);
  expect(list.steps).toEqual([]);
  const { store } = controller.stepStores;
  await store.put('steps', 'kflow-dev/default/stepped/map/in/a', Buffer.from('{"n": 1}'));
  expect(await steps.show(flow, of)).toMatchObject({ state: 'waiting', run: 0 });
  await steps.drop(flow, of, eva);
  await expect(steps.show(flow, of)).rejects.toMatchObject({ code: 'step-missing' });
  const events = await controller.service.events(flow, { limit: 10, kind: 'audit' });
  expect(events.at(-1)).toMatchObject({ what: 'drop', message: 'map: a', by: 'eva', comment: 'to see' });
});

test('names what is wrong with the flow', async () => {
  const { steps } = controller.service;
  await expect(steps.list(flow)).rejects.toMatchObject({ code: 'flow-missing' });
  await controller.service.submit(flow, document(false), eva);
  await expect(steps.list(flow)).rejects.toMatchObject({
    code: 'state-invalid',
    message: expect.stringContaining('default/stepped does not run step by step'),
  });
});
