import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import { type KflowCommand, Workplace } from '../support/kflow-cli';
import { waitFor } from '../support/wait-for';

/** How long nats-server freezes: the fault itself, not a wait. */
const outageMs = 10_000;
/** Number of records of the flow. */
const count = 20_000;

const account = 'addr: "s3:9000", user: minioadmin, password: minioadmin';
const number = '{type: record, name: number, fields: [{name: n, type: long}, {name: by, type: string}]}';

/** numbers -> py (two replicas) -> ts -> gather -> thin, which passes one record in ten -> s3-sink. */
const topology = `
jobId: faults
mode: batch
dag:
  - id: numbers
    type: raw-source
    schema: ${number}
    meta:
      language: javascript
      rate: 5000
      name: numbers
      code: |
        function* numbers() { for (let n = 0; n < ${count}; n++) yield { n, by: 'source' }; }
    out: [py]
  - id: py
    type: raw
    parallelism: 2
    meta:
      name: process
      code: |
        import time
        def process(ctx, event):
            time.sleep(0.0005)
            return event
    out: [ts]
  - id: ts
    type: raw
    meta:
      language: javascript
      name: process
      code: |
        function process(ctx, event) { return event; }
    out: [gather]
  - id: gather
    type: raw
    schema: {type: record, name: batch, fields: [{name: numbers, type: {type: array, items: long}}]}
    meta:
      language: javascript
      name: gather
      code: |
        const seen = [];
        function gather(ctx, event) { return { numbers: [event.n] }; }
    out: [thin]
  - id: thin
    type: raw
    schema: {type: record, name: kept, fields: [{name: n, type: long}]}
    meta:
      language: javascript
      name: thin
      code: |
        function thin(ctx, event) { return event.numbers.filter((n) => n % 10 === 0).map((n) => ({ n })); }
    out: [sink]
  - { id: sink, type: s3-sink, ${account}, topics: "s3a://kept" }
`;

const place = new Workplace();
afterAll(() => place.remove());

async function middle(run: KflowCommand): Promise<void> {
  await run.waitFor(/py +in +[1-9][\d,]* /);
}

/** The process of a replica, once its log has begun. */
async function replicaPid(run: KflowCommand, replica: string): Promise<number> {
  return Number(await run.waitFor(/process (\d+)/, () => place.read(`.kflow/faults/logs/${replica}.log`)));
}

function outcome(run: KflowCommand): Record<string, readonly [string, string]> {
  const rows = [...run.stdout.matchAll(/^(\S+) +(?:raw|raw-source|fs-source|s3-sink) +\d+ +(\S+) +(\S+) /gm)];
  return Object.fromEntries(rows.map(([, name, taken, given]) => [name, [taken, given] as const]));
}

function expectAllOnce(run: KflowCommand): void {
  expect(outcome(run)).toEqual({
    numbers: ['-', '20,000'],
    py: ['20,000', '20,000'],
    ts: ['20,000', '20,000'],
    gather: ['20,000', '20,000'],
    thin: ['20,000', '2,000'],
    sink: ['2,000', '-'],
  });
  const numbers = place.records<{ n: number }>('kept').map((record) => record.n);
  expect(numbers.sort((one, other) => one - other)).toEqual(
    Array.from({ length: count / 10 }, (_, index) => index * 10),
  );
}

function start(): KflowCommand {
  place.write('faults.yaml', topology);
  return place.kflow('run', 'faults.yaml', '--save', 'kept=kept', '--timeout', '200');
}

afterEach(() => place.remove());

test('loses and repeats nothing when replicas are killed midway', async () => {
  const run = start();
  await middle(run);
  for (const replica of ['numbers-0', 'py-0', 'ts-0', 'sink-0', 'py-1']) {
    process.kill(await replicaPid(run, replica), 'SIGKILL');
  }
  expect(await run.exited).toBe(0);
  expectAllOnce(run);
});

test('a killed run leaves no server and no replica, and the next run starts from the beginning', async () => {
  const killed = start();
  await middle(killed);
  const servers = [...killed.stderr.matchAll(/^(?:nats-server|s3 server) .*\(process (\d+)\)$/gm)].map(
    ([, pid]) => pid,
  );
  const replicas = await Promise.all(
    ['numbers-0', 'py-0', 'py-1', 'ts-0', 'gather-0', 'thin-0', 'sink-0'].map((replica) => replicaPid(killed, replica)),
  );
  const pids = [...servers, ...replicas].map(Number);
  expect(pids).toHaveLength(9);
  expect(servers.map(Number).every(isAlive)).toBe(true); // a source that has sent everything has ended
  killed.process.kill('SIGKILL');
  await waitFor(
    'the processes of the killed run to end',
    () => pids.filter(isAlive),
    (alive) => alive.length === 0,
  );
  const next = start();
  expect(await next.exited).toBe(0);
  expectAllOnce(next);
});

test('loses and repeats nothing when nats-server freezes for 10 s and when it is killed', async () => {
  const run = start();
  const server = Number(await run.waitFor(/nats-server .*process (\d+)/));
  await middle(run);
  process.kill(server, 'SIGSTOP');
  await delay(outageMs);
  process.kill(server, 'SIGCONT');
  await run.waitFor(/ts +in +[1-9][\d,]* /);
  process.kill(server, 'SIGKILL');
  expect(await run.exited).toBe(0);
  expect(isAlive(server)).toBe(false);
  expectAllOnce(run);
});
