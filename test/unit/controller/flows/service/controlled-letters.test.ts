import { type FlowKey, flowName } from '../../../../../runtime/api-contract/flow-key';
import type { FlowStatus } from '../../../../../runtime/api-contract/flow-status';
import { encodeClaim } from '../../../../../runtime/engine/claim';
import { chainTopology } from '../../../../support/chain-topology';
import { MemoryController } from '../../../../support/memory-controller';
import { waitFor } from '../../../../support/wait-for';

const flow: FlowKey = { namespace: 'team', jobId: 'job' };
const eva = { by: 'eva', comment: 'repaired' };
const all = { all: true, dryRun: false } as const;

let controller: MemoryController;
beforeEach(() => {
  controller = new MemoryController();
});

/** Ends all workflows, so that no timer outlives a test. */
afterEach(async () => {
  for (const { key, isOpen } of await controller.workflows.open()) {
    if (isOpen) await controller.service.end(key, 'force', eva).catch(() => undefined);
  }
  await waitFor('all workflows to close', async () => (await controller.workflows.open()).length === 0);
});

const until = (what: string, holds: (status: FlowStatus) => boolean) =>
  waitFor(what, () => controller.service.status(flow), holds);
const inPhase = (phase: FlowStatus['status']) => until(phase, ({ status }) => status === phase);

async function submit(mode: 'batch' | 'stream'): Promise<void> {
  await controller.service.submit(flow, JSON.stringify({ ...chainTopology({ mode }), ...flow }), eva);
  await until('a healthy flow', ({ health }) => health.state === 'healthy');
}

async function planOf() {
  const digest = (await controller.store.record(flow))?.revisions.at(-1)?.digest ?? '';
  return controller.planner.plan(flow, digest, {});
}

/** These Jobs succeed, as when the functions have processed all of their input. */
async function end(...functions: readonly string[]): Promise<void> {
  const plan = await planOf();
  for (const id of functions) {
    controller.streams.end(plan, id);
    controller.cluster.end(flow, id, 'succeeded');
  }
  await controller.workflows.observed(flow);
}

/** The letters of these functions are queued for them. */
function queued(...functions: readonly string[]): void {
  controller.streams.letters.set(flowName(flow), functions);
}

const running = async () =>
  (await controller.cluster.workloads(flow))
    .filter(({ outcome }) => outcome === undefined)
    .map((workload) => workload.function);
const audits = async () =>
  (await controller.store.events(flow, { kind: 'audit' })).map(({ what, by, comment, message }) => ({
    what,
    by,
    comment,
    message,
  }));

test('a completed batch runs the function of redriven letters again and what is behind it, in the same run', async () => {
  await submit('batch');
  await end('list', 'map', 'leaf');
  await inPhase('Completed');
  controller.letters.add(flow, 'map');
  queued('map');
  const change = await controller.service.letters.redrive(flow, all, eva);
  await inPhase('Running');
  await waitFor('the functions', async () => (await running()).join() === 'map,leaf');
  expect(await controller.streams.beginRun(await planOf())).toBe(1);
  expect((await controller.store.record(flow))?.epochs).toEqual({});
  expect(await audits()).toContainEqual({
    what: 'redrive',
    by: 'eva',
    comment: 'repaired',
    message: `map (1 record), redrive ${change.redrive}`,
  });
  queued();
  await end('map', 'leaf');
  await inPhase('Completed');
});

test('a batch that still runs starts a function again that has ended', async () => {
  await submit('batch');
  await end('list', 'map');
  controller.letters.add(flow, 'map');
  const before = (await controller.cluster.workloads(flow)).find((each) => each.function === 'map');
  expect(before?.outcome).toBe('succeeded');
  queued('map');
  await controller.service.letters.redrive(flow, all, eva);
  await waitFor('map to run again', async () => (await running()).includes('map'));
  queued();
  await end('map', 'leaf');
  await inPhase('Completed');
  expect((await controller.store.record(flow))?.epochs).toEqual({});
});

test('a stopped flow keeps redriven letters until it is submitted again', async () => {
  await submit('stream');
  await controller.service.end(flow, 'stop', eva);
  await inPhase('Stopped');
  controller.letters.add(flow, 'map');
  expect(await controller.service.letters.redrive(flow, all, eva)).toMatchObject({
    waits: 'the flow is Stopped; submit it again',
  });
  expect((await controller.service.status(flow)).status).toBe('Stopped');
  expect(await controller.letters.redriving(flow)).toEqual(new Set([1]));
});

test('every change is in the audit log, and a dry run is not', async () => {
  await submit('stream');
  for (const id of ['map', 'map', 'leaf']) controller.letters.add(flow, id);
  const { letters } = controller.service;
  await letters.redrive(flow, { ...all, dryRun: true }, eva);
  await letters.discard(flow, { function: 'map', dryRun: false }, eva);
  await letters.restore(flow, { letters: [1], dryRun: false }, { by: 'tom' });
  const { redrive = '' } = await letters.redrive(flow, { function: 'leaf', dryRun: false }, eva);
  await letters.cancel(flow, redrive, eva);
  expect((await audits()).slice(1)).toEqual([
    { what: 'discard', by: 'eva', comment: 'repaired', message: 'map (2 records)' },
    { what: 'restore', by: 'tom', comment: undefined, message: 'map (1 record)' },
    { what: 'redrive', by: 'eva', comment: 'repaired', message: `leaf (1 record), redrive ${redrive}` },
    { what: 'cancel-redrive', by: 'eva', comment: 'repaired', message: `${redrive}: 1 record not begun` },
  ]);
});

test('a letter names the revision and the image at the time of its failure', async () => {
  await submit('stream');
  const letter = controller.letters.add(flow, 'map', { failedAt: '2999-01-01T00:00:00.000Z' });
  expect(await controller.service.letters.show(flow, letter)).toMatchObject({ revision: 1, image: 'kflow:test' });
  const older = controller.letters.add(flow, 'map', { failedAt: '2001-01-01T00:00:00.000Z' });
  expect(await controller.service.letters.show(flow, older)).not.toHaveProperty('revision');
});

test('a large record is fetched from the message store of the flow', async () => {
  await submit('stream');
  controller.buckets.payloads.set('a/b', Buffer.from('{"n":1}'));
  const payload = encodeClaim({ bucket: 'payloads', key: 'a/b', bytes: 7 });
  const letter = controller.letters.add(flow, 'map', { payload });
  expect(await controller.service.letters.show(flow, letter)).toMatchObject({ json: '{"n":1}' });
  for await (const exported of controller.service.letters.export(flow, { function: 'map', discarded: false })) {
    expect(exported).toMatchObject({ letter, json: '{"n":1}' });
  }
  expect.assertions(2);
});

test('letters of an unknown flow are an error', async () => {
  const { letters } = controller.service;
  await expect(letters.list(flow, { limit: 1, discarded: false })).rejects.toMatchObject({ code: 'flow-missing' });
  await expect(letters.redrive(flow, all, eva)).rejects.toMatchObject({ code: 'flow-missing' });
});
