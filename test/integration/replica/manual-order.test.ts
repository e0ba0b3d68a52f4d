import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, startReplica } from './replica-run';

const program = path.join(__dirname, '../../../dist/js/runtime/replica/main.js');
const [keys, perKey] = [8, 40];
const schema = {
  type: 'record',
  name: 'keyed',
  fields: ['key', 'n'].map((name) => ({ name, type: 'long' })),
} as const;
const codec = new AvroSchemaCodec(schema);

let place: JetStreamPlace;
const folder = new CodeFolder();

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(async () => {
  await place.close();
  folder.remove();
});

/** Acks three records at a time. Every tenth record fails once, and one of key 2 always. */
const codes = {
  python: (flags: string) => `import os
waiting = 0
def fails(key, n):
    if key == 2 and n == 7: return True
    flag = ${JSON.stringify(flags)} + "-%d-%d" % (key, n)
    if (n + key) % 10 != 3 or os.path.exists(flag): return False
    open(flag, "w").close()
    return True
def run(ctx, event):
    global waiting
    if fails(event["key"], event["n"]): raise ValueError("not now")
    waiting += 1
    if waiting % 3 == 0: ctx.request_ack()
    return event
def finish(ctx):
    ctx.request_ack()
`,
  javascript: (flags: string) => `const { existsSync, writeFileSync } = require('node:fs');
let waiting = 0;
function fails(key, n) {
  if (key === 2 && n === 7) return true;
  const flag = ${JSON.stringify(flags)} + '-' + key + '-' + n;
  if ((n + key) % 10 !== 3 || existsSync(flag)) return false;
  writeFileSync(flag, '');
  return true;
}
async function run(ctx, event) {
  const [key, n] = [Number(event.key), Number(event.n)];
  await new Promise((resolve) => setTimeout(resolve, n % 3));
  if (fails(key, n)) throw new Error('not now');
  if (++waiting % 3 === 0) ctx.requestAck();
  return event;
}
function finish(ctx) { ctx.requestAck(); }
`,
};
type Language = keyof typeof codes;

/** A source of records with keys, which has ended, and a function of two replicas that requests acks. */
async function planKeys(jobId: string, language: Language): Promise<FlowPlan> {
  const generate = `def run():
    for n in range(${perKey}):
        for key in range(${keys}):
            yield {"key": key, "n": n}`;
  const meta = {
    name: 'run',
    language,
    code: codes[language](folder.file(jobId)),
    ack: 'manual',
    maxDeliver: 3,
    'max.poll.interval.ms': 2_000,
    ...(language === 'javascript' ? { concurrency: 4 } : {}),
  };
  const source = { type: 'raw-source', schema, partitionBy: 'key', meta: { name: 'run', code: generate } };
  const dag = [
    { id: 'source', ...source, out: ['map'] },
    { id: 'map', type: 'raw', schema, parallelism: 2, meta, out: ['leaf'] },
    { id: 'leaf', type: 'raw', meta: { name: 'run', language: 'javascript', code: 'function run() {}' } },
  ];
  const plan = planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
  await place.streams.provision(plan);
  const running = startReplica(place, plan, 'source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await running.stop();
  return plan;
}

function spawnReplica(plan: FlowPlan, replica: number): ChildProcess {
  const specFile = folder.file(`${plan.jobId}-${replica}.json`);
  writeFileSync(specFile, JSON.stringify(specOf(plan, 'map')));
  const env = { PATH: process.env.PATH, KFLOW_SPEC: specFile, KFLOW_NATS_URL: place.url };
  return spawn(process.execPath, [program], { env: { ...env, KFLOW_REPLICA: String(replica) }, stdio: 'ignore' });
}

const outputOf = ({ jobId }: FlowPlan) => `kflow_default_${jobId}_map`;

test.each(['python', 'javascript'] as const)(
  'a %s function that requests acks itself gets the records of each key in order, through retries, a letter and a killed replica',
  async (language) => {
    const plan = await planKeys(`ordered-${language}`, language);
    const other = spawnReplica(plan, 1);
    const otherEnded = once(other, 'exit');
    const killed = spawnReplica(plan, 0);
    await waitFor('some are stored', async () => (await place.count(outputOf(plan))) > (keys * perKey) / 4);
    const exited = once(killed, 'exit');
    killed.kill('SIGKILL');
    await exited;
    const last = spawnReplica(plan, 0);
    const ended = await Promise.all([otherEnded, once(last, 'exit')]);
    expect(ended.map(([code]) => code)).toEqual([65, 65]); // a batch with a letter
    const found: number[][] = Array.from({ length: keys }, () => []);
    for (const payload of await place.payloads(outputOf(plan))) {
      const { key, n } = codec.decode(payload) as { key: number; n: number };
      found[key]?.push(n);
    }
    const all = Array.from({ length: perKey }, (_, n) => n);
    expect(found).toEqual(found.map((_, key) => all.filter((n) => key !== 2 || n !== 7)));
  },
);
