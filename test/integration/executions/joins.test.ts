import { ExecutionPlace } from './execution-place';

const executions = 40;

let place: ExecutionPlace;

beforeAll(async () => {
  place = await ExecutionPlace.open('joins');
  await place.otherController();
});

afterAll(async () => {
  await place?.close();
});

test('LF-32: branches that end at the same time, with two workers and two controllers, start what joins them once', async () => {
  const barrier = new Barrier();
  const tasks = {
    A: ({ execution }: { readonly execution: string }) => barrier.meet(execution, { a: execution }),
    B: ({ execution }: { readonly execution: string }) => barrier.meet(execution, { b: execution }),
    J: ({ input }: { readonly input?: unknown }) => ({ joined: input }),
  };
  const workers = [await place.worker(tasks, 'j'), await place.worker(tasks, 'j')];
  const ids = Array.from({ length: executions }, (_, number) => `join-${number}`);
  const started = await Promise.all(ids.map((id) => place.start('{ j:A j:B } → j:J', {}, id)));
  const ended = await Promise.all(started.map(({ execution }) => place.ended(execution)));
  expect(ended.map(({ execution, status, output }) => ({ execution, status, output }))).toEqual(
    ids.map((id) => ({ execution: id, status: 'Completed', output: { joined: [{ a: id }, { b: id }] } })),
  );
  const joins = workers.flatMap(({ begun }) =>
    begun.filter(({ name }) => name === 'j:J').map(({ execution }) => execution),
  );
  expect(joins.sort()).toEqual([...ids].sort());
});

/** Lets both tasks of an execution end at the same moment. */
class Barrier {
  private readonly waiting = new Map<string, () => void>();

  meet<T>(execution: string, output: T): Promise<T> {
    const open = this.waiting.get(execution);
    if (open !== undefined) {
      open();
      return Promise.resolve(output);
    }
    return new Promise((resolve) => this.waiting.set(execution, () => resolve(output)));
  }
}
