import { headers, type NatsConnection } from 'nats';
import { heartbeatSubject, resultSubject } from '../../../lib/plan/task-names';
import type { TaskMessage } from '../../../runtime/api-contract/task-message';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;
let connection: NatsConnection;
/** The task that runs, and what its worker reports at last. */
let running: { readonly task: TaskMessage; readonly end: (output: unknown) => void };

beforeAll(async () => {
  place = await ExecutionPlace.open();
  connection = await place.controller.connect('team');
  await place.worker({
    A: (task) =>
      new Promise((resolve) => {
        running = { task, end: resolve };
      }),
  });
});

afterAll(async () => {
  await place?.close();
});

/** Starts an execution of one step, and resolves when its worker has the task. */
async function begun() {
  const { execution } = await place.start('A');
  await place.until(execution, () => running?.task.execution === execution.execution);
  return execution;
}

async function publish(body: string, messageId?: string): Promise<void> {
  const { execution } = running.task;
  const head = headers();
  if (messageId !== undefined) head.set('Nats-Msg-Id', messageId);
  await connection.jetstream().publish(resultSubject('team', execution), body, { headers: head });
}

const at = new Date(0).toISOString();

describe('a result that is none of the protocol fails its step, and says why', () => {
  test.each<[string, (task: TaskMessage) => string, string]>([
    ['no JSON', ({ id, token }) => `{"v":1,"id":"${id}","token":"${token}","kind":"succeeded","output":NaN}`, ''],
    ['of another version', ({ id, token }) => JSON.stringify({ v: 2, id, token, kind: 'succeeded' }), 'v'],
    ['without a token', ({ id }) => JSON.stringify({ v: 1, id, kind: 'succeeded', at, worker: 'w' }), 'token'],
    ['without an id', ({ token }) => JSON.stringify({ v: 1, token, kind: 'succeeded', at, worker: 'w' }), 'id'],
    [
      'of an unknown kind',
      ({ id, token }) => JSON.stringify({ v: 1, id, token, kind: 'done', at, worker: 'w' }),
      'kind',
    ],
    [
      'without an error',
      ({ id, token }) => JSON.stringify({ v: 1, id, token, kind: 'failed', at, worker: 'w' }),
      'error',
    ],
  ])('%s', async (_name, body, field) => {
    const execution = await begun();
    await publish(body(running.task), `${running.task.id}/succeeded`);
    const { status, error } = await place.ended(execution);
    expect(status).toBe('Failed');
    expect(error).toMatchObject({ code: 'result-invalid', message: expect.stringContaining(field) });
    running.end({});
  });
});

test('a message that says nothing of its step, or names another execution, is removed', async () => {
  const execution = await begun();
  await publish('what?');
  await publish(JSON.stringify({ v: 2, id: 'another/1/0/1' }));
  running.end({ done: true });
  expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: { done: true } });
});

test('a controller counts how often a task was begun again, without what was given back', async () => {
  const execution = await begun();
  const { id, token } = running.task;
  const say = async (lease?: string) => {
    const answer = await connection.request(heartbeatSubject('team'), JSON.stringify({ v: 1, id, token, lease }));
    return answer.json();
  };
  expect(await say('returns')).toEqual({ isCanceled: false, begun: 0 });
  expect(await say('begins')).toEqual({ isCanceled: false, begun: 1 });
  expect(await say('begins')).toEqual({ isCanceled: false, begun: 2 });
  expect(await say('returns')).toEqual({ isCanceled: false, begun: 1 });
  expect(await say()).toEqual({ isCanceled: false });
  running.end({});
  await place.ended(execution);
  expect(await say('begins')).toEqual({ isCanceled: true });
});
