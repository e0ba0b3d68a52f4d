import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, sorted, startReplica } from './replica-run';

const program = path.join(__dirname, '../../../dist/js/runtime/replica/main.js');
const grouped = {
  type: 'record',
  name: 'grouped',
  fields: [{ name: 'members', type: { type: 'array', items: 'long' } }],
} as const;

let place: JetStreamPlace;
let folder: CodeFolder;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => folder.remove());
afterAll(() => place.close());

/** Takes four numbers, then requests their acks and returns one record of them; the rest at the end. */
const groups = {
  python: `class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.group = []
    def process(self, event, ctx):
        self.ctx = ctx
        self.group.append(event["n"])
        return self.flush() if len(self.group) == 4 else None
    def flush(self):
        self.ctx.request_ack()
        group, self.group = self.group, []
        return {"members": group}
    def close(self):
        return self.flush() if self.group else None
`,
  javascript: `let group = [];
function flush(ctx) {
  ctx.requestAck();
  const members = group;
  group = [];
  return { members };
}
function run(ctx, { n }) {
  group.push(n);
  return group.length === 4 ? flush(ctx) : undefined;
}
function finish(ctx) { return group.length > 0 ? flush(ctx) : undefined; }`,
};
type Language = keyof typeof groups;

/** The same, with three outputs of each group, whose members differ by a million. */
const parts = [0, 1_000_000, 2_000_000];
const inParts = {
  python: groups.python.replace(
    'return {"members": group}',
    `return [{"members": [n + part for n in group]} for part in ${JSON.stringify(parts)}]`,
  ),
  javascript: groups.javascript.replace(
    'return { members };',
    `return ${JSON.stringify(parts)}.map((part) => ({ members: members.map((n) => n + part) }));`,
  ),
};
const everyPart = (count: number) => parts.flatMap((part) => upTo(count).map((n) => n + part));

interface FlowProps {
  readonly language: Language;
  readonly count: number;
  readonly code?: string;
  readonly replicas?: number;
  /** Records that the output of the groups may hold. */
  readonly maxMsgs?: number;
}

/** A source of the numbers below `count`, and a function that groups them. Leases are short, so that a kill costs two seconds. */
async function planGroups(
  jobId: string,
  { language, count, code = groups[language], replicas = 1, maxMsgs = 100_000 }: FlowProps,
): Promise<FlowPlan> {
  const generate = `def run():\n    for n in range(${count}):\n        yield {"n": n}`;
  const meta = { name: 'run', language, code, ack: 'manual', 'max.poll.interval.ms': 2_000 };
  const dag = [
    { id: 'source', type: 'raw-source', schema: numbered, out: ['group'], meta: { name: 'run', code: generate } },
    {
      id: 'group',
      type: 'raw',
      schema: grouped,
      out: ['leaf'],
      parallelism: replicas,
      meta,
      globalConfig: { stream: { maxMsgs } },
    },
    { id: 'leaf', type: 'raw', meta: { name: 'run', language: 'javascript', code: 'function run() {}' } },
  ];
  const plan = planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
  await place.streams.provision(plan);
  const source = startReplica(place, plan, 'source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await source.stop();
  return plan;
}

const outputOf = (plan: FlowPlan) => `kflow_default_${plan.jobId}_group`;

const codec = new AvroSchemaCodec(grouped);
const membersOf = (payload: Uint8Array) => (codec.decode(payload) as { members: number[] }).members;

async function groupsIn(plan: FlowPlan): Promise<readonly (readonly number[])[]> {
  return (await place.payloads(outputOf(plan))).map(membersOf);
}

/** A replica in a process of its own, which a test can kill. */
function spawnReplica(plan: FlowPlan): ChildProcess {
  const specFile = folder.file('spec.json');
  writeFileSync(specFile, JSON.stringify(specOf(plan, 'group')));
  const env = { PATH: process.env.PATH, KFLOW_SPEC: specFile, KFLOW_NATS_URL: place.url, KFLOW_REPLICA: '0' };
  return spawn(process.execPath, [program], { env, stdio: 'ignore' });
}

/** Runs replicas one after the other, kills all but the last one in the middle of groups, and waits for its end. */
async function killAgainAndAgain(plan: FlowPlan): Promise<void> {
  for (let kills = 0; kills < 4; kills++) {
    const before = await place.count(outputOf(plan));
    const replica = spawnReplica(plan);
    const exited = once(replica, 'exit');
    // groups are stored, and most of their records are not acked yet; a replica that this test was too slow to kill has ended
    const isTime = async () => replica.exitCode !== null || (await place.count(outputOf(plan))) > before;
    await waitFor('groups are stored', isTime);
    replica.kill('SIGKILL');
    await exited;
  }
  const last = spawnReplica(plan);
  const state = async () => ({ code: last.exitCode, group: (await place.streams.progress(plan))[1] });
  const { code } = await waitFor('the last replica has ended', state, ({ code }) => code !== null);
  expect(code).toBe(0);
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe.each(['python', 'javascript'] as const)('a function in %s that acks groups of records itself', (language) => {
  test('puts each record into one group, the last of which it sends in its finish', async () => {
    const plan = await planGroups(`whole-${language}`, { language, count: 203 });
    expect(await startReplica(place, plan, 'group').ended).toEqual({ is: 'done' });
    const found = await groupsIn(plan);
    expect(sorted(found.flat())).toEqual(upTo(203));
    expect(found.map(({ length }) => length)).toEqual([...Array(50).fill(4), 3]);
    expect(await place.streams.endedFunctions(plan)).toContain('group');
  });

  test('puts each record into one group although its replica is killed again and again', async () => {
    const count = 3_001;
    const plan = await planGroups(`killed-${language}`, { language, count });
    await killAgainAndAgain(plan);
    expect(sorted((await groupsIn(plan)).flat())).toEqual(upTo(count));
  });

  test('sends several outputs of each group once although its replica is killed again and again', async () => {
    const count = 3_001;
    const plan = await planGroups(`parts-${language}`, { language, count, code: inParts[language] });
    await killAgainAndAgain(plan);
    expect(sorted((await groupsIn(plan)).flat())).toEqual(everyPart(count));
  });

  test('stores each group once although its replica was frozen for longer than its lease, and goes on then', async () => {
    const count = 3_001;
    const plan = await planGroups(`frozen-${language}`, { language, count, code: inParts[language] });
    const frozen = spawnReplica(plan);
    const thawed = once(frozen, 'exit');
    await waitFor('groups are stored', async () => (await place.count(outputOf(plan))) > 0);
    frozen.kill('SIGSTOP');
    const other = spawnReplica(plan);
    const [code] = await once(other, 'exit');
    frozen.kill('SIGCONT');
    await thawed;
    expect([code, sorted((await groupsIn(plan)).flat())]).toEqual([0, everyPart(count)]);
  });

  test('sends the rest of a group whose replica is killed between its outputs', async () => {
    const count = 42;
    const plan = await planGroups(`between-${language}`, { language, count, code: inParts[language], maxMsgs: 5 });
    const first = spawnReplica(plan);
    // of two groups with three outputs each, the stream takes all but the last one
    await waitFor('the stream is full', async () => (await place.count(outputOf(plan))) === 5);
    const killed = once(first, 'exit');
    first.kill('SIGKILL');
    await killed;
    const last = spawnReplica(plan);
    const found: number[] = [];
    const reader = await place.connection.jetstream().consumers.get(outputOf(plan), 'leaf');
    while (last.exitCode === null || (await reader.info()).num_pending > 0) {
      for await (const message of await reader.fetch({ max_messages: 100, expires: 1_000 })) {
        found.push(...membersOf(message.data));
        message.ack();
      }
    }
    expect([last.exitCode, sorted(found)]).toEqual([0, everyPart(count)]);
  });

  test('puts each record into one group of one of its replicas, which end together', async () => {
    const count = 1_001;
    const plan = await planGroups(`two-${language}`, { language, count, replicas: 2 });
    const replicas = [0, 1].map((replica) => startReplica(place, plan, 'group', { replica }));
    expect(await Promise.all(replicas.map(({ ended }) => ended))).toEqual([{ is: 'done' }, { is: 'done' }]);
    expect(sorted((await groupsIn(plan)).flat())).toEqual(upTo(count));
  });

  test.each([1, 2])(
    'acks a record that is redelivered after the others have ended, in one of %i replicas',
    async (replicas) => {
      const fails = {
        python: `        import os
        if event["n"] == 6 and not os.path.exists("FLAG"):
            open("FLAG", "w").close()
            raise ValueError("once")
`,
        javascript: `  const { existsSync, writeFileSync } = require('node:fs');
  if (n === 6 && !existsSync('FLAG')) {
    writeFileSync('FLAG', '');
    throw new Error('once');
  }
`,
      }[language];
      const start = /( +self\.ctx = ctx\n|function run.*\n)/;
      const code = groups[language].replace(start, `$1${fails.replaceAll('FLAG', folder.file('failed'))}`);
      const plan = await planGroups(`late-${language}-${replicas}`, { language, count: 7, code, replicas });
      expect(await startReplica(place, plan, 'group').ended).toEqual({ is: 'done' });
      expect(sorted((await groupsIn(plan)).flat())).toEqual(upTo(7));
    },
  );

  test('fails a batch whose last records it never acks, and leaves them pending', async () => {
    const plan = await planGroups(`unacked-${language}`, {
      language,
      count: 9,
      code: groups[language].replace(/ {4}def close[\s\S]*|function finish.*/, ''),
    });
    const replica = startReplica(place, plan, 'group');
    await expect(replica.ended).rejects.toMatchObject({
      code: 'ack-missing',
      message: expect.stringContaining('group: 1 record waits for an ack that the function has not requested'),
    });
    expect((await groupsIn(plan)).flat()).toEqual(upTo(8));
    expect((await place.streams.progress(plan))[1]?.inputs[0]).toMatchObject({ acked: 8 });
  });
});

test('gives back the records that wait when it is stopped; they are processed again', async () => {
  const code = groups.javascript.replace(/function finish.*/, '');
  const plan = await planGroups('stopped', { language: 'javascript', count: 10, code });
  const first = startReplica(place, plan, 'group');
  await waitFor('two groups', async () => (await place.count(outputOf(plan))) === 2);
  await first.stop();
  const second = startReplica(place, plan, 'group');
  await expect(second.ended).rejects.toMatchObject({ code: 'ack-missing' });
  expect(sorted((await groupsIn(plan)).flat())).toEqual(upTo(8));
});
