import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, startReplica } from './replica-run';

/** Replicas as processes of their own, which get the signal that a kubelet sends. */

const program = path.join(__dirname, '../../../dist/js/runtime/replica/main.js');

let place: JetStreamPlace;
let folder: CodeFolder;
let flows = 0;
const started: ChildProcess[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => {
  for (const each of started.splice(0)) each.kill('SIGKILL');
  folder.remove();
});
afterAll(() => place.close());

/**
 * Code that never returns from its record, whatever signal it gets. Each run makes the file `begun-<name of the replica>`, and
 * adds to `alive` how many processes of earlier runs are still there.
 */
const codes = {
  python: () => `import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
folder = ${JSON.stringify(folder.file(''))}
def is_alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False
def run(ctx, event):
    with open(folder + "/pids", "a+") as pids, open(folder + "/alive", "a") as alive:
        pids.seek(0)
        alive.write(f"{sum(is_alive(int(line)) for line in pids)}\\n")
        pids.write(f"{os.getpid()}\\n")
    open(folder + "/begun-" + os.environ["NAME"], "w").close()
    while True:
        time.sleep(1)
`,
  javascript: () => `const fs = require('node:fs');
process.on('SIGTERM', () => undefined);
const folder = ${JSON.stringify(folder.file(''))};
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
function run() {
  const pids = fs.existsSync(folder + '/pids') ? fs.readFileSync(folder + '/pids', 'utf8').trim().split('\\n') : [];
  fs.appendFileSync(folder + '/alive', pids.filter((pid) => isAlive(Number(pid))).length + '\\n');
  fs.appendFileSync(folder + '/pids', process.pid + '\\n');
  fs.writeFileSync(folder + '/begun-' + process.env.NAME, '');
  for (;;);
}`,
};

type Language = keyof typeof codes;

/** A batch flow with one record for its function `reader`. */
async function planWithRecord(language: Language): Promise<FlowPlan> {
  const jobId = `stop-${++flows}`;
  const one = { language: 'javascript', name: 'one', code: 'function* one() { yield { n: 1 }; }' };
  const source = { id: 'source', type: 'raw-source', schema: numbered, meta: one, out: ['reader'] };
  const reader = { id: 'reader', type: 'raw', meta: { language, name: 'run', code: codes[language]() } };
  const plan = planOf(JSON.stringify({ jobId, mode: 'batch', dag: [source, reader] }));
  await place.streams.provision(plan);
  const stored = startReplica(place, plan, 'source');
  const stream = specOf(plan, 'reader').inputs[0]?.stream ?? '';
  await waitFor('the record is stored', async () => (await place.payloads(stream)).length === 1);
  await stored.stop();
  return plan;
}

function start(plan: FlowPlan, name: string): ChildProcess {
  const spec = folder.file(`${name}.json`);
  writeFileSync(spec, JSON.stringify(specOf(plan, 'reader')));
  const settings = { KFLOW_SPEC: spec, KFLOW_NATS_URL: place.url, KFLOW_SHUTDOWN_TIMEOUT: '1', KFLOW_WATCHED: '1' };
  const env = { PATH: process.env.PATH, NAME: name, ...settings };
  const replica = spawn(process.execPath, [program], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  started.push(replica);
  return replica;
}

async function terminate(replica: ChildProcess): Promise<{ status: number | null; signal: string | null }> {
  const exit = once(replica, 'exit');
  replica.kill('SIGTERM');
  const [status, signal] = await exit;
  return { status, signal };
}

const stopped = { status: 143, signal: null };

test.each(Object.keys(codes) as Language[])(
  'a record whose %s code never returns is given to another replica when the code has ended',
  async (language) => {
    const plan = await planWithRecord(language);
    const first = start(plan, 'first');
    await folder.made('begun-first');
    const second = start(plan, 'second');
    expect(await terminate(first)).toEqual(stopped);
    await folder.made('begun-second');
    expect(folder.numbers('alive')).toEqual([0, 0]);
    expect(await terminate(second)).toEqual(stopped);
  },
);

test('a stopped replica exits by itself when the server does not answer any more', async () => {
  const plan = await planWithRecord('python');
  const replica = start(plan, 'first');
  await folder.made('begun-first');
  const server = place.pid ?? 0;
  process.kill(server, 'SIGSTOP');
  try {
    expect(await terminate(replica)).toEqual(stopped);
  } finally {
    process.kill(server, 'SIGCONT');
  }
});
