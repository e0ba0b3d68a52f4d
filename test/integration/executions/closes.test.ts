import { text } from 'node:stream/consumers';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

const executions = 20;

let place: ExecutionPlace;

beforeAll(async () => {
  place = await ExecutionPlace.open('closes');
});

afterAll(async () => {
  await place?.close();
});

test('a controller that is stopped while nats does not respond ends by itself, and another one goes on', async () => {
  const worker = await place.worker({ A: ({ input }) => input }, 'hung');
  const other = await place.otherController('pipe');
  if (other.stderr === null) throw new Error('the controller has no stderr');
  const complaints = text(other.stderr);
  other.stdout?.resume();
  const started = await Promise.all(
    Array.from({ length: executions }, (_, at) =>
      place.start('wait:delay(- duration: 5s -) → hung:A', { at }, `hung${at}`),
    ),
  );
  const nats = Number(place.controller.nats.pid());
  process.kill(nats, 'SIGSTOP');
  try {
    await waitFor('workflows to send tasks', () => place.controller.histories('hung'), areAwake);
    other.kill('SIGTERM');
    expect(await other.exited).toEqual({ code: 0, signal: null });
  } finally {
    process.kill(nats, 'SIGCONT');
  }
  expect(await complaints).toBe('');
  const ended = await Promise.all(started.map(({ execution }) => place.ended(execution)));
  expect(ended.map(({ status, output }) => ({ status, output }))).toEqual(
    ended.map((_, at) => ({ status: 'Completed', output: { at } })),
  );
  expect(worker.names).toHaveLength(executions);
});

/** Whether the timers of all have fired, so that they have a task to send. */
function areAwake(found: Awaited<ReturnType<ExecutionPlace['controller']['histories']>>): boolean {
  return (
    found.length === executions &&
    found.every(({ history }) => history.events?.some(({ timerFiredEventAttributes }) => timerFiredEventAttributes))
  );
}
