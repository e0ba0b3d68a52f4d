import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { connectTemporal } from '../../runtime/adapters/temporal/connect-temporal';
import { closeAfterFile } from '../support/close-after-file';
import { Workplace } from '../support/kflow-cli';
import { commandLines, contentOf, filesBelow, Planted } from '../support/planted';
import { RunningStack } from '../support/running-stack';

/** Passwords in every place of a document that takes one, and where they must not be after everything that a flow can do. */
const flow = 'swept/passwords';
const planted = new Map<string, Planted>();
/** A text that nobody hides: where it is found, a password would be found too. */
const control = new Planted('control-2b7c9d-not-a-secret');
const place = new Workplace();
let stack: RunningStack;
/** Everything that the API and the commands have written. */
const answers: string[] = [];

closeAfterFile('a stack with passwords', async () => {
  await stack?.close();
  await place.ran('down');
  place.remove();
});

beforeAll(async () => {
  // logs of every level are searched too
  Object.assign(process.env, { KFLOW_CONTROLLER_LOG_LEVEL: 'DEBUG', KFLOW_RUNTIME_LOG_LEVEL: 'DEBUG' });
  stack = await RunningStack.up(place);
});

function plant(where: string): string {
  const made = planted.get(where) ?? new Planted(`planted-${planted.size}x-${where}-8f3a1`);
  planted.set(where, made);
  return made.text;
}

const schema = '{"type":"record","name":"said","fields":[{"name":"text","type":"string"}]}';
const codeOf = (body: string) => JSON.stringify(`def run(ctx, event):\n    ${body}`);
/** Digests of what the code finds in its environment. */
const digests =
  'import os, hashlib; return {"text": " ".join(hashlib.sha256(os.environ[n].encode()).hexdigest() for n in ["DB_PASSWORD", "db.password", "DB_URL"])}';

function document({ sink = plant('sink'), source = 'source' } = {}): string {
  return `jobId: passwords
namespace: swept
mode: stream
globalConfig:
  messageStore: { enabled: true, addr: "store:9000", user: ${plant('store-user')}, password: ${plant('store')}, topics: kflow-swept }
dag:
  - { id: ${source}, type: raw-source, schema: '${schema}', meta: { language: javascript, name: run, code: "async function* run() { yield { text: 'a' }; }" }, out: [digest] }
  - id: digest
    type: raw
    schema: '${schema}'
    meta:
      name: run
      code: ${codeOf(digests)}
      update: true
      container:
        env:
          - { name: DB_PASSWORD, value: ${plant('variable')} }
          - { name: db.password, value: ${plant('odd-variable')} }
          - { name: DB_URL, value: "postgres://me:${plant('address')}@db:5432/x" }
    out: [sink]
  - { id: sink, type: s3-sink, addr: "other:9000", user: ${plant('sink-user')}, password: ${sink}, topics: s3a://swept-out, meta: { update: true } }
`;
}

async function call(method: string, at: string, body?: unknown): Promise<number> {
  const answer = await stack.call(method, at, body);
  answers.push(JSON.stringify(answer));
  return answer.status;
}

async function ran(...words: string[]): Promise<number | null> {
  const { status, stdout, stderr } = await place.ran(...words);
  answers.push(stdout, stderr);
  return status;
}

/** Reads a body as text: logs are lines. */
async function get(at: string): Promise<void> {
  answers.push(
    await (await fetch(`${stack.file.url}/kflows/v1/${at}`, { signal: AbortSignal.timeout(60_000) })).text(),
  );
}

/** The planted passwords that are in a text, by their places. */
function foundIn(bytes: Buffer | string): readonly string[] {
  return [...planted].filter(([, each]) => each.isIn(bytes)).map(([where]) => where);
}

test('code gets the passwords of its variables, whatever their names', async () => {
  expect(await call('POST', `/kflows/v1/${flow}`, document())).toBe(201);
  await stack.until(flow, 'a record in the bucket', ({ functions }) =>
    functions.some((each) => each.function === 'sink' && each.in === 1 && each.pending === 0 && each.held === 0),
  );
  const [record] = await stack.records<{ text: string }>('swept-out');
  const url = `postgres://me:${plant('address')}@db:5432/x`;
  const values = [plant('variable'), plant('odd-variable'), url];
  expect(record?.text).toBe(values.map((value) => createHash('sha256').update(value).digest('hex')).join(' '));
});

test('no request, answer or command shows a password', async () => {
  expect(await call('POST', '/kflows/update/v1', document({ sink: plant('changed-sink') }))).toBe(200);
  const requests: [string, string, unknown?][] = [
    ['POST', `/kflows/v1/${flow}`, document()],
    ['POST', `/kflows/v1/${flow}/scale`, { replicas: { digest: 2 } }],
    ['POST', `/kflows/v1/${flow}/pause`, { functions: ['sink'] }],
    ['POST', `/kflows/v1/${flow}/resume`, { functions: ['sink'] }],
    ['POST', `/kflows/v1/${flow}/restart`, { functions: ['digest'] }],
    ['POST', `/kflows/v1/${flow}/rollback`, { revision: 1 }],
  ];
  const statuses: number[] = [];
  for (const [method, at, body] of requests) statuses.push(await call(method, at, body));
  expect(statuses).toEqual([409, 200, 202, 202, 202, 200]);
  const parts = ['', '/history', '/document', '/document?revision=1', '/diff', '/diff?from=1&to=2', '/events', '/logs'];
  for (const at of ['swept', ...parts.map((part) => `${flow}${part}`)]) await get(at);
  place.write('passwords.yaml', document({ sink: plant('changed-sink') }));
  await ran('update', 'passwords.yaml', '--comment', control.text);
  for (const words of [['status'], ['history'], ['diff'], ['events'], ['logs']]) await ran(...words, flow);
  await ran('diff', flow, '--file', 'passwords.yaml');
  for (const words of ['lint', 'graph', 'synth'])
    await ran(words, 'passwords.yaml', ...(words === 'synth' ? ['-o', 'out'] : []));
  await ran('doctor');
  expect(control.isIn(answers.join('\n'))).toBe(true);
  expect(foundIn(answers.join('\n'))).toEqual([]);
  expect(filesBelow(path.join(place.folder, 'out')).flatMap((file) => foundIn(contentOf(file)))).toEqual([]);
});

test.each([
  [
    'a password that is a list',
    (text: string) => text.replace(`password: ${plant('sink')}`, `password: [${plant('sink')}]`),
  ],
  [
    'a password that is a map',
    (text: string) => text.replace(`password: ${plant('sink')}`, `password: { a: ${plant('sink')} }`),
  ],
  ['a misspelled key', (text: string) => text.replace(`password: ${plant('sink')}`, `pasword: ${plant('sink')}`)],
  ['broken YAML', (text: string) => text.replace(`password: ${plant('sink')}`, `password: "${plant('sink')}`)],
  [
    'an address with a password',
    (text: string) => text.replace('"other:9000"', `"http://me:${plant('sink')}@other:9000"`),
  ],
  [
    'a variable with a wrong value',
    (text: string) => text.replace(`value: ${plant('variable')}`, `value: [${plant('variable')}]`),
  ],
  [
    'an unknown key of a variable',
    (text: string) => text.replace(`value: ${plant('variable')}`, `valu: ${plant('variable')}`),
  ],
  ['an edge to nowhere', (text: string) => text.replace('out: [digest]', 'out: [digets]')],
])('%s is refused without showing it', async (_what, change) => {
  const text = change(document());
  expect(text).not.toBe(document());
  const answer = await stack.call('POST', '/kflows/v1/swept/refused', text);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(foundIn(JSON.stringify(answer))).toEqual([]);
  place.write('refused.yaml', text);
  for (const words of [
    ['lint', 'refused.yaml'],
    ['submit', 'refused.yaml'],
    ['synth', 'refused.yaml', '-o', 'out'],
  ]) {
    const { stdout, stderr } = await place.ran(...words);
    expect(foundIn(stdout + stderr)).toEqual([]);
  }
});

test('passwords are stored in the Secrets of the flow alone, which only their owner can read', async () => {
  const data = path.join(place.folder, '.kflow');
  const isSecret = (file: string) => /\/swept\/Secret\/[^/]+\.json$/.test(file);
  const files = filesBelow(data).filter((file) => !file.includes('/buckets/'));
  const exposed = files
    .filter((file) => !isSecret(file))
    .flatMap((file) => foundIn(contentOf(file)).map((where) => `${where}: ${file}`));
  expect(exposed).toEqual([]);
  const secrets = files.filter(isSecret);
  expect([...new Set(secrets.flatMap((file) => foundIn(contentOf(file))))].sort()).toEqual([
    'address',
    'odd-variable',
    'variable',
  ]);
  expect(secrets.filter((file) => (statSync(file).mode & 0o077) !== 0)).toEqual([]);
  const where = files.filter((file) => control.isIn(contentOf(file)));
  expect(where.some((file) => file.includes('/nats/'))).toBe(true);
});

test('no history of Temporal contains a password', async () => {
  const settings = { address: stack.file.temporal, namespace: 'default', taskQueue: 'kflow' };
  const links = await connectTemporal(settings, () => undefined);
  const histories: string[] = [];
  const asText = (_key: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  const handle = links.client.workflow.getHandle(flow);
  histories.push(JSON.stringify(await handle.fetchHistory(), asText), JSON.stringify(await handle.describe(), asText));
  await links.close();
  expect(control.isIn(histories.join('\n'))).toBe(true);
  expect(foundIn(histories.join('\n'))).toEqual([]);
});

test('no process has a password in its command line, and no server one of a flow in its environment', () => {
  const lines = commandLines();
  const running = stack.pidsOf(flow);
  expect(Object.keys(running).sort()).toEqual(['digest', 'sink', 'source']);
  for (const pid of Object.values(running).flat()) expect(lines.get(pid)).toContain('main.js');
  const s3 = new Planted(stack.file.s3.password);
  const exposed = [...lines].filter(([, line]) => foundIn(line).length > 0 || s3.isIn(line));
  expect(exposed).toEqual([]);
  const parts = (['controller', 'nats', 'temporal', 's3'] as const).map((part) => stack.pidOf(part));
  for (const pid of [stack.file.pid, ...parts]) expect(foundIn(readFileSync(`/proc/${pid}/environ`))).toEqual([]);
  expect(s3.isIn(readFileSync(`/proc/${stack.pidOf('controller')}/environ`))).toBe(false);
});
