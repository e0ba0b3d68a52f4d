import { stringify } from 'yaml';
import type { FlowEventView, FlowStatus, RevisionView } from '../../runtime/controller/api/schemas';
import { ControllerPlace } from '../support/controller-place';

let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ pauseGrace: 3, ready: 2 });
}, 120_000);

afterAll(async () => {
  await place?.close();
}, 60_000);

const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };

interface Changes {
  readonly parallelism?: number;
  readonly meta?: object;
  readonly mode?: 'batch' | 'stream';
  readonly schema?: object;
}

/** A source, a function and a sink. */
function topology(changes: Changes = {}): object {
  return {
    mode: changes.mode ?? 'stream',
    dag: [
      {
        id: 'list',
        type: 'fs-source',
        format: 'list',
        addr: 's:1',
        topics: 's3a://texts',
        user: 'a',
        password: 'b',
        out: ['map'],
      },
      {
        id: 'map',
        type: 'raw',
        parallelism: changes.parallelism ?? 1,
        schema: changes.schema ?? schema,
        meta: { name: 'map', code: 'def map(ctx, event): return {"n": 1}', ...changes.meta },
        out: ['leaf'],
      },
      { id: 'leaf', type: 'raw', meta: { name: 'leaf', code: 'def leaf(ctx, event): return None' } },
    ],
  };
}

const desired = async (jobId: string) =>
  Object.fromEntries(
    (await place.cluster.workloads({ namespace: 'life', jobId })).map((state) => [state.function, state.desired]),
  );

const submit = (flow: string, changes: Changes = {}) => place.call('POST', `/kflows/v1/${flow}`, topology(changes));

const update = (jobId: string, changes: Changes) =>
  place.call('POST', '/kflows/update/v1', { jobId, namespace: 'life', ...topology(changes) });

async function running(flow: string, changes: Changes = {}): Promise<void> {
  expect(await submit(flow, changes)).toMatchObject({ status: 201, body: { jobId: flow.split('/')[1] } });
  await place.until(flow, ({ status, health }) => status === 'Running' && health.state === 'healthy');
}

describe('submit', () => {
  test('is the same for the same document, and refused for another one', async () => {
    await running('life/same');
    expect((await submit('life/same')).status).toBe(200);
    const other = await submit('life/same', { parallelism: 2 });
    expect(other).toMatchObject({ status: 409, body: { code: 'flow-exists' } });
  });

  test('takes a document for the same when it says the same in other words', async () => {
    await running('life/words');
    const yaml = `# the same flow\n${stringify({ parallelism: 1, ...topology() })}`;
    const type = { 'content-type': 'application/yaml' };
    expect((await place.call('POST', '/kflows/v1/life/words', yaml, type)).status).toBe(200);
    expect(await place.call('POST', '/kflows/update/v1', `jobId: words\n${yaml}`, type)).toMatchObject({
      status: 200,
      body: { revision: 1 },
    });
  });

  test('has its revision in the history as soon as it is taken', async () => {
    expect((await submit('life/known')).status).toBe(201);
    const history = await place.call('GET', '/kflows/v1/life/known/history');
    expect(history).toMatchObject({ status: 200, body: [{ revision: 1, isCurrent: true }] });
    expect(await place.call('GET', '/kflows/v1/life/known/history/7')).toMatchObject({
      status: 404,
      body: { code: 'revision-missing', detail: expect.stringContaining('it has 1') },
    });
  });

  test('tells every problem of a topology', async () => {
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
  test('keep the workflow and scale everything to nothing and back', async () => {
    await running('life/pause', { parallelism: 3 });
    const before = (await place.status('life/pause')).execution.run_id;
    expect(await place.call('POST', '/kflows/v1/life/pause/pause')).toMatchObject({
      status: 202,
      body: { status: 'Pausing' },
    });
    await place.untilIn('life/pause', 'Paused');
    expect(await desired('pause')).toEqual({ list: 0, map: 0, leaf: 0 });
    expect((await place.call('POST', '/kflows/v1/life/pause/resume')).status).toBe(202);
    await place.until('life/pause', ({ status, health }) => status === 'Running' && health.state === 'healthy');
    expect(await desired('pause')).toEqual({ list: 1, map: 3, leaf: 1 });
    expect((await place.status('life/pause')).execution.run_id).toBe(before);
  });

  test('take one branch by a request, or by meta.pause of an update', async () => {
    await running('life/branch');
    await place.call('POST', '/kflows/v1/life/branch/pause', { functions: ['map'] });
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === true);
    expect(await desired('branch')).toEqual({ list: 1, map: 0, leaf: 1 });
    await place.call('POST', '/kflows/v1/life/branch/resume', { functions: ['map'] });
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === false);
    expect((await update('branch', { meta: { update: true, pause: true } })).status).toBe(200);
    await place.until('life/branch', ({ functions }) => functions[1]?.isPaused === true);
    expect((await update('branch', { meta: { update: true, pause: false } })).status).toBe(200);
    await place.until(
      'life/branch',
      ({ functions, health }) => functions[1]?.isPaused === false && health.state === 'healthy',
    );
  });

  test('a resume before the pause is done gives it up', async () => {
    await running('life/hesitate');
    await place.call('POST', '/kflows/v1/life/hesitate/pause');
    await place.call('POST', '/kflows/v1/life/hesitate/resume');
    await place.until('life/hesitate', ({ status, health }) => status === 'Running' && health.state === 'healthy');
    expect(await desired('hesitate')).toEqual({ list: 1, map: 1, leaf: 1 });
  });
});

describe('stop', () => {
  test('closes the workflow and keeps the flow for the next submit, which only force removes', async () => {
    await running('life/stop');
    expect((await place.call('DELETE', '/kflows/v1/life/stop/stop=true')).status).toBe(202);
    const stopped = await place.untilIn('life/stop', 'Stopped');
    expect(stopped.closeTime).not.toBeNull();
    expect(await desired('stop')).toEqual({});
    expect(await place.call('DELETE', '/kflows/v1/life/stop')).toMatchObject({
      status: 409,
      body: { code: 'state-invalid' },
    });
    expect(await submit('life/stop')).toMatchObject({ status: 201, body: { status: 'Running' } });
    await place.until('life/stop', ({ health }) => health.state === 'healthy');
    await place.call('DELETE', '/kflows/v1/life/stop?stop=true');
    await place.untilIn('life/stop', 'Stopped');
    const other = { ...schema, fields: [...schema.fields, { name: 'more', type: 'long' }] };
    expect(await submit('life/stop', { schema: other })).toMatchObject({
      status: 409,
      body: { code: 'update-refused' },
    });
    expect((await place.call('DELETE', '/kflows/v1/life/stop/force=true')).status).toBe(202);
    await place.untilIn('life/stop', 'Terminated');
    expect(await submit('life/stop', { schema: other })).toMatchObject({ status: 201 });
  });
});

describe('delete', () => {
  test('ends as Canceled, with force as Terminated; an unknown flow is missing', async () => {
    await running('life/gone');
    expect((await place.call('DELETE', '/kflows/v1/life/gone')).status).toBe(202);
    await place.untilIn('life/gone', 'Canceled');
    expect(await place.call('GET', '/kflows/v1/life/gone/history')).toMatchObject({ status: 200, body: [] });
    await running('life/gone');
    await place.call('DELETE', '/kflows/v1/life/gone/force=true');
    await place.untilIn('life/gone', 'Terminated');
    expect((await place.call('DELETE', '/kflows/v1/life/never')).status).toBe(404);
  });
});

test('a workflow that is terminated in Temporal leaves a stopped flow, whose next submit goes on', async () => {
  await running('life/outside');
  await place.terminate('life/outside');
  await place.untilIn('life/outside', 'Stopped');
  expect(await desired('outside')).toEqual({});
  expect(await submit('life/outside')).toMatchObject({ status: 201 });
});

describe('update', () => {
  test('changes what it may, and tells each difference that it may not make by its path', async () => {
    await running('life/update');
    const refused = await update('update', { parallelism: 2, schema: { ...schema, name: 'other' } });
    expect(refused).toMatchObject({ status: 409, body: { code: 'update-refused' } });
    const paths = (refused.body as { problems: { path: string }[] }).problems.map(({ path }) => path);
    expect(paths).toEqual(['dag.map.schema', 'dag.map.parallelism']);
    expect((await update('update', { parallelism: 5, meta: { update: true } })).status).toBe(200);
    await place.until(
      'life/update',
      ({ functions, health }) => functions[1]?.replicas === 5 && health.state === 'healthy',
    );
    expect((await update('update', { parallelism: 5, meta: { update: true } })).status).toBe(200);
    const history = await place.untilSaid<RevisionView[]>(
      '/kflows/v1/life/update/history',
      (revisions) => revisions[1]?.isProven === true,
    );
    expect(history).toMatchObject([
      { revision: 1, cause: 'submit', isProven: true, isCurrent: false },
      { revision: 2, cause: 'update', isProven: true, isCurrent: true },
    ]);
  });

  test('finds the flow by its jobId alone when there is one of it', async () => {
    await running('life/alone');
    const answer = await place.call('POST', '/kflows/update/v1', {
      jobId: 'alone',
      ...topology({ parallelism: 2, meta: { update: true } }),
    });
    expect(answer).toMatchObject({ status: 200, body: { namespace: 'life', revision: 2 } });
  });

  test('restart that is sent again with its key starts nothing anew again', async () => {
    await running('life/key');
    const restart = async (key: string) => {
      expect((await place.call('POST', '/kflows/v1/life/key/restart', {}, { 'idempotency-key': key })).status).toBe(
        202,
      );
      await place.untilHealthy('life/key');
      const states = await place.cluster.workloads({ namespace: 'life', jobId: 'key' });
      return states.map(({ specHash }) => specHash);
    };
    const first = await restart('one');
    expect(await restart('one')).toEqual(first);
    expect(await restart('two')).not.toEqual(first);
    const events = await place.call('GET', '/kflows/v1/life/key/events?kind=audit');
    expect((events.body as FlowEventView[]).filter(({ what }) => what === 'restart')).toHaveLength(2);
  });

  test('restarts the running replicas of a stream only when it says so', async () => {
    await running('life/restart', { meta: { update: true } });
    const hash = async () =>
      (await place.cluster.workloads({ namespace: 'life', jobId: 'restart' })).find((each) => each.function === 'map')
        ?.specHash;
    const before = await hash();
    expect(await update('restart', { meta: { update: true, own: 1 } })).toMatchObject({ status: 200 });
    await place.untilIn('life/restart', 'Running');
    expect(await hash()).toBe(before);
    expect(await update('restart', { meta: { update: true, own: 2, restart: true } })).toMatchObject({ status: 200 });
    await place.until('life/restart', ({ revision, health }) => revision === 3 && health.state === 'healthy');
    expect(await hash()).not.toBe(before);
  });

  test('that does not get ready goes back to the last revision that was', async () => {
    await running('life/back');
    place.cluster.breakWith('it never starts');
    const broken = await update('back', { meta: { update: true, restart: true, own: 'it never starts' } });
    expect(broken).toMatchObject({ status: 200, body: { revision: 2 } });
    const back = await place.until('life/back', ({ revision, health }) => revision === 3 && health.state === 'healthy');
    expect(back.reason).toContain(
      'revision 2 did not get ready: map has 0 of 1 replicas ready (map-0: CrashLoopBackOff',
    );
    const history = await place.untilSaid<RevisionView[]>('/kflows/v1/life/back/history', ({ length }) => length === 3);
    expect(history).toMatchObject([
      { revision: 1, isProven: true },
      { revision: 2, isProven: false },
      { revision: 3, cause: 'auto-rollback', by: 'kflow', isCurrent: true },
    ]);
  });

  test('is taken back by a rollback to what was seen ready, not to what an automatic way back has left', async () => {
    await running('life/again');
    await update('again', { meta: { update: true, own: 1 } });
    await place.untilSaid<RevisionView[]>('/kflows/v1/life/again/history', (all) => all[1]?.isProven === true);
    place.cluster.breakWith('it is broken');
    await update('again', { meta: { update: true, restart: true, own: 'it is broken' } });
    await place.until('life/again', ({ revision, health }) => revision === 4 && health.state === 'healthy');
    const back = await place.call('POST', '/kflows/v1/life/again/rollback');
    expect(back).toMatchObject({ status: 200, body: { revision: 5 } });
    expect((await place.call('GET', '/kflows/v1/life/again/diff?from=1&to=5')).body).toBe('');
  });

  test('of a flow that was slow to start has something to go back to', async () => {
    place.cluster.breakWith('slow at first');
    expect(await submit('life/slow', { meta: { own: 'slow at first' } })).toMatchObject({ status: 201 });
    await place.until('life/slow', ({ reason }) => reason?.includes('map has 0 of 1 replicas ready') === true);
    place.cluster.mend('slow at first');
    await place.untilSaid<RevisionView[]>('/kflows/v1/life/slow/history', (all) => all[0]?.isProven === true);
    expect((await place.status('life/slow')).reason).toBeUndefined();
  });

  test('can be taken back by a rollback, and scaled without a document', async () => {
    await running('life/roll');
    await place.call('POST', '/kflows/v1/life/roll/scale', { replicas: { map: 4 } });
    await place.until(
      'life/roll',
      ({ functions, health }) => functions[1]?.replicas === 4 && health.state === 'healthy',
    );
    expect((await place.call('GET', '/kflows/v1/life/roll/diff')).body).toContain('+      "parallelism": 4');
    await place.call('POST', '/kflows/v1/life/roll/rollback');
    await place.until(
      'life/roll',
      ({ functions, health }) => functions[1]?.replicas === 1 && health.state === 'healthy',
    );
    expect((await place.status('life/roll')).revision).toBe(3);
  });
});

describe('a batch flow', () => {
  test('completes when its last Job has, and a submit runs it again', async () => {
    await running('life/batch', { mode: 'batch' });
    for (const id of ['list', 'map', 'leaf']) place.cluster.end({ namespace: 'life', jobId: 'batch' }, id, 'succeeded');
    await place.untilIn('life/batch', 'Completed');
    expect(await submit('life/batch', { mode: 'batch' })).toMatchObject({ status: 201 });
    await place.until('life/batch', ({ status, health }) => status === 'Running' && health.state === 'healthy');
  });

  test('fails with its Job, and goes on after a submit', async () => {
    await running('life/fail', { mode: 'batch' });
    place.cluster.end({ namespace: 'life', jobId: 'fail' }, 'map', 'failed');
    const failed = await place.untilIn('life/fail', 'Failed');
    expect(failed.reason).toContain('map');
    expect(await submit('life/fail', { mode: 'batch' })).toMatchObject({ status: 201 });
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
  expect(names).toEqual(expect.arrayContaining(['same', 'pause', 'branch', 'stop', 'gone', 'update', 'batch']));
  expect((await place.call('GET', '/kflows/v1/life?id=stop')).body).toMatchObject([{ jobId: 'stop' }]);
});

test('a flow that cannot be looked at is in the list with what is in the way', async () => {
  await running('ill/one');
  await running('ill/other');
  await place.removeStream('kflow_ill_one_map');
  const list = (await place.call('GET', '/kflows/v1/ill')).body as FlowStatus[];
  expect(list.map(({ jobId, health }) => [jobId, health.state, health.problems[0]?.reason])).toEqual([
    ['one', 'unhealthy', 'Unreadable'],
    ['other', 'healthy', undefined],
  ]);
});

test('every change is in the audit log, with who and why', async () => {
  await running('life/audit');
  await place.call('POST', '/kflows/v1/life/audit/pause', { comment: 'the disk is full' });
  await place.untilIn('life/audit', 'Paused');
  const events = await place.untilSaid<FlowEventView[]>('/kflows/v1/life/audit/events', ({ length }) => length === 4);
  expect(events).toMatchObject([
    { kind: 'audit', what: 'submit', by: 'anonymous' },
    { kind: 'audit', what: 'pause', by: 'anonymous', comment: 'the disk is full' },
    { kind: 'phase', what: 'Pausing' },
    { kind: 'phase', what: 'Paused' },
  ]);
});
