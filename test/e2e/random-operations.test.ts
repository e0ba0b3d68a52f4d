import { setTimeout as delay } from 'node:timers/promises';
import { Workplace } from '../support/kflow-cli';
import { Random, seed } from '../support/random';
import { RunningStack } from '../support/running-stack';

/**
 * Random operations on a running flow, through the REST API alone, while parts of the stack are killed.
 * `KFLOW_SEED` repeats a run, `KFLOW_OPERATIONS` makes it longer.
 */
const operations = Number(process.env.KFLOW_OPERATIONS ?? 14);
const records = operations * 150;
const flow = 'random/ledger';

const place = new Workplace();
let stack: RunningStack;

beforeAll(async () => {
  stack = await RunningStack.up(place);
});

afterAll(async () => {
  await stack?.close();
  await place.ran('down');
  place.remove();
});

const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };

/** Numbers from 0 that pass through two functions into a bucket. */
function topology(changes: { readonly first?: number; readonly second?: number; readonly note?: string } = {}): object {
  const { first = 1, second = 1, note = '' } = changes;
  const pass = (id: string, parallelism: number, out: string) => ({
    id,
    type: 'raw',
    parallelism,
    meta: {
      update: true,
      restart: true,
      note,
      name: id,
      language: 'javascript',
      code: `function ${id}(ctx, event) { return event; }`,
    },
    out: [out],
  });
  const source = {
    name: 'count',
    language: 'javascript',
    rate: 50,
    code: `function* count() { for (let n = 0; n < ${records}; n++) yield { n }; }`,
  };
  return {
    jobId: 'ledger',
    namespace: 'random',
    dag: [
      { id: 'count', type: 'raw-source', schema, meta: source, out: ['first'] },
      pass('first', first, 'second'),
      pass('second', second, 'sink'),
      { id: 'sink', type: 's3-sink', addr: 'store:9000', topics: 's3a://ledger', user: 'a', password: 'b' },
    ],
  };
}

const random = new Random(seed);
const replicas = () => random.upTo(3);
const post = (name: string, body: object = {}) => stack.call('POST', `/kflows/v1/${flow}/${name}`, body);
let present = {};

/** The operations. */
const steps: { readonly [name: string]: () => Promise<{ readonly status: number; readonly body: unknown }> } = {
  pause: () => post('pause'),
  resume: () => post('resume'),
  'pause a function': () => post('pause', { functions: [random.oneOf(['first', 'second', 'sink'])] }),
  'resume functions': () => post('resume', { functions: ['first', 'second', 'sink'] }),
  restart: () => post('restart', { functions: [random.oneOf(['first', 'second', 'sink'])] }),
  scale: () => post('scale', { replicas: { [random.oneOf(['first', 'second', 'sink'])]: replicas() } }),
  update: () => {
    present = { first: replicas(), second: replicas(), note: String(random.next()) };
    return stack.call('POST', '/kflows/update/v1', topology(present));
  },
  rollback: () => post('rollback'),
  'stop and submit': async () => {
    await stack.call('DELETE', `/kflows/v1/${flow}/stop=true`);
    await stack.until(flow, 'to be stopped', ({ status }) => status === 'Stopped');
    return stack.call('POST', `/kflows/v1/${flow}`, topology(present));
  },
};

test(`no record is lost or repeated, and nothing gets stuck (seed ${seed})`, async () => {
  expect((await stack.call('POST', `/kflows/v1/${flow}`, topology())).status).toBe(201);
  const told: string[] = [];
  for (let number = 0; number < operations; number++) {
    const name = random.oneOf(Object.keys(steps));
    const victim = random.oneOf(['controller', 'temporal', 'nats', undefined, undefined] as const);
    const killed = victim === undefined ? Promise.resolve() : delay(random.next() * 400).then(() => stack.kill(victim));
    const answer = await steps[name]?.();
    await killed;
    told.push(
      `${name} (${victim ?? 'nothing'} killed): ${answer?.status} ${JSON.stringify(answer?.body).slice(0, 200)}`,
    );
    // An operation that the phase does not allow is rejected with a reason; nothing else is.
    if (![200, 201, 202, 409, 422].includes(answer?.status ?? 0)) throw new Error(told.join('\n'));
    await delay(random.next() * 1_500);
  }
  await post('resume');
  await post('resume', { functions: ['first', 'second', 'sink'] });
  await stack.until(
    flow,
    'to run and be healthy',
    ({ status, health }) => status === 'Running' && health.state === 'healthy',
  );
  await stack
    .until(flow, `${records} records in the sink`, ({ functions }) => functions.at(-1)?.in === records)
    .catch((error) => {
      throw new Error(`${error.message}\n${told.join('\n')}`);
    });
  const found = (await stack.records<{ n: number }>('ledger')).map(({ n }) => n).sort((one, other) => one - other);
  expect({ told, found }).toEqual({ told, found: Array.from({ length: records }, (_, n) => n) });
}, 600_000);
