import type { FlowEventView, RevisionView } from '../../../runtime/api-contract/flow-history';
import { chainSchema, chainTopology } from '../../support/chain-topology';
import { ControllerPlace } from '../../support/controller-place';

let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ pauseGrace: 3, ready: 2 });
});

afterAll(async () => {
  await place?.close();
});

describe('update', () => {
  test('applies allowed changes, and reports each forbidden change by its path', async () => {
    await place.running('life/update');
    expect(await place.call('POST', '/kflows/v1/life/update/rollback')).toMatchObject({
      status: 409,
      body: { code: 'state-invalid', detail: 'life/update has no earlier revision' },
    });
    const refused = await place.update('life/update', { parallelism: 2, schema: { ...chainSchema, name: 'other' } });
    expect(refused).toMatchObject({ status: 409, body: { code: 'update-refused' } });
    const paths = (refused.body as { problems: { path: string }[] }).problems.map(({ path }) => path);
    expect(paths).toEqual(['dag.map.schema', 'dag.map.parallelism']);
    expect((await place.update('life/update', { parallelism: 5, meta: { update: true } })).status).toBe(200);
    await place.until(
      'life/update',
      ({ functions, health }) => functions[1]?.replicas === 5 && health.state === 'healthy',
    );
    expect((await place.update('life/update', { parallelism: 5, meta: { update: true } })).status).toBe(200);
    const history = await place.untilResponse<RevisionView[]>(
      '/kflows/v1/life/update/history',
      (revisions) => revisions[1]?.isProven === true,
    );
    expect(history).toMatchObject([
      { revision: 1, cause: 'submit', isProven: true, isCurrent: false },
      { revision: 2, cause: 'update', isProven: true, isCurrent: true },
    ]);
  });

  test('finds the flow by its jobId when only one has it', async () => {
    await place.running('life/alone');
    const answer = await place.call('POST', '/kflows/update/v1', {
      jobId: 'alone',
      ...chainTopology({ parallelism: 2, meta: { update: true } }),
    });
    expect(answer).toMatchObject({ status: 200, body: { namespace: 'life', revision: 2 } });
  });

  test('restart repeated with its idempotency key restarts nothing', async () => {
    await place.running('life/key');
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

  test('restarts running replicas of a stream only with restart: true', async () => {
    await place.running('life/restart', { meta: { update: true } });
    const hash = async () =>
      (await place.cluster.workloads({ namespace: 'life', jobId: 'restart' })).find((each) => each.function === 'map')
        ?.specHash;
    const before = await hash();
    expect(await place.update('life/restart', { meta: { update: true, own: 1 } })).toMatchObject({ status: 200 });
    await place.untilIn('life/restart', 'Running');
    expect(await hash()).toBe(before);
    expect(await place.update('life/restart', { meta: { update: true, own: 2, restart: true } })).toMatchObject({
      status: 200,
    });
    await place.until('life/restart', ({ revision, health }) => revision === 3 && health.state === 'healthy');
    expect(await hash()).not.toBe(before);
  });

  test('that does not become ready rolls back to the last ready revision', async () => {
    await place.running('life/back');
    place.cluster.breakWith('it never starts');
    const broken = await place.update('life/back', { meta: { update: true, restart: true, own: 'it never starts' } });
    expect(broken).toMatchObject({ status: 200, body: { revision: 2 } });
    const back = await place.until('life/back', ({ revision, health }) => revision === 3 && health.state === 'healthy');
    expect(back.reason).toContain(
      'revision 2 did not become ready: map has 0 of 1 replicas ready (map-0: CrashLoopBackOff',
    );
    const history = await place.untilResponse<RevisionView[]>(
      '/kflows/v1/life/back/history',
      ({ length }) => length === 3,
    );
    expect(history).toMatchObject([
      { revision: 1, isProven: true },
      { revision: 2, isProven: false },
      { revision: 3, cause: 'auto-rollback', by: 'kflow', isCurrent: true },
    ]);
  });

  test('is reverted by a rollback to a ready revision, not to the result of an automatic rollback', async () => {
    await place.running('life/again');
    await place.update('life/again', { meta: { update: true, own: 1 } });
    await place.untilResponse<RevisionView[]>('/kflows/v1/life/again/history', (all) => all[1]?.isProven === true);
    place.cluster.breakWith('it is broken');
    await place.update('life/again', { meta: { update: true, restart: true, own: 'it is broken' } });
    await place.until('life/again', ({ revision, health }) => revision === 4 && health.state === 'healthy');
    const back = await place.call('POST', '/kflows/v1/life/again/rollback');
    expect(back).toMatchObject({ status: 200, body: { revision: 5 } });
    expect((await place.call('GET', '/kflows/v1/life/again/diff?from=1&to=5')).body).toBe('');
  });

  test('of a flow that started slowly can be rolled back', async () => {
    place.cluster.breakWith('slow at first');
    expect(await place.submit('life/slow', { meta: { own: 'slow at first' } })).toMatchObject({ status: 201 });
    await place.until('life/slow', ({ reason }) => reason?.includes('map has 0 of 1 replicas ready') === true);
    place.cluster.repair('slow at first');
    await place.untilResponse<RevisionView[]>('/kflows/v1/life/slow/history', (all) => all[0]?.isProven === true);
    expect((await place.status('life/slow')).reason).toBeUndefined();
  });

  test('can be reverted by a rollback, and scaled without a document', async () => {
    await place.running('life/roll');
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
