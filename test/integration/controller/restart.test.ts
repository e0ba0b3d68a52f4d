import type { RevisionView } from '../../../runtime/api-contract/flow-history';
import { ControllerPlace } from '../../support/controller-place';

let place: ControllerPlace;
const flow = 'long/life';

beforeAll(async () => {
  place = await ControllerPlace.open({ pauseGrace: 2, ready: 5, historyLength: 30 });
});

afterAll(async () => {
  await place?.close();
});

const topology = {
  dag: [
    {
      id: 'numbers',
      type: 'raw-source',
      schema: { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] },
      meta: { name: 'numbers', code: 'def numbers(): yield {"n": 1}' },
      out: ['leaf'],
    },
    { id: 'leaf', type: 'raw', meta: { name: 'leaf', code: 'def leaf(ctx, event): return None' } },
  ],
};

test('a workflow with a long history continues as new without visible effects', async () => {
  await place.call('POST', `/kflows/v1/${flow}`, topology);
  const first = await place.until(flow, ({ health }) => health.state === 'healthy');
  const runs = new Set([(await place.runOf(flow)) ?? '']);
  for (let replicas = 2; replicas < 8; replicas++) {
    expect(await place.call('POST', `/kflows/v1/${flow}/scale`, { replicas: { leaf: replicas } })).toMatchObject({
      status: 200,
    });
    await place.call('POST', `/kflows/v1/${flow}/pause`, { functions: ['leaf'] });
    await place.until(flow, ({ functions }) => functions[1]?.isPaused === true);
    await place.call('POST', `/kflows/v1/${flow}/resume`);
    await place.until(flow, ({ functions, health }) => functions[1]?.ready === replicas && health.state === 'healthy');
    runs.add((await place.runOf(flow)) ?? '');
  }
  expect(runs.size).toBeGreaterThan(2);
  const last = await place.status(flow);
  expect(last.execution).toEqual(first.execution);
  expect(last.startTime).toBe(first.startTime);
  const history = await place.untilResponse<RevisionView[]>(
    `/kflows/v1/${flow}/history`,
    (all) => all.at(-1)?.isProven === true,
  );
  expect(history.map(({ revision, cause }) => `${revision} ${cause}`)).toEqual([
    '1 submit',
    ...[2, 3, 4, 5, 6, 7].map((revision) => `${revision} scale`),
  ]);
  await place.call('POST', `/kflows/v1/${flow}/pause`);
  await place.untilIn(flow, 'Paused');
  await place.call('DELETE', `/kflows/v1/${flow}?stop=true`);
  await place.untilIn(flow, 'Stopped');
});
