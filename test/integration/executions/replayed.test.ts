import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { dataConverter } from '../../../runtime/adapters/temporal/gzip-codec';
import { workflowBundle } from '../../../runtime/adapters/temporal/temporal-worker';
import { Random, seed } from '../../support/random';
import { ExecutionPlace } from './execution-place';

const by = { by: 'tester' };
const flow = '@finally r:A; { r:A | wait:delay(- duration: 1s -) } → r:A → * { r:A → r:B } → > :x; :x → r:A';
let place: ExecutionPlace;

beforeAll(async () => {
  place = await ExecutionPlace.open('replayed');
});

afterAll(async () => {
  await place?.close();
});

test('every execution replays from its history, whatever it was asked and told while it ran', async () => {
  const random = new Random(seed);
  const { service } = place;
  const pass = async ({ input }: { readonly input?: unknown }) => {
    await delay(random.upTo(20));
    return input;
  };
  await place.worker({ A: pass, B: pass }, 'r');
  const started = Array.from({ length: 60 }, async (_, at) => {
    const { execution } = await place.start(flow, { x: at });
    for (let times = 0; times < 12; times++) {
      await delay(random.upTo(150));
      const change = [
        () => service.terminate(execution, by),
        () => service.cancel(execution, { graceSeconds: 1 }, by),
        () => service.resume(execution, {}, by),
      ][random.upTo(9) - 1];
      await (change === undefined ? service.get(execution) : change().catch(() => undefined));
    }
    await place.ended(execution);
  });
  await Promise.all(started);
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath: workflowBundle }, dataConverter },
    await place.controller.histories('execution/replayed/'),
  );
  const faults: string[] = [];
  let count = 0;
  for await (const { workflowId, error } of replayed) {
    count++;
    if (error !== undefined) faults.push(`${workflowId}: ${error.message.slice(0, 300)}`);
  }
  expect(count).toBeGreaterThanOrEqual(60);
  expect(faults).toEqual([]);
});

test('an execution that is asked has no more in its history', async () => {
  const { execution } = await place.start('wait:delay(- duration: 1d -)', {}, 'asked');
  const length = async () => {
    const [found] = await place.controller.histories('execution/replayed/asked');
    return found?.history.events?.length;
  };
  await place.until(execution, ({ steps }) => steps.some(({ waits }) => waits !== undefined));
  const before = await length();
  await Promise.all(Array.from({ length: 50 }, () => place.service.get(execution)));
  expect([before, await length()]).toEqual([expect.any(Number), before]);
  await place.service.terminate(execution, by);
});
