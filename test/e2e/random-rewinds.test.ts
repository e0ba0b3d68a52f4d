import { setTimeout as delay } from 'node:timers/promises';
import { Workplace } from '../support/kflow-cli';
import { type Numbered, NumberFlow } from '../support/number-flow';
import { Random, seed } from '../support/random';
import { RunningStack } from '../support/running-stack';

/**
 * Random operations on batch flows and on a stream whose functions re-read their input, while parts of the stack are
 * killed. `KFLOW_SEED` repeats a run, `KFLOW_OPERATIONS` makes it longer.
 */
const operations = Number(process.env.KFLOW_OPERATIONS ?? 5);
const random = new Random(seed);
/** Longest pause between two operations. */
const pauseMs = 300;
const victims = ['controller', 'temporal', 'nats', 'replica', undefined, undefined] as const;
const processes = ['first', 'second'];
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

const place = new Workplace();
const flows: NumberFlow[] = [];
let stack: RunningStack;

beforeAll(async () => {
  stack = await RunningStack.up(place);
});

afterAll(async () => {
  await stack?.close();
  await place.ran('down');
  place.remove();
  for (const flow of flows) flow.remove();
});

interface Change {
  readonly by: string;
  readonly replicas: { readonly [functionId: string]: number };
  readonly meta?: object;
}

type Answer = Promise<{ readonly status: number; readonly body: unknown }>;

/** A flow of numbers through two functions; the second writes its version into each record. */
class Course {
  readonly told: string[] = [];
  present: Change = { by: 'v0', replicas: {} };
  /** Number of rewinds so far. */
  rewinds = 0;
  private versions = 0;

  constructor(
    readonly flow: NumberFlow,
    readonly count: number,
  ) {
    flows.push(flow);
  }

  document({ by, replicas, meta = {} }: Change = this.present): object {
    const made = (id: string, out: string, more: object) =>
      this.flow.process(id, {
        out: [out],
        parallelism: replicas[id] ?? 1,
        work: 'await sleep(5);',
        ...more,
      });
    return this.flow.document(
      this.flow.source(this.count, ['first'], { rate: 100 }),
      made('first', 'second', { meta: { update: true } }),
      made('second', 'sink', { by, meta: { update: true, restart: true, ...meta } }),
      this.flow.sink('sink', { parallelism: replicas.sink ?? 1, meta: { update: true } }),
    );
  }

  post(what: string, body: object = {}): Answer {
    return stack.call('POST', `/kflows/v1/${this.flow.name}/${what}`, body);
  }

  submit(): Answer {
    return stack.call('POST', `/kflows/v1/${this.flow.name}`, this.document());
  }

  async update(meta: object = {}): Answer {
    const replicas = Object.fromEntries([...processes, 'sink'].map((id) => [id, random.upTo(3)]));
    const change = { by: `v${++this.versions}`, replicas, meta };
    const answer = await stack.call('POST', '/kflows/update/v1', this.document(change));
    if (answer.status === 200) this.present = change;
    return answer;
  }

  async stopAndSubmit(): Answer {
    const stopped = await stack.call('DELETE', `/kflows/v1/${this.flow.name}/stop=true`);
    if (stopped.status === 409) return stopped;
    const { status } = await stack.until(this.flow.name, 'to close', ({ closeTime }) => closeTime !== null);
    return status === 'Completed' ? stopped : this.submit();
  }

  async rewind(answer: Answer): Answer {
    if ((await answer).status < 300) this.rewinds++;
    return answer;
  }

  /** Carries out random steps and kills. A step may be rejected only if the phase does not allow it. */
  async run(steps: { readonly [name: string]: () => Answer }): Promise<void> {
    expect(await this.submit()).toMatchObject({ status: 201 });
    for (let number = 0; number < operations; number++) {
      const name = random.oneOf(Object.keys(steps));
      const victim = random.oneOf(victims);
      const killed = victim === undefined ? undefined : delay(random.next() * 400).then(() => this.kill(victim));
      const answer = await steps[name]?.();
      await killed;
      this.told.push(
        `${name} (${victim ?? 'nothing'} killed): ${answer?.status} ${JSON.stringify(answer?.body).slice(0, 200)}`,
      );
      if (![200, 201, 202, 409, 422].includes(answer?.status ?? 0)) throw new Error(this.told.join('\n'));
      await delay(random.next() * pauseMs);
    }
    await this.post('resume');
    await this.post('resume', { functions: processes });
  }

  private kill(victim: NonNullable<(typeof victims)[number]>): void {
    if (victim === 'replica') stack.killReplica(this.flow.name, random.oneOf([...processes, 'sink', 'source']));
    else stack.kill(victim);
  }

  /** Waits until the flow is healthy and has processed all numbers. */
  async drained(): Promise<void> {
    const { name } = this.flow;
    await stack.until(name, 'calm', ({ status, health }) => status === 'Running' && health.state === 'healthy');
    await stack.until(name, 'all to be processed', ({ functions }) => {
      const isIdle = functions.every(({ pending, held }) => pending + held === 0);
      return isIdle && functions[0]?.out === this.count;
    });
  }

  async records(): Promise<readonly Numbered[]> {
    return stack.records<Numbered>(this.flow.bucketOf('sink'));
  }
}

const common = (course: Course) => ({
  pause: () => course.post('pause'),
  resume: () => course.post('resume'),
  'pause a function': () => course.post('pause', { functions: [random.oneOf([...processes, 'sink'])] }),
  'resume functions': () => course.post('resume', { functions: [...processes, 'sink'] }),
  restart: () => course.post('restart', { functions: [random.oneOf([...processes, 'sink'])] }),
  scale: () => course.post('scale', { replicas: { [random.oneOf([...processes, 'sink'])]: random.upTo(3) } }),
  update: () => course.update(),
  'stop and submit': () => course.stopAndSubmit(),
});

const rewinding = (course: Course) => ({
  'update with DropOffset': () => course.rewind(course.update({ updatePolicy: 'DropOffset' })),
  'replay second': () =>
    course.rewind(course.post('replay', { function: 'second', from: { sequence: random.upTo(course.count) } })),
});

const sorted = (records: readonly Numbered[]) => records.map(({ n }) => n).sort((one, other) => one - other);

/** Numbers that occur more often than this. */
function tooMany(records: readonly Numbered[], most: number): readonly number[] {
  const counts = new Map<number, number>();
  for (const { n } of records) counts.set(n, (counts.get(n) ?? 0) + 1);
  return [...counts].flatMap(([n, count]) => (count > most ? [n] : []));
}

test(`a batch loses and repeats nothing, and completes (seed ${seed})`, async () => {
  const course = new Course(new NumberFlow('random-batch', 'batch'), operations * 150);
  await course.run(common(course));
  const { status } = await stack.until(course.flow.name, 'to complete', ({ closeTime }) => closeTime !== null);
  const found = sorted(await course.records());
  const { told } = course;
  expect({ told, status, found }).toEqual({ told, status: 'Completed', found: range(course.count) });
}, 600_000);

test(`a batch that re-reads outputs everything, and completes (seed ${seed})`, async () => {
  const course = new Course(new NumberFlow('random-batch-rewinds', 'batch'), operations * 100);
  await course.run({ ...common(course), ...rewinding(course) });
  const { status } = await stack.until(course.flow.name, 'to complete', ({ closeTime }) => closeTime !== null);
  const records = await course.records();
  const found = [...new Set(sorted(records))];
  const { told } = course;
  expect({ told, status, found }).toEqual({ told, status: 'Completed', found: range(course.count) });
  expect({ told, tooMany: tooMany(records, 1 + course.rewinds) }).toEqual({ told, tooMany: [] });
}, 600_000);

test(`a stream that re-reads outputs every record once by its latest code (seed ${seed})`, async () => {
  const course = new Course(new NumberFlow('random-rewinds', 'stream'), operations * 100);
  await course.run({ ...common(course), ...rewinding(course) });
  await course.drained();
  const before = await course.records();
  await course.rewind(course.update({ updatePolicy: 'DropOffset' }));
  await course.drained();
  const after = await course.records();
  const last = after.filter(({ by }) => by === course.present.by);
  const { told } = course;
  expect({ told, found: [...new Set(sorted(before))] }).toEqual({ told, found: range(course.count) });
  expect({ told, found: sorted(last) }).toEqual({ told, found: range(course.count) });
  expect({ told, others: after.length - last.length }).toEqual({ told, others: before.length });
  expect({ told, tooMany: tooMany(after, 1 + course.rewinds) }).toEqual({ told, tooMany: [] });
}, 600_000);
