import { stringify } from 'yaml';
import type { FlowEventView } from '../../../runtime/api-contract/flow-history';
import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { chainSchema, chainTopology } from '../../support/chain-topology';
import { ControllerPlace } from '../../support/controller-place';
import { waitFor } from '../../support/wait-for';

let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ pauseGrace: 3, ready: 2 });
});

afterAll(async () => {
  await place?.close();
});

describe('submit', () => {
  test('is unchanged for the same document, and rejected for another one', async () => {
    await place.running('life/same');
    expect((await place.submit('life/same')).status).toBe(200);
    const other = await place.submit('life/same', { parallelism: 2 });
    expect(other).toMatchObject({ status: 409, body: { code: 'flow-exists' } });
  });

  test('treats an equivalent document as unchanged', async () => {
    await place.running('life/words');
    const yaml = `# the same flow\n${stringify({ parallelism: 1, ...chainTopology() })}`;
    const type = { 'content-type': 'application/yaml' };
    expect((await place.call('POST', '/kflows/v1/life/words', yaml, type)).status).toBe(200);
    expect(await place.call('POST', '/kflows/update/v1', `jobId: words\n${yaml}`, type)).toMatchObject({
      status: 200,
      body: { revision: 1 },
    });
  });

  test('has its revision in the history as soon as it is accepted', async () => {
    expect((await place.submit('life/known')).status).toBe(201);
    const history = await place.call('GET', '/kflows/v1/life/known/history');
    expect(history).toMatchObject({ status: 200, body: [{ revision: 1, isCurrent: true }] });
    expect(await place.call('GET', '/kflows/v1/life/known/history/7')).toMatchObject({
      status: 404,
      body: { code: 'revision-missing', detail: expect.stringContaining('it has 1') },
    });
  });

  test('reports every problem of a topology', async () => {
    const answer = await place.call('POST', '/kflows/v1/life/bad', {
      dag: [
        { id: 'a', type: 'rwa' },
        { id: 'b', type: 'raw' },
      ],
    });
    expect(answer.status).toBe(422);
    expect((answer.body as { problems: object[] }).problems.length).toBeGreaterThan(1);
    expect((await place.call('GET', '/kflows/v1/life/bad')).status).toBe(404);
  });
});

describe('pause and resume', () => {
  test('keep the workflow, and scale all functions to zero and back', async () => {
    await place.running('life/pause', { parallelism: 3 });
    const before = (await place.status('life/pause')).execution.run_id;
    expect(await place.call('POST', '/kflows/v1/life/pause/pause')).toMatchObject({
      status: 202,
      body: { status: 'Pausing' },
    });
    await place.untilIn('life/pause', 'Paused');
    expect(await place.desired('life/pause')).toEqual({ list: 0, map: 0, leaf: 0 });
    expect((await place.call('POST', '/kflows/v1/life/pause/resume')).status).toBe(202);
    await place.until('life/pause', ({ status, health }) => status === 'Running' && health.state === 'healthy');
    expect(await place.desired('life/pause')).toEqual({ list: 1, map: 3, leaf: 1 });
    expect((await place.status('life/pause')).execution.run_id).toBe(before);
  });

  test('apply to one branch by a request or by meta.pause of an update', async () => {
    await place.running('life/branch');
    await place.call('POST', '/kflows/v1/life/branch/pause', { functions: ['map'] });
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === true);
    expect(await place.desired('life/branch')).toEqual({ list: 1, map: 0, leaf: 1 });
    await place.call('POST', '/kflows/v1/life/branch/resume', { functions: ['map'] });
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === false);
    expect((await place.update('life/branch', { meta: { update: true, pause: true } })).status).toBe(200);
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === true);
    expect((await place.update('life/branch', { meta: { update: true, pause: false } })).status).toBe(200);
    await place.until(
      'life/branch',
      ({ functions, health }) => functions[1]?.isPaused === false && health.state === 'healthy',
    );
  });

  test('a resume cancels a pause in progress', async () => {
    await place.running('life/hesitate');
    await place.call('POST', '/kflows/v1/life/hesitate/pause');
    await place.call('POST', '/kflows/v1/life/hesitate/resume');
    await place.until('life/hesitate', ({ status, health }) => status === 'Running' && health.state === 'healthy');
    expect(await place.desired('life/hesitate')).toEqual({ list: 1, map: 1, leaf: 1 });
  });
});

describe('stop', () => {
  test('closes the workflow and keeps the flow for the next submit; only force removes it', async () => {
    await place.running('life/stop');
    expect((await place.call('DELETE', '/kflows/v1/life/stop/stop=true')).status).toBe(202);
    const stopped = await place.untilIn('life/stop', 'Stopped');
    expect(stopped.closeTime).not.toBeNull();
    expect(stopped.functions).toMatchObject([
      { function: 'list', replicas: 0, ready: 0, isPaused: false },
      { function: 'map', in: 0, pending: 0 },
      { function: 'leaf' },
    ]);
    expect(await place.desired('life/stop')).toEqual({});
    expect(await place.call('DELETE', '/kflows/v1/life/stop')).toMatchObject({
      status: 409,
      body: { code: 'state-invalid' },
    });
    expect(await place.submit('life/stop')).toMatchObject({ status: 201, body: { status: 'Running' } });
    await place.until('life/stop', ({ health }) => health.state === 'healthy');
    await place.call('DELETE', '/kflows/v1/life/stop?stop=true');
    await place.untilIn('life/stop', 'Stopped');
    const other = { ...chainSchema, fields: [...chainSchema.fields, { name: 'more', type: 'long' }] };
    expect(await place.submit('life/stop', { schema: other })).toMatchObject({
      status: 409,
      body: { code: 'update-refused' },
    });
    expect((await place.call('DELETE', '/kflows/v1/life/stop/force=true')).status).toBe(202);
    expect((await place.untilIn('life/stop', 'Terminated')).functions).toEqual([]);
    expect(await place.submit('life/stop', { schema: other })).toMatchObject({ status: 201 });
  });
});

describe('delete', () => {
  test('ends as Canceled, with force as Terminated; an unknown flow is missing', async () => {
    await place.running('life/gone');
    expect((await place.call('DELETE', '/kflows/v1/life/gone')).status).toBe(202);
    await place.untilIn('life/gone', 'Canceled');
    expect(await place.call('GET', '/kflows/v1/life/gone/history')).toMatchObject({ status: 200, body: [] });
    await place.running('life/gone');
    await place.call('DELETE', '/kflows/v1/life/gone/force=true');
    await place.untilIn('life/gone', 'Terminated');
    expect((await place.call('DELETE', '/kflows/v1/life/never')).status).toBe(404);
  });
});

test('a workflow terminated in Temporal leaves a stopped flow that the next submit continues', async () => {
  await place.running('life/outside');
  await place.terminate('life/outside');
  await place.untilIn('life/outside', 'Stopped');
  expect(await place.desired('life/outside')).toEqual({});
  expect(await place.submit('life/outside')).toMatchObject({ status: 201 });
});

describe('a batch flow', () => {
  test('completes with its last Job, and a submit runs it again', async () => {
    await place.running('life/batch', { mode: 'batch' });
    for (const id of ['list', 'map', 'leaf']) place.cluster.end({ namespace: 'life', jobId: 'batch' }, id, 'succeeded');
    await place.untilIn('life/batch', 'Completed');
    expect(await place.submit('life/batch', { mode: 'batch' })).toMatchObject({ status: 201 });
    await place.until('life/batch', ({ status, health }) => status === 'Running' && health.state === 'healthy');
  });

  test('completes under repeated requests, and rejects requests after its completion', async () => {
    await place.running('life/asked', { mode: 'batch' });
    for (const id of ['list', 'map', 'leaf']) place.cluster.end({ namespace: 'life', jobId: 'asked' }, id, 'succeeded');
    const refused = await waitFor(
      'a resume to be refused',
      () => place.call('POST', '/kflows/v1/life/asked/resume', {}),
      ({ status }) => status !== 202,
    );
    const detail = expect.stringContaining('is Completed: submit the flow again first');
    expect(refused).toMatchObject({ status: 409, body: { detail } });
    await place.untilIn('life/asked', 'Completed');
  });

  test('fails with its Job, and continues after a submit', async () => {
    await place.running('life/fail', { mode: 'batch' });
    place.cluster.end({ namespace: 'life', jobId: 'fail' }, 'map', 'failed');
    const failed = await place.untilIn('life/fail', 'Failed');
    expect(failed.reason).toContain('map');
    expect(await place.submit('life/fail', { mode: 'batch' })).toMatchObject({ status: 201 });
    await place.until('life/fail', ({ status, health }) => status === 'Running' && health.state === 'healthy');
  });
});

test('the list has every flow of a namespace, in pages', async () => {
  const names: string[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query: string = next === '' ? '' : `&continue=${next}`;
    const answer = await fetch(`${place.url}/kflows/v1/life?limit=4${query}`);
    const page = (await answer.json()) as { jobId: string }[];
    expect(page.length).toBeLessThanOrEqual(4);
    names.push(...page.map(({ jobId }) => jobId));
    next = answer.headers.get('kflow-continue') ?? undefined;
  }
  expect(names).toEqual([...new Set(names)].sort());
  expect(names).toEqual(expect.arrayContaining(['same', 'pause', 'branch', 'stop', 'gone', 'batch']));
  expect((await place.call('GET', '/kflows/v1/life?id=stop')).body).toMatchObject([{ jobId: 'stop' }]);
});

test('a flow whose stream somebody removed is listed with the reason', async () => {
  await place.running('ill/one');
  await place.running('ill/other');
  await place.removeStream('kflow_ill_one_map', 'ill');
  const listed = async () => (await place.call('GET', '/kflows/v1/ill')).body as FlowStatus[];
  const list = await waitFor('the list to say what is missing', listed, ([one]) => one?.health.state === 'unhealthy');
  expect(list.map(({ jobId, health }) => [jobId, health.state, health.problems[0]?.reason])).toEqual([
    ['one', 'unhealthy', 'Removed'],
    ['other', 'healthy', undefined],
  ]);
});

test('every change is in the audit log with its author and comment', async () => {
  await place.running('life/audit');
  await place.call('POST', '/kflows/v1/life/audit/pause', { comment: 'the disk is full' });
  await place.untilIn('life/audit', 'Paused');
  const events = await place.untilResponse<FlowEventView[]>(
    '/kflows/v1/life/audit/events',
    ({ length }) => length === 4,
  );
  expect(events).toMatchObject([
    { kind: 'audit', what: 'submit', by: 'anonymous' },
    { kind: 'audit', what: 'pause', by: 'anonymous', comment: 'the disk is full' },
    { kind: 'phase', what: 'Pausing' },
    { kind: 'phase', what: 'Paused' },
  ]);
});
