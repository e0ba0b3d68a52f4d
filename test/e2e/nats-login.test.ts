import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../lib/constructs/manifest';
import { connectNats } from '../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../../runtime/adapters/jetstream/jetstream-streams';
import { startProcessNode } from '../../runtime/adapters/processes/process-node';
import { WorkloadNode } from '../../runtime/adapters/processes/workload-node';
import { readControllerSettings } from '../../runtime/controller/settings/settings';
import { startController } from '../../runtime/controller/start-controller';
import { ensureKeyFile } from '../../runtime/installation/key-file';
import type { NatsServer } from '../../runtime/servers/nats-server';
import { startTemporalServer } from '../../runtime/servers/temporal-server';
import { closeAfterFile } from '../support/close-after-file';
import { publishLetter } from '../support/dead-letter';
import { FlowClient } from '../support/flow-client';
import { Workplace } from '../support/kflow-cli';
import { LoginPlace, type LoginWay, secret } from '../support/login-place';
import { Hopeless, waitFor } from '../support/wait-for';
import { planOf } from '../unit/plan/planned';

const place = new LoginPlace();
const work = new Workplace();
const ways = place.ways();
const servers = new Map<string, NatsServer>();
const count = 200;
closeAfterFile('the folder of commands', async () => work.remove());

const gate = path.join(work.folder, 'gate');
const openGate = () => writeFileSync(gate, '');
const closeGate = () => rmSync(gate, { force: true });

beforeEach(openGate);
beforeAll(async () => {
  process.env.KFLOW_RUNTIME_LOG_LEVEL = 'DEBUG';
  for (const { name, config } of ways) servers.set(name, await place.start(name.replaceAll(' ', '-'), config));
}, 600_000);
afterAll(() => {
  delete process.env.KFLOW_RUNTIME_LOG_LEVEL;
  delete process.env.KFLOW_NATS_URL;
});

function urlOf({ name, scheme }: LoginWay): string {
  return String(servers.get(name)?.url).replace('nats:', `${scheme}:`);
}

/** What a command says of the wrong files. */
function refusalOf({ way }: LoginWay): string {
  return way === 'client certificate' ? 'want a tls.crt' : `refused the login with ${way}`;
}

/** A batch whose last function writes down each number that it gets, once the gate is open. `double` begins with the code of `doubleFirst`. */
function document(jobId: string, doubleFirst = ''): string {
  const schema = '{ type: record, name: n, fields: [{ name: n, type: long }] }';
  const code = (text: string) => `meta: { language: javascript, name: run, code: ${JSON.stringify(text)} }`;
  const opened = `while (!fs.existsSync(${JSON.stringify(gate)})) await new Promise((go) => setTimeout(go, 10))`;
  const ledger = `fs.appendFileSync(${JSON.stringify(ledgerOf(jobId))}, event.n + '\\n')`;
  const leaf = `const fs = require('node:fs'); async function run(ctx, event) { ${opened}; ${ledger}; }`;
  return `jobId: ${jobId}
namespace: orders
mode: batch
dag:
  - { id: numbers, type: raw-source, schema: ${schema}, ${code(`function* run() { for (let n = 0; n < ${count}; n++) yield { n }; }`)}, out: [double] }
  - { id: double, type: raw, schema: ${schema}, ${code(`function run(ctx, event) { ${doubleFirst} return { n: 2 * event.n }; }`)}, out: [leaf] }
  - { id: leaf, type: raw, ${code(leaf)} }
`;
}

const ledgerOf = (jobId: string) => path.join(work.folder, `${jobId}.ledger`);
const expected = Array.from({ length: count }, (_, n) => 2 * n);

/** The numbers that arrived, without repetitions. */
function ledger(jobId: string): readonly number[] {
  if (!existsSync(ledgerOf(jobId))) return [];
  const lines = readFileSync(ledgerOf(jobId), 'utf8').trim().split('\n');
  return [...new Set(lines.map(Number))].sort((one, other) => one - other);
}

/** What no output, argument or variable may contain. */
function secretsOf({ right }: LoginWay): readonly string[] {
  const { user: _, 'ca.crt': _ca, 'tls.crt': _certificate, ...secrets } = right;
  return Object.values(secrets).flatMap((text) =>
    text.split('\n').filter((line) => line.length > 20 || line === secret),
  );
}

/** Arguments and variables of every process that runs in the folder, and of those they started. */
function processTexts(): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const [args, env] = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'));
        return `${args}${env}`.includes(work.folder) ? [`${args} ${env}`] : [];
      } catch {
        return []; // it has ended
      }
    });
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('kflow run --no-embedded', () => {
  test.each(ways)('runs a flow with $name, and shows no secret anywhere', async (way) => {
    const jobId = `run-${way.name.replaceAll(' ', '-').toLowerCase()}`;
    const file = work.write(`${jobId}.yaml`, document(jobId));
    process.env.KFLOW_NATS_URL = `nats://127.0.0.1:1,${urlOf(way)}`;
    const given = ['--nats-credentials', place.credentials(way.right), '--keep', '--timeout', '300'];
    closeGate();
    const command = work.kflow('run', file, '--no-embedded', ...given);
    const seen: string[] = [];
    await waitFor('the processes of the flow', () => {
      if (command.process.exitCode !== null) throw new Hopeless(command.stderr);
      seen.push(...processTexts());
      return seen.some((text) => text.includes('replica/main.js'));
    });
    openGate();
    expect(await command.exited).toBe(0);
    expect(ledger(jobId)).toEqual(expected);
    const logs = filesBelow(path.join(work.folder, '.kflow', jobId)).map((log) => readFileSync(log, 'utf8'));
    expect(logs.join()).toContain('done: 200 in');
    const shown = [...seen, ...logs, command.stdout, command.stderr];
    for (const text of secretsOf(way)) expect(shown.filter((one) => one.includes(text))).toEqual([]);
  });

  test.each(ways)('ends at once with wrong files for $name, and says what it tried', async (way) => {
    const file = work.write('wrong.yaml', document('wrong'));
    process.env.KFLOW_NATS_URL = urlOf(way);
    process.env.KFLOW_NATS_CREDENTIALS = place.credentials(way.wrong);
    try {
      const { status, stdout, stderr } = await work.ran('run', file, '--no-embedded');
      expect(status).not.toBe(0);
      expect(stderr).toContain(refusalOf(way));
      for (const text of Object.values(way.wrong)) expect(stdout + stderr).not.toContain(text.trim());
    } finally {
      delete process.env.KFLOW_NATS_CREDENTIALS;
    }
  });

  test('refuses a password in KFLOW_NATS_URL without showing it', async () => {
    const file = work.write('url.yaml', document('url'));
    process.env.KFLOW_NATS_URL = urlOf(ways[0] as LoginWay).replace('//', `//me:${secret}@`);
    const { status, stdout, stderr } = await work.ran('run', file, '--no-embedded');
    expect(status).not.toBe(0);
    expect(stderr).toContain('contains a user, password or token');
    expect(stdout + stderr).not.toContain(secret);
  });
});

describe('kflow dlq', () => {
  test.each(ways)('works on the streams of a nats with $name, and shows no secret', async (way) => {
    const flow = { namespace: 'orders', jobId: `dlq-${way.name.replaceAll(' ', '-').toLowerCase()}` };
    const connection = await connectNats({ url: urlOf(way), credentials: place.credentials(way.right) }, 'test');
    await (await JetStreamStreams.open(connection)).provision(planOf(document(flow.jobId)));
    await publishLetter(connection, flow, { functionId: 'double', text: 'broken' });
    await connection.close();
    const shown: string[] = [];
    const dlq = async (files: LoginWay['right'], ...words: readonly string[]) => {
      const login = ['--nats-url', urlOf(way), '--nats-credentials', place.credentials(files)];
      const result = await work.ran('dlq', `orders/${flow.jobId}`, ...words, ...login);
      shown.push(result.stdout, result.stderr);
      return result;
    };
    const listed = async () => JSON.parse((await dlq(way.right, 'list', '-o', 'json')).stdout);
    expect(await listed()).toMatchObject([{ letter: 1, function: 'double', state: 'open', error: 'no' }]);
    const refused = await dlq(way.wrong, 'discard', '--all');
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(refusalOf(way));
    const redrive = await dlq(way.right, 'redrive', '1');
    expect([redrive.status, redrive.stdout]).toEqual([0, expect.stringMatching(/^1 letter queued, redrive \S+/)]);
    expect(redrive.stderr).toBe(''); // no function has ended, so no Job is deleted
    expect(await listed()).toMatchObject([{ letter: 1, state: 'redriving' }]);
    for (const text of secretsOf(way)) expect(shown.filter((one) => one.includes(text))).toEqual([]);
  });

  test.each(ways.slice(0, 1))(
    'finds the letters of a run that has ended, which the next run processes',
    async (way) => {
      const repaired = path.join(work.folder, 'repaired');
      const fails = `if (event.n === 7 && !require('node:fs').existsSync(${JSON.stringify(repaired)})) throw new Error('no');`;
      const file = work.write('run-letters.yaml', document('run-letters', fails));
      process.env.KFLOW_NATS_URL = urlOf(way);
      const login = ['--nats-credentials', place.credentials(way.right)];
      const run = ['run', file, '--no-embedded', '--keep', '--timeout', '300', ...login];
      const first = await work.ran(...run, '--set', 'dag.double.meta.maxDeliver=1');
      expect([first.status, first.stderr]).toEqual([
        1,
        expect.stringContaining('list them with kflow dlq run-letters'),
      ]);
      const redrive = await work.ran('dlq', 'run-letters', 'redrive', '--all');
      expect([redrive.status, redrive.stdout]).toEqual([0, expect.stringMatching(/^1 letter queued/)]);
      writeFileSync(repaired, '');
      expect((await work.ran(...run)).status).toBe(0);
      expect(ledger('run-letters')).toEqual(expected);
      expect((await work.ran('dlq', 'run-letters')).stdout).toBe('no letters\n');
    },
  );
});

describe('manifests', () => {
  test.each(ways)('of a flow have no secret, and run with $name by a Secret', async (way) => {
    const jobId = `pods-${way.name.replaceAll(' ', '-').toLowerCase()}`;
    const file = work.write(`${jobId}.yaml`, document(jobId));
    const options = ['--nats-url', urlOf(way), '--nats-secret', 'login', '--nats-secret', 'more'];
    const synth = await work.ran('synth', file, '-o', jobId, ...options);
    const planned = await work.ran('plan', file, '--against', jobId, ...options, '--set', 'mode=stream');
    expect([synth.status, planned.status]).toEqual([0, 2]);
    const text = work.read(`${jobId}/${jobId}.k8s.yaml`);
    for (const hidden of secretsOf(way)) expect(text + planned.stdout).not.toContain(hidden);

    const plan = planOf(document(jobId));
    const connection = await connectNats({ url: urlOf(way), credentials: place.credentials(way.right) }, 'as NACK');
    const streams = await JetStreamStreams.open(connection);
    await streams.provision(plan);
    await streams.beginRun(plan);
    const node = await WorkloadNode.open({
      directory: path.join(work.folder, `${jobId}-node`),
      env: {},
      program: path.join(__dirname, '../../dist/js/runtime/replica/main.js'),
    });
    try {
      node.apply(plan, [...secretObjects(way), ...objectsOf(text)]);
      await waitFor(
        'the whole ledger',
        () => ledger(jobId),
        (numbers) => numbers.length === count,
      );
      expect(ledger(jobId)).toEqual(expected);
    } finally {
      await node.close();
      await connection.close();
    }
  });
});

/** The login in one Secret and the certificates in another one. */
function secretObjects({ right }: LoginWay): readonly Manifest[] {
  const isTls = (key: string) => /\.(crt|key)$/.test(key);
  return [false, true].map((ofTls) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: ofTls ? 'more' : 'login', namespace: 'orders' },
    data: Object.fromEntries(
      Object.entries(right)
        .filter(([key]) => isTls(key) === ofTls)
        .map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  }));
}

function objectsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

describe('a controller', () => {
  test.each(ways.filter(({ name }) => /creds|certificate/.test(name)))(
    'logs in with $name, and so do the replicas of its flows by a Secret',
    async (way) => {
      const jobId = `flow-${way.name.replaceAll(' ', '-').toLowerCase()}`;
      const folder = place.dataOf(jobId);
      const at = (name: string) => path.join(folder, name);
      for (const object of secretObjects(way)) {
        const file = at(`node/objects/orders/Secret/${object.metadata.name}.json`);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, JSON.stringify(object));
      }
      const program = path.join(__dirname, '../../dist/js/runtime/replica/main.js');
      const node = await startProcessNode({ directory: at('node'), socketPath: at('s'), env: {}, program });
      const temporal = await startTemporalServer({ dataDir: at('temporal'), logFile: at('temporal.log') });
      ensureKeyFile(at('key'));
      const settings = readControllerSettings({
        KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: at('key'),
        KFLOW_CONTROLLER_NATS_URL: urlOf(way),
        KFLOW_CONTROLLER_NATS_CREDENTIALS: place.credentials(way.right),
        KFLOW_CONTROLLER_PODS_NATS_SECRETS: 'login,more',
        KFLOW_CONTROLLER_TEMPORAL_ADDRESS: temporal.address,
        KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
        KFLOW_CONTROLLER_CLUSTER_SOCKET: at('s'),
        KFLOW_CONTROLLER_LISTEN_PORT: '0',
      });
      const logs: string[] = [];
      const controller = await startController(settings, { log: (_level, text) => logs.push(text) });
      try {
        const client = new FlowClient(controller.url);
        const { status } = await client.call('POST', `/kflows/v1/orders/${jobId}`, document(jobId));
        expect(status).toBe(201);
        await client.untilIn(`orders/${jobId}`, 'Completed');
        expect(ledger(jobId)).toEqual(expected);
        const answers = await Promise.all(
          ['', '/events', '/history'].map((route) => client.call('GET', `/kflows/v1/orders/${jobId}${route}`)),
        );
        const shown = [...logs, ...answers.map(({ body }) => JSON.stringify(body)), ...logsBelow(at('node/logs'))];
        for (const text of secretsOf(way)) expect(shown.filter((one) => one.includes(text))).toEqual([]);
      } finally {
        await controller.close();
        await node.close();
        await temporal.stop();
      }
    },
  );

  test.each(ways.slice(0, 1))('that is refused ends at once and says what it tried', async (way) => {
    const credentials = place.credentials(way.wrong);
    ensureKeyFile(place.dataOf('refused.key'));
    const settings = readControllerSettings({
      KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: place.dataOf('refused.key'),
      KFLOW_CONTROLLER_NATS_URL: urlOf(way),
      KFLOW_CONTROLLER_NATS_CREDENTIALS: credentials,
      KFLOW_CONTROLLER_TEMPORAL_ADDRESS: '127.0.0.1:1',
      KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
      KFLOW_CONTROLLER_CLUSTER_SOCKET: place.dataOf('none'),
    });
    await expect(startController(settings, { log: () => undefined })).rejects.toMatchObject({
      code: 'login-failed',
      message: expect.stringContaining(`refused the login with user and password of ${credentials}`),
    });
  });
});

function logsBelow(folder: string): readonly string[] {
  return filesBelow(folder).map((file) => readFileSync(file, 'utf8'));
}
