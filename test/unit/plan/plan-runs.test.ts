import { ConfigError } from '../../../lib/errors';
import { outputsOf } from '../../../lib/plan/function-spec';
import { assertRunnable } from '../../../lib/plan/plan-flow';
import type { Topology } from '../../../lib/topology/document/topology';
import { readTopology } from '../../../lib/topology/read-topology';
import { planOf, specOf, written } from './planned';

const code = 'meta: {name: f, code: "def f(ctx, e): return e"}';
const schema = 'schema: {type: record, name: r, fields: [{name: n, type: long}]}';
const list = `{id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects", out: [map]}`;
const map = `{id: map, type: raw, ${code}}`;

function topologyOf(...dag: readonly string[]): Topology {
  const text = `jobId: job\ndag:\n${dag.map((fn) => `  - ${fn}\n`).join('')}`;
  const { topology, problems } = readTopology(text, { file: 'flow.yaml', defaultJobId: 'job' });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return topology;
}

describe('a run on this machine', () => {
  test.each([
    ['connectors and code', [list, map]],
    ['a process with an image only, which passes records through', [list, '{id: map, type: raw, image: mine:1}']],
    ['a source with code', [`{id: made, type: raw-source, ${schema}, ${code}, out: [map]}`, map]],
    ['a source with a module', [`{id: made, type: raw-source, ${schema}, meta: {module: made.py}, out: [map]}`, map]],
  ])('starts %s', (_, dag) => {
    expect(() => assertRunnable(topologyOf(...dag))).not.toThrow();
  });

  test('reports all functions that it cannot run in one error', () => {
    const topology = topologyOf(
      `{id: made, type: raw-source, ${schema}, image: mine:1, out: [map]}`,
      `{id: other, type: raw-source, ${schema}, image: mine:1, out: [map]}`,
      `{id: map, type: raw, ${code}}`,
    );
    const message = [
      'made: local runs do not use images; set meta.code or meta.module',
      'other: local runs do not use images; set meta.code or meta.module',
    ].join('\n');
    expect(() => assertRunnable(topology)).toThrow(new ConfigError('not-run-yet', message));
    expect(() => assertRunnable(topology)).toThrow(expect.objectContaining({ code: 'not-run-yet' }));
  });
});

describe('a step-by-step run', () => {
  const sink = '{id: sink, type: nats-sink, topics: made}';
  const planOfSteps = (settings: string, ...dag: readonly string[]) =>
    planOf(
      `namespace: team\njobId: job\nmode: batch\nparallelism: 3\nglobalConfig: {devStore: {${settings}}}\ndag:\n${dag
        .map((fn) => `  - ${fn}\n`)
        .join('')}`,
      {},
    );
  const all = 'enabled: true, image: "watch:1", addr: "dev:1", topics: steps, user: u, password: p';
  const side = `{id: errors, ${schema}, out: [last]}`;
  const first = `{id: first, type: raw, ${schema}, ${code}, out: [last, sink], sideOuts: [${side}]}`;
  const last = `{id: last, type: raw, ${code}}`;
  const flow = [list.replace('[map]', '[first]'), first, last, sink];

  test('has one replica of each process without an end, and no source and no sink', () => {
    const plan = planOfSteps(all, ...flow);
    const workload = { kind: 'deployment', replicas: 1 };
    expect(plan.mode).toBe('stream');
    expect(plan.workloads).toMatchObject([
      { function: 'first', ...workload },
      { function: 'last', ...workload },
    ]);
  });

  test('has folders of each process, and the credentials of their store', () => {
    const plan = planOfSteps(all, ...flow);
    const folders = { inDir: 'kflow-dev/team/job/last/in/', outDir: 'kflow-dev/team/job/last/out/' };
    const [, workload] = plan.workloads;
    expect(workload?.spec.steps).toMatchObject({ addr: 'dev:1', bucket: 'steps', ...folders });
    expect(workload?.secretEnv).toMatchObject([
      { name: 'KFLOW_DEV_USER', key: 'user' },
      { name: 'KFLOW_DEV_PASSWORD', key: 'password' },
    ]);
    expect(workload?.addresses).toContain('dev:1');
    expect(plan.devStore?.functions[1]).toMatchObject({ function: 'last', ...folders });
  });

  test('removes all of its folders with the flow: also the outputs that somebody has put for a source', () => {
    const stores = planOfSteps(all, ...flow).buckets.filter(({ role }) => role === 'dev-store');
    expect(stores).toMatchObject([{ bucket: 'steps', prefix: 'kflow-dev/team/job/' }]);
  });

  test('knows the ways of records, and what stands for the records of a source', () => {
    const { devStore } = planOfSteps(all, ...flow);
    expect(devStore?.functions.map(({ next }) => next)).toEqual([
      [
        { function: 'last', isProcess: true },
        { function: 'sink', isProcess: false },
        { function: 'last', side: 'errors', isProcess: true },
      ],
      [],
    ]);
    expect(devStore?.sources).toMatchObject([{ function: 'list', listed: { topics: 's3a://objects' } }]);
  });

  test('knows every schema of the inputs, and takes files where a source lists objects', () => {
    const [one, two] = planOfSteps(all, ...flow).workloads.map(({ spec }) => spec.steps);
    expect(one).toMatchObject({ schemas: [{ name: 's3list' }], takesFiles: true });
    expect(two).toMatchObject({ schemas: [{ name: 'r' }] });
    expect(two).not.toHaveProperty('takesFiles');
  });

  test('needs no server of a sink, and no code of a source', () => {
    const bucket = `{id: sink, type: s3-sink, addr: "far:1", user: u, password: p, topics: "s3a://made"}`;
    const { buckets, secrets } = planOfSteps(all, ...flow.slice(0, 3), bucket);
    expect(secrets.map(({ addr }) => addr)).toEqual(['s3:9000', 'dev:1']);
    expect(buckets.map(({ role }) => role)).toEqual(['source', 'dev-store']);
    const made = `{id: made, type: raw-source, ${schema}, image: mine:1, out: [last]}`;
    const { topology } = readTopology(`jobId: job\nglobalConfig: {devStore: {${all}}}\ndag: [${made}, ${last}]`, {
      file: 'flow.yaml',
      defaultJobId: 'job',
    });
    expect(() => assertRunnable(topology as Topology)).not.toThrow();
  });

  test('is none if it is not enabled', () => {
    const plan = planOfSteps(all.replace('true', 'false'), ...flow);
    expect(plan.devStore).toBeUndefined();
    expect(plan.workloads.map(({ kind }) => kind)).toEqual(['job', 'job', 'job', 'job']);
  });

  test.each([
    ['the address', all.replace('addr: "dev:1", ', ''), 'first: missing globalConfig.devStore.addr'],
    ['the bucket', all.replace('topics: steps, ', ''), 'first: missing globalConfig.devStore.topics (the bucket)'],
  ])('cannot be planned without %s', (_, settings, message) => {
    expect(() => planOfSteps(settings, ...flow)).toThrow(message);
  });
});

describe('the error side stream', () => {
  const planOfErrors = (more: string, settings = {}) =>
    planOf(
      `jobId: job
globalConfig:
  sideStream: {enabled: true, addr: "nats://errors:4222", errorTopics: "err.all, more.map,err.map"}
  ${more}
dag:
  - ${list}
  - ${map}
`,
      settings,
    );
  const topics = ['err.all', 'more.map', 'err.map'];

  test('is in the spec of functions that read records, with its own nats', () => {
    const { workloads, errorStreams } = planOfErrors('');
    expect(workloads.map(({ spec }) => spec.sideStream)).toEqual([undefined, { addr: 'nats://errors:4222', topics }]);
    expect(errorStreams).toEqual([]);
  });

  test('is at the nats of the flow where that takes the place of others', () => {
    const { workloads } = planOfErrors('', { hasOwnNats: true });
    expect(workloads[1]?.spec.sideStream).toEqual({ topics });
    expect(workloads[1]?.addresses).toEqual([]);
  });

  test.each(['true', '1'])('has its streams made, each once, with KFLOW_CREATE_SIDESTREAM: %s', (value) => {
    const { errorStreams } = planOfErrors(`container: {env: [{name: KFLOW_CREATE_SIDESTREAM, value: "${value}"}]}`);
    expect(errorStreams.map(({ name, subjects, addr, onDelete }) => ({ name, subjects, addr, onDelete }))).toEqual([
      { name: 'err', subjects: ['err.>'], addr: 'nats://errors:4222', onDelete: 'keep' },
      { name: 'more', subjects: ['more.>'], addr: 'nats://errors:4222', onDelete: 'keep' },
    ]);
  });

  test('has no stream made with KFLOW_CREATE_SIDESTREAM: False', () => {
    const { errorStreams } = planOfErrors('container: {env: [{name: KFLOW_CREATE_SIDESTREAM, value: "False"}]}');
    expect(errorStreams).toEqual([]);
  });
});

describe('the address of published errors', () => {
  const addressesOf = (sideStream: string) =>
    planOf(
      `jobId: job\nglobalConfig: {sideStream: {${sideStream}, addr: "nats://errors:4222", errorTopics: err.all}}\ndag:\n  - ${list}\n  - ${map}\n`,
    ).workloads.map(({ addresses }) => addresses);

  test('is an address of every function that reads records', () => {
    expect(addressesOf('enabled: true')).toEqual([['s3:9000'], ['errors:4222']]);
  });

  test('is not an address of functions that do not publish errors', () => {
    expect(addressesOf('enabled: false')).toEqual([['s3:9000'], []]);
  });
});

test('the endpoint of OpenTelemetry is an address of the functions that have it as a value', () => {
  const addressesOf = (variable: string) =>
    planOf(
      `jobId: job\ndag:\n  - ${list}\n  - ${map.replace('meta: {', `meta: { container: {env: [${variable}]}, `)}\n`,
    )
      .workloads.map(({ addresses }) => addresses)
      .at(-1);
  expect(addressesOf('{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel.obs.svc:4318"}')).toEqual([
    'http://otel.obs.svc:4318',
  ]);
  expect(addressesOf('{name: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, value: "http://c:1/t"}')).toEqual(['http://c:1/t']);
  expect(addressesOf('{name: OTEL_SERVICE_NAME, value: map}')).toEqual([]);
});

describe('credentials of a server', () => {
  const text = (more: string) => `
jobId: job
dag:
  - {id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects", out: [sent]}
  - {id: sent, type: nats-sink, topics: results, addr: "nats:4222"${more}}
`;

  test.each([
    ['user', ', user: u'],
    ['password', ', password: p'],
    ['secret', ', secret: mine'],
  ])('are environment variables of a function with a %s', (_, more) => {
    const plan = planOf(text(more), { hasClusterSecrets: true });
    expect(specOf(plan, 'sent').target).toMatchObject({ addr: 'nats:4222', userEnv: 'KFLOW_ADDR_USER' });
  });

  test('are not variables of a function without credentials', () => {
    expect(specOf(planOf(text('')), 'sent').target).toEqual({ addr: 'nats:4222', topics: 'results' });
  });

  test('are variables or a CA where the document has one', () => {
    const ca = ', ca: /etc/ca.crt';
    expect(specOf(planOf(text(ca)), 'sent').target).toEqual({
      addr: 'nats:4222',
      topics: 'results',
      ca: '/etc/ca.crt',
    });
    const plan = planOf(text(', secret: mine, secretKeys: [ca.crt]'), { hasClusterSecrets: true });
    expect(specOf(plan, 'sent').target).toMatchObject({ caEnv: 'KFLOW_ADDR_CA' });
  });

  test('are those of no server that replaces the one of the document', () => {
    const targetWith = (servers: { sent: { addr?: string } }) =>
      specOf(planOf(text(', user: u, password: p, ca: /etc/ca.crt'), { servers }), 'sent').target;
    expect(targetWith({ sent: { addr: '127.0.0.1:1' } })).toEqual({ addr: '127.0.0.1:1', topics: 'results' });
    expect(targetWith({ sent: {} })).toEqual({ topics: 'results' });
  });
});

describe('settings of a run', () => {
  const bare = 'jobId: job\ndag:\n  - {id: list, type: fs-source, format: list, topics: "s3a://objects", out: [map]}\n';

  test.each([
    ['no user', 'addr: "s3:1", password: p'],
    ['no password', 'addr: "s3:1", user: u'],
  ])('require a complete account: %s', (_, account) => {
    const document = `${bare.replace('topics', `${account}, topics`)}  - ${map}\n`;
    expect(() => planOf(document)).toThrow(expect.objectContaining({ code: 'setting-missing' }));
    expect(planOf(document, { hasClusterSecrets: true }).secrets).toHaveLength(1);
  });

  test('allow several accounts of one server only if KFlow creates their secrets', () => {
    const two = `
jobId: job
dag:
  - {id: list, type: fs-source, format: list, addr: "s3:1", user: a, password: p, topics: "s3a://inbox", out: [stored]}
  - {id: stored, type: s3-sink, addr: "s3:1", user: b, password: p, topics: "s3a://outbox"}
`;
    expect(planOf(two).secrets.map(({ name }) => name)).toEqual(['job--s3-1', 'job--s3-1-2']);
    expect(() => planOf(two, { hasClusterSecrets: true })).toThrow(/^s3:1: the secret job--s3-1 already belongs/);
  });
});

const named = '{type: record, name: o, fields: [{name: bucket, type: string}, {name: key, type: string}]}';

describe('automatic download', () => {
  const download = (more: string) =>
    specOf(
      planOf(`
jobId: job
dag:
  - {id: made, type: raw-source, schema: ${named}, ${code}, out: [far]}
  - {id: list, type: fs-source, format: list, addr: "s3:1", user: u, password: p, topics: "s3a://inbox", out: [near]}
  - {id: near, type: raw, ${code}, out: [far]}
  - {id: far, type: raw, ${code}, globalConfig: {store: {autoDownload: true${more}}}}
`),
      'far',
    ).download;

  test('uses the store of a source that lists objects, however far upstream', () => {
    expect(download('')).toMatchObject({ addr: 's3:1', userEnv: 'KFLOW_DOWNLOAD_USER' });
  });

  test('uses the store of the function, if it has one', () => {
    expect(download(', addr: "own:1", user: u, password: p')).toMatchObject({ addr: 'own:1' });
  });
});

test('lists the main output of a function before its side outputs, and only if it has readers', () => {
  const streamsOf = (out: string, ...more: readonly string[]) => {
    const sides = `sideOuts: [{id: odd, ${schema}, out: [odds]}]`;
    const dag = [list, `{id: map, type: raw, ${code}, ${sides}${out}}`, `{id: odds, type: raw, ${code}}`, ...more];
    const plan = planOf(`namespace: n\njobId: j\ndag:\n${dag.map((fn) => `  - ${fn}\n`).join('')}`);
    return outputsOf(specOf(plan, 'map')).map(({ stream }) => stream);
  };
  expect(streamsOf(', out: [end]', `{id: end, type: raw, ${code}}`)).toEqual(['kflow_n_j_map', 'kflow_n_j_map_odd']);
  expect(streamsOf('')).toEqual(['kflow_n_j_map_odd']);
});
