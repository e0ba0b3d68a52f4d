import type { BareWorker } from '../../support/bare-worker';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;
let worker: BareWorker;

beforeAll(async () => {
  place = await ExecutionPlace.open();
  worker = await place.worker({ A: ({ input }) => input }, 'w');
});

afterAll(async () => {
  await place?.close();
});

const publish = (kind: string, data: Record<string, unknown>, output?: unknown) =>
  place.service.publishEvent(
    place.namespace,
    { kind, data, ...(output === undefined ? {} : { output }) },
    { by: 'tester' },
  );

const waiting = (detail: { readonly steps: readonly { readonly status: string }[] }) =>
  detail.steps.some(({ status }) => status === 'running');

test('LF-33: wait:delay ends at its time, not earlier', async () => {
  const detail = await place.run('wait:delay(- duration: 1 -) → w:A', { x: 1 });
  expect(detail).toMatchObject({ status: 'Completed', output: { x: 1 } });
  const [delay] = detail.steps;
  expect(Date.parse(delay?.endedAt ?? '') - Date.parse(delay?.startedAt ?? '')).toBeGreaterThanOrEqual(1_000);
});

test('LF-34: only the event with the fields of the input ends the wait, its output merged over them', async () => {
  const { execution } = await place.start('wait:event(- {event: e34, match: input} -)', { id: 7 });
  await place.until(execution, waiting);
  await publish('other', { id: 7 });
  await publish('e34', { id: 8 }, { wrong: true });
  const { id } = await publish('e34', { id: 7, more: 1 }, { right: true });
  expect((await place.ended(execution)).output).toEqual({ id: 7, right: true });
  const events = await waitFor(
    'the receipt of the event',
    () => place.service.events(place.namespace, { kind: 'e34', limit: 10 }),
    (all) => all.some(({ receipts }) => receipts.length > 0),
  );
  expect(events.map((event) => [event.id === id, event.receipts.length])).toEqual([
    [false, 0],
    [true, 1],
  ]);
});

test('an event before the wait counts only from the start of the execution', async () => {
  await publish('early', {}, { early: 1 });
  const { execution } = await place.start('wait:event(- {event: early, from: start} -)', { x: 1 });
  await place.until(execution, waiting);
  await publish('early', {}, { early: 2 });
  expect((await place.ended(execution)).output).toEqual({ early: 2 });
});

test('LF-35: releases end the waits of two executions, and an unknown latch none', async () => {
  const name = 'n35';
  expect((await place.run(`wait:countdown(- name: ${name} -)`, { x: 1 })).output).toEqual({ x: 1 });
  await place.run(`wait:acquire(- name: ${name} -) → wait:acquire(- name: ${name} -)`);
  const waits = await Promise.all([1, 2].map((x) => place.start(`wait:countdown(- name: ${name} -)`, { x })));
  for (const { execution } of waits) await place.until(execution, waiting);
  await place.run(`wait:release(- name: ${name} -)`);
  for (const { execution } of waits) expect((await place.service.get(execution)).status).toBe('Running');
  await place.run(`wait:release(- name: ${name} -)`);
  for (const [index, { execution }] of waits.entries()) {
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: { x: index + 1 } });
  }
});

test('a concurrency limit holds over all executions, and the last one gives its place back', async () => {
  let now = 0;
  let most = 0;
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const worker = await place.worker(
    {
      one: async () => {
        now += 1;
        most = Math.max(most, now);
        await held;
        now -= 1;
        return {};
      },
    },
    'limited',
  );
  const flow = "@task limited:one with (- concurrency: {limit: 2, key: '{input[c]}'} -) limited:one";
  const started = await Promise.all(Array.from({ length: 6 }, () => place.start(flow, { c: 'x' })));
  await waitFor('two of them to run', () => worker.begun.length === 2);
  const gone = started.find(({ execution }) => !worker.begun.some((task) => task.execution === execution.execution));
  if (gone === undefined) throw new Error('all of them run');
  await place.service.terminate(gone.execution, { by: 'tester' });
  release();
  for (const { execution } of started) await place.ended(execution);
  expect(most).toBe(2);
  expect(worker.begun).toHaveLength(5);
  const again = await place.run(flow, { c: 'x' });
  expect(again.status).toBe('Completed');
});

test('a remembered result is taken instead of a run', async () => {
  const worker = await place.worker({ one: () => ({ made: worker.begun.length }) }, 'memo');
  const flow = "@task memo:one with (- memoize: {key: '{input[id]}', maxAge: 1d} -) memo:one";
  expect((await place.run(flow, { id: 1 })).output).toEqual({ made: 1 });
  expect((await place.run(flow, { id: 1 })).output).toEqual({ made: 1 });
  expect((await place.run(flow, { id: 2 })).output).toEqual({ made: 2 });
});

test.each([
  ['bogus', 'UTC', 'CronString does not have 5-7 fields'],
  ['60 * * * *', 'UTC', 'Minute is not in range'],
  ['CRON_TZ=Mars/X * * * * *', 'UTC', 'time zone'],
  ['0 6 * * *', 'Mars/X', 'unknown time zone Mars/X'],
])('the schedule %p in the time zone %s is refused', async (cron, timezone, message) => {
  const request = { flow: 'w:A', id: 'wrong', attributes: {}, schedule: { cron, timezone, overlap: 'skip' } } as const;
  await expect(place.service.schedule(place.namespace, request, { by: 'tester' })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(message),
  });
  expect(await place.service.schedules(place.namespace)).toEqual([]);
});

test('a schedule starts executions under ids of its own, and is listed until it is removed', async () => {
  const { service, namespace } = place;
  const request = { flow: 'w:A', input: { x: 1 }, id: 'tick', attributes: { of: 'clock' } };
  const spec = { cron: '* * * * * * *', timezone: 'UTC', overlap: 'skip' } as const;
  const set = await service.schedule(namespace, { ...request, schedule: spec }, { by: 'tester' });
  expect(set.next).toEqual(expect.any(String));
  const listed = await waitFor(
    'a listed schedule',
    () => service.schedules(namespace),
    ({ length }) => length > 0,
  );
  expect(listed).toMatchObject([{ schedule: 'tick', overlap: 'skip', by: 'tester' }]);
  const { executions } = await waitFor(
    'two scheduled executions',
    () => service.list(namespace, { schedule: 'tick', limit: 10 }),
    (list) => list.executions.filter(({ status }) => status === 'Completed').length >= 2,
  );
  expect(executions[0]).toMatchObject({ execution: expect.stringMatching(/^tick-2/), attributes: { of: 'clock' } });
  expect(worker.begun.at(-1)).toMatchObject({ metadata: { of: 'clock' } });
  await service.unschedule(namespace, 'tick', { by: 'tester' });
  await expect(service.unschedule(namespace, 'tick', { by: 'tester' })).rejects.toMatchObject({
    code: 'schedule-missing',
  });
});
