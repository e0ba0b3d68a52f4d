import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { JetStreamStreams } from '../../../runtime/adapters/jetstream/jetstream-streams';
import { numbered } from '../../support/host-run';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, startReplica } from './replica-run';

const program = path.join(__dirname, '../../../dist/js/runtime/replica/main.js');

let place: JetStreamPlace;
let streams: JetStreamStreams;
let folder: CodeFolder;
const started: ChildProcess[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
  streams = await JetStreamStreams.open(place.connection);
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => folder.remove());
afterAll(async () => {
  for (const each of started) each.kill('SIGKILL');
  await place.close();
});

/** Code that never returns from its first record, whatever signal it gets. Each run adds its process to a file. */
const codes = {
  python: () => `import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def run(ctx, event):
    with open(${JSON.stringify(folder.file('runs'))}, "a") as file:
        file.write(f"{os.getpid()}\\n")
    while True:
        time.sleep(1)
`,
  javascript: () => `const fs = require('node:fs');
function run() {
  fs.appendFileSync(${JSON.stringify(folder.file('runs'))}, process.pid + '\\n');
  for (;;);
}`,
};

function planReader(language: keyof typeof codes): FlowPlan {
  const one = { language: 'javascript', name: 'one', code: 'function* one() { yield { n: 1 }; }' };
  const source = { id: 'source', type: 'raw-source', schema: numbered, meta: one, out: ['reader'] };
  const meta = { language, name: 'run', code: codes[language]() };
  return planOf(JSON.stringify({ jobId: `stop-${language}`, mode: 'batch', dag: [source, { id: 'reader', type: 'raw', meta }] }));
}

/** Starts the program of a replica, as a pod does. */
function start(plan: FlowPlan, name: string): ChildProcess {
  const spec = folder.file(`${name}.json`);
  writeFileSync(spec, JSON.stringify(specOf(plan, 'reader')));
  const env = { PATH: process.env.PATH, KFLOW_SPEC: spec, KFLOW_NATS_URL: place.url, KFLOW_SHUTDOWN_TIMEOUT: '1', KFLOW_WATCHED: '1' };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (d) => console.log(Date.now(), String(d)));
  started.push(child);
  return child;
}

test.each(Object.keys(codes))('a replica whose %s code never returns ends by itself as one that was stopped', async (language) => {
  const plan = planReader(language as keyof typeof codes);
  await streams.provision(plan);
  await startReplica(place, plan, 'source').ended;
  const replica = start(plan, 'first');
  await folder.made('runs');
  console.log(Date.now(), 'TERM');
  replica.kill('SIGTERM');
  const [status, signal] = await once(replica, 'exit');
  console.log(Date.now(), 'exit');
  expect({ status, signal }).toEqual({ status: 143, signal: null });
  readFileSync(folder.file('runs'));
});
