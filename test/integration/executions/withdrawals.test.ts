import { JetStreamTaskBus } from '../../../runtime/adapters/jetstream/tasks/jetstream-task-bus';
import type { TaskMessage } from '../../../runtime/api-contract/task-message';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;

beforeAll(async () => {
  place = await ExecutionPlace.open('withdrawals');
});

afterAll(async () => {
  await place?.close();
});

test('a task that waits is withdrawn, also twice; one that a worker has ended is not', async () => {
  const { namespace } = place;
  const connection = await place.controller.connect(namespace);
  const warnings: string[] = [];
  const bus = new JetStreamTaskBus({
    use: (_, work) => work(connection),
    replicas: 1,
    onWarning: (text) => warnings.push(text),
  });
  const message = (id: string): TaskMessage => {
    const task = {
      v: 1,
      id,
      token: 't',
      execution: 'e',
      step: '1',
      task: 'default:one',
      name: 'one',
      attempt: 1,
    } as const;
    return { ...task, sentAt: new Date().toISOString() };
  };
  const withdrawn = async (id: string) => {
    const [sent] = await bus.send(namespace, [message(id)]);
    const task = { id, task: 'default:one', sequence: sent?.sequence ?? 0 };
    return { task, first: await bus.withdraw(namespace, [task]) };
  };
  const { task, first } = await withdrawn('e/1/1/1');
  expect(first).toEqual(['withdrawn']);
  expect(await bus.withdraw(namespace, [task])).toEqual(['told']);
  const worker = await place.worker({ one: () => ({}) });
  const [sent] = await bus.send(namespace, [message('e/1/1/2')]);
  await place.until(
    { namespace, execution: (await place.start('one')).execution.execution },
    ({ endedAt }) => endedAt !== null,
  );
  expect(worker.begun.length).toBeGreaterThan(1);
  const ended = { id: 'e/1/1/2', task: 'default:one', sequence: sent?.sequence ?? 0 };
  expect(await bus.withdraw(namespace, [ended])).toEqual(['told']);
  expect(warnings).toEqual([]);
  await connection.close();
});
