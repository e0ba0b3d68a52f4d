import type {
  FunctionDocument,
  GlobalConfigDocument,
  TopologyDocument,
} from '../../../../lib/topology/document/document-schema';
import { knownKeysAt } from '../../../../lib/topology/document/known-keys';
import { type MetaSetting, metaSettings } from '../../../../lib/topology/document/meta-setting';
import type { Topology } from '../../../../lib/topology/document/topology';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { readTopology } from '../../../../lib/topology/read-topology';
import { checkUpdate } from '../../../../lib/topology/update/check-update';
import { summarizeUpdate } from '../../../../lib/topology/update/summarize-update';

type Fields = { readonly [field: string]: unknown };

/** A change of one field, and the paths of the differences that an update reports for it. */
interface Change {
  /** Fields of the document before and after the change. */
  readonly base?: Fields;
  readonly to: unknown;
  /** Differences that no update may contain. */
  readonly fixed?: readonly string[];
  /** Differences that an update may contain if the function allows updates. */
  readonly updatable?: readonly string[];
}

const schema = { type: 'record', name: 'r', fields: [{ name: 'n', type: 'int' }] };
const otherSchema = { ...schema, fields: [{ name: 'n', type: 'long' }] };
const code = { name: 'f', code: 'def f(ctx, e): return e' };

/** Fields to add to the flow read -> map -> write: to the flow, to `map`, to `write` or to the `meta` of `map`. */
interface Parts {
  readonly flow?: Fields;
  readonly map?: Fields;
  readonly write?: Fields;
  readonly meta?: Fields;
}

function topologyOf(allowsUpdates: boolean, { flow, map, write, meta }: Parts): Topology {
  const update = allowsUpdates ? { update: true } : {};
  const dag = [
    { id: 'read', type: 'raw-source', schema, out: ['map'], meta: { ...code, ...update } },
    { id: 'map', type: 'raw', schema, out: ['write'], ...map, meta: { ...code, ...meta, ...update } },
    { id: 'write', type: 's3-sink', topics: 's3a://outbox', ...write, meta: update },
  ];
  const text = JSON.stringify({ jobId: 'job', dag, ...flow });
  const { topology, problems } = readTopology(text, { file: 'flow.yaml', defaultJobId: 'flow' });
  if (topology === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return topology;
}

function pathsOf(allowsUpdates: boolean, from: Parts, to: Parts): readonly string[] {
  return checkUpdate(topologyOf(allowsUpdates, from), topologyOf(allowsUpdates, to)).map(({ path }) => path);
}

function expectOutcome({ fixed = [], updatable = [] }: Change, from: Parts, to: Parts): void {
  expect([...pathsOf(false, from, to)].sort()).toEqual([...fixed, ...updatable].sort());
  expect(pathsOf(true, from, to)).toEqual(fixed);
  const { updated } = summarizeUpdate(topologyOf(true, from), topologyOf(true, to));
  expect(updated).toEqual([...new Set(updatable.map((path) => path.split('.')[1]))]);
}

describe('every field of a function', () => {
  const changes = {
    type: { to: 'nats-sink', fixed: ['dag.write.type'] },
    format: { to: 'list', fixed: ['dag.map.format'] },
    schema: { to: otherSchema, fixed: ['dag.map.schema'] },
    groupId: { to: 'group', fixed: ['dag.map.groupId'] },
    partitionBy: { to: 'n', fixed: ['dag.map.partitionBy'] },
    globalConfig: { to: { stream: { maxMsgs: 5 } }, fixed: ['dag.map.globalConfig.stream.maxMsgs'] },
    out: { to: [], fixed: ['dag.map.out'], base: { sideOuts: [{ id: 'odd', schema, out: ['write'] }] } },
    sideOuts: { to: [{ id: 'odd', schema, out: ['write'] }], fixed: ['dag.map.sideOuts.odd'] },
    addr: { to: 'other:1', updatable: ['dag.map.addr'] },
    topics: { to: 'orders', updatable: ['dag.map.topics'] },
    user: { to: 'me', updatable: ['dag.map.user'] },
    password: { to: 'sesame', updatable: ['dag.map.password'] },
    secret: { to: 'theirs', updatable: ['dag.map.secret'] },
    sessionToken: { to: 'temporary', updatable: ['dag.map.sessionToken'] },
    secretKeys: { base: { secret: 'ours' }, to: ['sessionToken'], updatable: ['dag.map.secretKeys'] },
    auth: { to: 'environment', updatable: ['dag.map.auth'] },
    region: { to: 'eu-central-1', updatable: ['dag.map.region'] },
    ca: { to: '/etc/ca.crt', updatable: ['dag.map.ca'] },
    pathStyle: { to: false, updatable: ['dag.map.pathStyle'] },
    image: { to: 'kflow:2', updatable: ['dag.map.image'] },
    imagePullPolicy: { to: 'Always', updatable: ['dag.map.imagePullPolicy'] },
    parallelism: { to: 3, updatable: ['dag.map.parallelism'] },
  } as const satisfies { readonly [field in Exclude<keyof FunctionDocument, 'id' | 'meta' | 'tasks'>]: Change };

  test.each(Object.entries<Change>(changes))('%s is compared', (field, change) => {
    const of = field === 'type' ? 'write' : 'map';
    const { base = {}, to } = change;
    expectOutcome(change, { [of]: base }, { [of]: { ...base, [field]: to } });
  });
});

test('the tasks of a task-worker are compared', () => {
  const of = (tasks: object) => {
    const dag = [{ id: 'mail', type: 'task-worker', tasks, meta: { update: true } }];
    const { topology } = readTopology(JSON.stringify({ jobId: 'job', dag }), { file: 'w.yaml', defaultJobId: 'w' });
    if (topology === undefined) throw new Error('the worker is not valid');
    return topology;
  };
  const send = { module: 'send.py' };
  const { updated } = summarizeUpdate(of({ send }), of({ send, bounce: send }));
  expect(updated).toEqual(['mail']);
  expect(checkUpdate(of({ send }), of({ send, bounce: send }))).toEqual([]);
});

describe('every field of the flow', () => {
  const changes = {
    namespace: { to: 'team', fixed: ['namespace'] },
    jobId: { to: 'other', fixed: ['jobId'] },
    mode: { to: 'batch', fixed: ['mode'] },
    parallelism: { to: 3, updatable: ['dag.read.parallelism', 'dag.map.parallelism', 'dag.write.parallelism'] },
    // a controller numbers the runs itself
    run: { base: { mode: 'batch' }, to: 2 },
    // the only runtime
    runtime: { to: 'flow' },
    // not part of the flow
    tests: { to: [{ name: 'a', function: 'map' }] },
  } as const satisfies { readonly [field in Exclude<keyof TopologyDocument, 'dag' | 'globalConfig'>]: Change };

  test.each(Object.entries<Change>(changes))('%s is compared', (field, change) => {
    const { base = {}, to }: Change = change;
    expectOutcome(change, { flow: base }, { flow: { ...base, [field]: to } });
  });
});

describe('every field of globalConfig', () => {
  const everywhere = (field: string) => ['read', 'map', 'write'].map((id) => `dag.${id}.${field}`);
  // functions inherit it in their meta
  const containerChanges = Object.fromEntries(
    Object.entries<{ to: unknown; at?: string }>({
      env: { to: [{ name: 'A', value: '1' }] },
      envFrom: { to: [{ secretRef: { name: 'vars' } }] },
      resources: { to: { limits: { memory: '2Gi' } }, at: 'resources.limits.memory' },
      gpu: { to: 1, at: 'resources.limits.nvidia.com/gpu' },
      volumes: { to: [{ name: 'data', emptyDir: {} }] },
      volumeMounts: { to: [{ name: 'tmp', mountPath: '/data' }] },
      sidecars: { to: [{ name: 'proxy', image: 'proxy:1' }] },
      egress: { to: ['other:1'] },
      imagePullSecrets: { to: ['registry'] },
      serviceAccountName: { to: 'reader' },
      automountServiceAccountToken: { to: true },
      runAsUser: { to: 'cluster' },
      priorityClassName: { to: 'low' },
      runtimeClassName: { to: 'gvisor' },
      nodeSelector: { to: { zone: 'a' }, at: 'nodeSelector.zone' },
      affinity: {
        to: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
        at: 'affinity.podAffinity',
      },
      tolerations: { to: [{ operator: 'Exists' }] },
      topologySpreadConstraints: { to: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }] },
      podLabels: { to: { team: 'blue' }, at: 'podLabels.team' },
      podAnnotations: { to: { team: 'blue' }, at: 'podAnnotations.team' },
    } satisfies {
      readonly [field in keyof NonNullable<GlobalConfigDocument['container']>]-?: { to: unknown; at?: string };
    }).map(([field, { to, at = field }]): [string, Change] => [
      `container.${field}`,
      { to, updatable: everywhere(`meta.container.${at}`) },
    ]),
  );
  const changes: { readonly [field: string]: Change } = {
    // sources and sinks inherit the connection of the store
    'store.addr': { to: 'other:1', fixed: ['globalConfig.store.addr'] },
    'store.user': { to: 'me', fixed: ['globalConfig.store.user'] },
    'store.password': { to: 'sesame', fixed: ['globalConfig.store.password'] },
    'store.secret': { to: 'theirs', fixed: ['globalConfig.store.secret'] },
    'store.sessionToken': { to: 'temporary', fixed: ['globalConfig.store.sessionToken'] },
    'store.secretKeys': {
      base: { store: { secret: 'ours' } },
      to: ['sessionToken'],
      fixed: ['globalConfig.store.secretKeys'],
    },
    'store.auth': { to: 'environment', fixed: ['globalConfig.store.auth'] },
    'store.region': { to: 'eu-central-1', fixed: ['globalConfig.store.region'] },
    'store.ca': { to: '/etc/ca.crt', fixed: ['globalConfig.store.ca'] },
    'store.pathStyle': { to: false, fixed: ['globalConfig.store.pathStyle'] },
    'store.autoDownload': { to: true, fixed: ['globalConfig.store.autoDownload'] },
    'sideStream.enabled': {
      base: { sideStream: { addr: 'nats://n:4222', errorTopics: 'errors.all' } },
      to: true,
      fixed: ['globalConfig.sideStream.enabled'],
    },
    'sideStream.addr': { to: 'nats://n:4222', fixed: ['globalConfig.sideStream.addr'] },
    'sideStream.errorTopics': { to: 'errors.all', fixed: ['globalConfig.sideStream.errorTopics'] },
    'messageStore.enabled': { to: true, fixed: ['globalConfig.messageStore.enabled'] },
    'messageStore.topics': { to: 'big-ones', fixed: ['globalConfig.messageStore.topics'] },
    'messageStore.user': { to: 'me', fixed: ['globalConfig.messageStore.user'] },
    'messageStore.password': { to: 'sesame', fixed: ['globalConfig.messageStore.password'] },
    'messageStore.secret': { to: 'theirs', fixed: ['globalConfig.messageStore.secret'] },
    'messageStore.sessionToken': { to: 'temporary', fixed: ['globalConfig.messageStore.sessionToken'] },
    'messageStore.secretKeys': {
      base: { messageStore: { secret: 'ours' } },
      to: ['sessionToken'],
      fixed: ['globalConfig.messageStore.secretKeys'],
    },
    'messageStore.auth': { to: 'environment', fixed: ['globalConfig.messageStore.auth'] },
    'messageStore.region': { to: 'eu-central-1', fixed: ['globalConfig.messageStore.region'] },
    'messageStore.ca': { to: '/etc/ca.crt', fixed: ['globalConfig.messageStore.ca'] },
    'messageStore.pathStyle': { to: false, fixed: ['globalConfig.messageStore.pathStyle'] },
    'messageStore.addr': { to: 's3:1', fixed: ['globalConfig.messageStore.addr'] },
    'messageStore.maxPayloadSize': { to: 5, fixed: ['globalConfig.messageStore.maxPayloadSize'] },
    // KFlow does not use an image for message stores
    'messageStore.image': { to: 'store:2' },
    'messageStore.imagePullPolicy': { to: 'Always' },
    'devStore.enabled': { to: true, fixed: ['globalConfig.devStore.enabled'] },
    // nor for dev stores
    'devStore.image': { to: 'dev:2' },
    'devStore.imagePullPolicy': { to: 'Always' },
    'devStore.user': { to: 'me', fixed: ['globalConfig.devStore.user'] },
    'devStore.password': { to: 'sesame', fixed: ['globalConfig.devStore.password'] },
    'devStore.secret': { to: 'theirs', fixed: ['globalConfig.devStore.secret'] },
    'devStore.sessionToken': { to: 'temporary', fixed: ['globalConfig.devStore.sessionToken'] },
    'devStore.secretKeys': {
      base: { devStore: { secret: 'ours' } },
      to: ['sessionToken'],
      fixed: ['globalConfig.devStore.secretKeys'],
    },
    'devStore.auth': { to: 'environment', fixed: ['globalConfig.devStore.auth'] },
    'devStore.region': { to: 'eu-central-1', fixed: ['globalConfig.devStore.region'] },
    'devStore.ca': { to: '/etc/ca.crt', fixed: ['globalConfig.devStore.ca'] },
    'devStore.pathStyle': { to: false, fixed: ['globalConfig.devStore.pathStyle'] },
    'devStore.topics': { to: 'dev-ones', fixed: ['globalConfig.devStore.topics'] },
    'devStore.addr': { to: 's3:1', fixed: ['globalConfig.devStore.addr'] },
    'metrics.enabled': { to: true, fixed: ['globalConfig.metrics.enabled'] },
    'metrics.port': { to: 9003, fixed: ['globalConfig.metrics.port'] },
    'stream.maxMsgs': { to: 5, fixed: ['globalConfig.stream.maxMsgs'] },
    'stream.maxBytes': { to: 5, fixed: ['globalConfig.stream.maxBytes'] },
    'stream.replicas': { to: 3, fixed: ['globalConfig.stream.replicas'] },
    'stream.onDelete': { to: 'delete', fixed: ['globalConfig.stream.onDelete'] },
    image: { to: 'kflow:2', updatable: everywhere('image') },
    ...containerChanges,
    imagePullPolicy: { to: 'Always', updatable: everywhere('imagePullPolicy') },
  };

  test.each(Object.entries(changes))('%s is compared', (field, change) => {
    const [section = '', key] = field.split('.');
    const base = change.base ?? {};
    const changed = key === undefined ? change.to : { ...(base[section] as Fields | undefined), [key]: change.to };
    const configOf = (globalConfig: Fields): Parts => ({ flow: { globalConfig } });
    const from = configOf(base);
    const to = configOf({ ...base, [section]: changed });
    if (!field.startsWith('store.') || field === 'store.autoDownload') return expectOutcome(change, from, to);
    // the sink inherits the connection; the difference is reported once, for the flow
    expect(pathsOf(false, from, to)).toEqual(change.fixed);
  });

  test('the table lists every field of globalConfig', () => {
    const fields = knownKeysAt(['globalConfig']).flatMap((section) => {
      const keys = knownKeysAt(['globalConfig', section]);
      return keys.length === 0 ? [section] : keys.map((key) => `${section}.${key}`);
    });
    expect(Object.keys(changes).sort()).toEqual([...fields].sort());
  });
});

describe('every setting of meta', () => {
  const bulk = { 'bulk.enabled': true, 'bulk.flush.timer': 5, 'bulk.flush.size': 5 };
  const setting = (name: string) => [`dag.map.meta.${name}`];
  const changes = {
    name: { base: { code: 'def f(): pass\ndef g(): pass' }, to: 'g', updatable: setting('name') },
    code: { to: 'def f(ctx, e): return [e]', updatable: setting('code') },
    module: { base: { code: null, module: './a.py' }, to: './b.py', updatable: setting('module') },
    language: { to: 'javascript', updatable: setting('language') },
    checkpoint: { to: true, updatable: setting('checkpoint') },
    rate: { to: 5, updatable: setting('rate') },
    concurrency: { to: 5, updatable: setting('concurrency') },
    'max.poll.interval.ms': { to: 60_000, updatable: setting('max.poll.interval.ms') },
    maxDeliver: { to: 3, updatable: setting('maxDeliver') },
    ack: { to: 'manual', updatable: setting('ack') },
    logicalTypes: { to: true, updatable: setting('logicalTypes') },
    'download.directory': { to: '/tmp/there', updatable: setting('download.directory') },
    'bulk.enabled': {
      base: bulk,
      to: false,
      updatable: ['timer', 'size', 'bytes'].flatMap((name) => setting(`bulk.flush.${name}`)),
    },
    'bulk.flush.timer': { base: bulk, to: 6, updatable: setting('bulk.flush.timer') },
    'bulk.flush.size': { base: bulk, to: 6, updatable: setting('bulk.flush.size') },
    'bulk.flush.bytes': { base: bulk, to: 6, updatable: setting('bulk.flush.bytes') },
    'nats.conn.options': { to: { timeout: 5 }, updatable: setting('nats.conn.options') },
    'nats.js.options': { to: { timeout: 5 }, updatable: setting('nats.js.options') },
    container: { to: { egress: ['other:1'] }, updatable: setting('container.egress') },
    pause: { to: true, updatable: setting('pause') },
  } as const satisfies { readonly [name in Exclude<MetaSetting, 'update' | 'updatePolicy' | 'restart'>]: Change };

  test.each(Object.entries<Change>(changes))('%s is compared', (name, change) => {
    const { base = {}, to } = change;
    expectOutcome(change, { meta: base }, { meta: { ...base, [name]: to } });
  });

  /** The settings that KFlow reads from `meta`, without `meta` as written. */
  const readMeta = (meta: Fields): Fields => {
    const { own: _own, ...read } = topologyOf(false, { meta }).dag.find(({ id }) => id === 'map')?.meta ?? { own: {} };
    return read;
  };

  test.each(Object.entries<Change>(changes).filter(([name]) => !name.startsWith('nats.')))(
    '%s is read into FunctionMeta',
    (name, { base = {}, to }) => {
      expect(readMeta({ ...base, [name]: to })).not.toEqual(readMeta(base));
    },
  );

  test.each([
    ['updatePolicy', 'DropOffset'],
    ['restart', true],
  ])('%s is not a difference, but updates a function that allows updates', (name, value) => {
    const to: Parts = { meta: { [name]: value } };
    expect(pathsOf(false, {}, to)).toEqual([]);
    expect(summarizeUpdate(topologyOf(true, {}), topologyOf(true, to)).updated).toEqual(['map']);
  });

  test('meta.update of the new document decides whether the function allows updates', () => {
    const changed: Parts = { meta: { own: 1 } };
    expect(checkUpdate(topologyOf(false, {}), topologyOf(true, changed))).toEqual([]);
    expect(checkUpdate(topologyOf(true, {}), topologyOf(false, changed)).map(({ path }) => path)).toEqual([
      'dag.map.meta.own',
    ]);
  });

  test('the table lists every setting of meta', () => {
    const known = [...Object.keys(changes), 'update', 'updatePolicy', 'restart'];
    expect(known.sort()).toEqual(Object.keys(metaSettings).sort());
  });
});
