import { setTimeout as delay } from 'node:timers/promises';
import { sharedBucket } from '../../../lib/plan/task-names';
import type { ExecutionKey } from '../../../runtime/api-contract/execution-key';
import type { ExecutionDetail } from '../../../runtime/api-contract/execution-status';
import type { TaskMessage } from '../../../runtime/api-contract/task-message';
import type { Latch } from '../../../runtime/controller/executions/waits/latch';
import { delayMs } from '../../../runtime/controller/executions/workflow/step-orders';
import { type BareWorker, TaskFailure, type TaskFunction } from '../../support/bare-worker';
import { Random, seed } from '../../support/random';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

/** `KFLOW_TEST_EXECUTIONS` and `KFLOW_TEST_DISTURBANCES` have other numbers, as with `KFLOW_SEED` for another run. */
const executions = Number(process.env.KFLOW_TEST_EXECUTIONS ?? 30);
const disturbances = Number(process.env.KFLOW_TEST_DISTURBANCES ?? 12);
const latches = 4;
/** Of a value that passes as a claim. */
const ballast = 'x'.repeat(70_000);
const by = { by: 'tester' };
const flow = `
@task k:C with (- {concurrency: 3, retry: {attempts: 5, backoff: 100ms}} -)
@task k:flaky with (- {retry: {attempts: 4, backoff: 100ms}} -)
@finally k:A;
wait:acquire(- name: '{input[latch]}' -) → k:A → { k:B | k:flaky } → wait:delay(- duration: 1s -) → > k:C
  → wait:event(- {event: go, match: input, from: start} -) :held;
:held → ? \`$[?(@.isOdd = true)]\` k:B → wait:release(- name: '{input[latch]}' -);
:held → k:items → * k:broken catch k:C;
:start → k:A → k:grow → k:B → k:flaky → k:shrink → k:A → wait:delay(- duration: 300ms -) → k:grow → k:shrink`;

jest.setTimeout(400_000 + executions * 2_000);

let place: ExecutionPlace;
let random: Random;

beforeAll(async () => {
  place = await ExecutionPlace.open('kills');
  random = new Random(seed);
});

afterAll(async () => {
  await place?.close();
});

test('executions end in one outcome whatever is killed, start nothing again that has succeeded, and leave nothing', async () => {
  const journal = new Journal();
  let workers = await Promise.all([true, true, false].map((goesOn) => workerOf(journal, goesOn)));
  let other = await place.otherController();
  const keys: ExecutionKey[] = [];
  const unpublished: number[] = [];
  const publishSome = async () => {
    for (const at of unpublished.splice(0, random.upTo(5))) {
      await persist(() => place.service.publishEvent(place.namespace, { kind: 'go', data: inputOf(at) }, by));
    }
  };
  for (let at = 0; at < disturbances; at++) {
    const count = Math.ceil(executions / disturbances);
    for (let more = 0; more < count && keys.length < executions; more++) {
      const started = await persist(() => place.start(flow, inputOf(keys.length), `x${keys.length}`));
      unpublished.push(keys.length);
      keys.push(started.execution);
    }
    if (random.next() < 0.5) await publishSome();
    await delay(random.upTo(400));
    const chosen = random.oneOf(keys);
    const disturb = random.oneOf([
      'nats',
      'temporal',
      'controller',
      'worker',
      'cancel',
      'terminate',
      'resume',
    ] as const);
    if (disturb === 'nats' || disturb === 'temporal') killServer(place.controller[disturb].pid());
    else if (disturb === 'controller') {
      other.kill('SIGKILL');
      other = await place.otherController();
    } else if (disturb === 'worker') workers = [...workers.slice(1), await replaced(workers[0], journal)];
    else if (disturb === 'resume') await tried(() => place.service.resume(chosen, {}, by));
    else if (disturb === 'cancel') await tried(() => place.service.cancel(chosen, { graceSeconds: 1 }, by));
    else await tried(() => place.service.terminate(chosen, by));
  }
  while (unpublished.length > 0) await publishSome();
  const ended: ExecutionDetail[] = [];
  for (const key of keys) {
    for (;;) {
      const detail = await waitFor(
        `${key.execution} to end`,
        () => place.service.get(key),
        ({ endedAt }) => endedAt !== null,
        { timeoutMs: 180_000, everyMs: 100 },
      );
      if (detail.status === 'Completed') {
        ended.push(detail);
        break;
      }
      await tried(() => place.service.resume(key, {}, by));
    }
  }
  expect(journal.startedAfterSuccess()).toEqual([]);
  expect(journal.broken()).toEqual([]);
  expect(journal.hasFollowed).toBe(true);
  expect(
    ended.flatMap(({ execution, steps }) => steps.filter(endedEarly).map(({ step }) => `${execution}: ${step}`)),
  ).toEqual([]);
  expect(await leftovers()).toEqual([]);
});

function inputOf(at: number): Record<string, unknown> {
  return { name: `x${at}`, latch: `latch${at % latches}`, isOdd: at % 2 === 1, items: [at, at + 1] };
}

/** Whether a delay was shorter than it says. */
function endedEarly({ task, parameters, startedAt = '', endedAt }: ExecutionDetail['steps'][number]): boolean {
  return task === 'wait:delay' && !(Date.parse(endedAt ?? '') - Date.parse(startedAt) >= (delayMs(parameters) ?? NaN));
}

/** When attempts of tasks began and succeeded. */
class Journal {
  /** A worker has gone on with a step. */
  hasFollowed = false;
  private readonly succeeded = new Map<string, { readonly attempt: string; readonly atMs: number }>();
  private readonly failed = new Set<string>();
  private readonly late: { readonly attempt: string; readonly what: string }[] = [];
  private readonly unwhole: string[] = [];

  begin({ id, attempt }: TaskMessage): void {
    const step = stepOf(id);
    this.hasFollowed ||= id !== `${step}/${attempt}`;
    const end = this.succeeded.get(step);
    if (end === undefined) return;
    this.late.push({ attempt: end.attempt, what: `${id}, ${performance.now() - end.atMs} ms after ${end.attempt}` });
  }

  /** A worker may die between the end of its task and the report; only what was reported has succeeded. */
  reported({ id, attempt }: TaskMessage, isSuccess: boolean): void {
    const step = stepOf(id);
    const name = `${step}/${attempt}`;
    if (isSuccess) this.succeeded.set(step, { attempt: name, atMs: performance.now() });
    else this.failed.add(name);
  }

  /** A large value that has come to a step. */
  check({ id }: TaskMessage, value: unknown): void {
    if (value !== ballast) this.unwhole.push(`${id}: ${JSON.stringify(value)?.slice(0, 100)}`);
  }

  /** Of an attempt that two workers have run, one may have failed first: then there is another attempt. */
  startedAfterSuccess(): readonly string[] {
    return this.late.filter(({ attempt }) => !this.failed.has(attempt)).map(({ what }) => what);
  }

  broken(): readonly string[] {
    return this.unwhole;
  }
}

/** The step in a run of its execution: the id up to the attempt. */
function stepOf(id: string): string {
  return id.split('/').slice(0, 3).join('/');
}

function tasksOf(journal: Journal): { readonly [name: string]: TaskFunction } {
  const pass: TaskFunction = async (task) => {
    journal.begin(task);
    await delay(random.upTo(150));
    return task.input;
  };
  const flaky: TaskFunction = async (task) => {
    journal.begin(task);
    await delay(random.upTo(50));
    if (random.next() < 0.3) throw new TaskFailure({ code: 'flaky', message: 'this time' });
    return task.input;
  };
  const items: TaskFunction = async (task, signal) => {
    await pass(task, signal);
    return (task.input as { readonly items: readonly number[] }).items;
  };
  const broken: TaskFunction = async (task, signal) => {
    await pass(task, signal);
    if (task.input === 3) throw new TaskFailure({ code: 'broken', message: 'always' });
    return task.input;
  };
  const grow: TaskFunction = async (task, signal) => ({ ...((await pass(task, signal)) as object), ballast });
  const shrink: TaskFunction = async (task, signal) => {
    const { ballast: grown, ...value } = (await pass(task, signal)) as { readonly ballast?: unknown };
    journal.check(task, grown);
    return value;
  };
  return { A: pass, B: pass, C: pass, flaky, items, broken, grow, shrink };
}

async function replaced(worker: BareWorker | undefined, journal: Journal): Promise<BareWorker> {
  await worker?.close();
  return persist(() => workerOf(journal, random.next() < 0.7));
}

function workerOf(journal: Journal, goesOn: boolean): Promise<BareWorker> {
  const onReported = (task: TaskMessage, isSuccess: boolean) => journal.reported(task, isSuccess);
  return place.worker(tasksOf(journal), 'k', { onReported, goesOn });
}

function killServer(pid: number | undefined): void {
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

/** A request that a server may be away for. */
async function persist<T>(request: () => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  await waitFor('the request', async () => {
    result = { value: await request() };
    return true;
  });
  if (result === undefined) throw new Error('no answer');
  return result.value;
}

/** A request that may be refused, or that no server takes. */
async function tried(request: () => Promise<unknown>): Promise<void> {
  await request().catch(() => undefined);
}

/** What executions share and still hold. */
async function leftovers(): Promise<readonly string[]> {
  const connection = await place.controller.connect(place.namespace);
  const bucket = await connection.jetstream().views.kv(sharedBucket(place.namespace), { bindOnly: true });
  const held: string[] = [];
  for await (const key of await bucket.keys()) {
    if (key === 'server') continue;
    const value = (await bucket.get(key))?.json<Partial<Latch>>();
    if (!key.startsWith('latch/') || value?.count !== 0 || value.waiting?.length || value.waking?.length)
      held.push(`${key}: ${JSON.stringify(value)}`);
  }
  await connection.close();
  return held;
}
