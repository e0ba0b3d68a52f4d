/** A flow of numbers: a source, two replicas that take some time for each, and an `s3-sink`. */
export interface NumberFlow {
  readonly namespace: string;
  readonly mode: 'batch' | 'stream';
  /** The numbers are those below. */
  readonly count: number;
  /** Numbers a second. */
  readonly rate: number;
  /** A number that needs more memory than the function may have. */
  readonly greedy?: number;
  /** A number that takes longer than a pod may take to end. */
  readonly slow?: number;
  /** A number whose function fails. */
  readonly poison?: number;
  /** Numbers that it divides fail, except for 0, as long as the ConfigMap `gate` says `closed`. */
  readonly gated?: number;
  /** Number of records of the sink's bulks; default: each record is an object. */
  readonly bulk?: number;
  /** The records have so many keys, whose order is kept. */
  readonly keys?: number;
  /** Image of the function `work`. */
  readonly image?: string;
  /** Image of a program that is the source; it finds the folder `/state`, which outlives its container. */
  readonly program?: string;
}

/** Every flow has this id; each has a namespace and a bucket of its own. */
export const jobId = 'numbers';
const storeAddress = 'minio.default.svc:9000';

const fields = [
  { name: 'number', type: 'long' },
  { name: 'key', type: 'long' },
  { name: 'owner', type: 'string' },
];
export const schema = { type: 'record', name: 'numbered', fields };

export interface NumberRecord {
  readonly number: number;
  readonly key: number;
  readonly owner: string;
}

/** What is in every record of a flow, and nowhere else. */
export const ownerOf = (namespace: string): string => `owner-of-${namespace}`;

function programSource(image: string): object {
  const container = {
    volumes: [{ name: 'state', emptyDir: {} }],
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
  };
  return { image, topics: jobId, meta: { container } };
}

/** Each record has an `owner`. `account`: the fields of the store's account in the document. */
export function numberDocument(flow: NumberFlow, account: object): object {
  const { namespace, mode, count, rate, greedy, slow, poison, gated, bulk, keys, image, program } = flow;
  const container = { resources: { requests: { cpu: '20m', memory: '64Mi' } } };
  const limited = { resources: { ...container.resources, limits: { memory: '160Mi' } } };
  const source = `def count():\n    for number in range(${count}):\n        yield {"number": number, "key": number % ${keys ?? 1}, "owner": "${ownerOf(namespace)}"}\n`;
  const work = [
    'import os, time',
    'def work(ctx, event):',
    '    number = event["number"]',
    ...(greedy === undefined
      ? []
      : [`    if number == ${greedy}: held = bytearray(2 ** 29); held[::4096] = b"x" * 2 ** 17`]),
    ...(slow === undefined ? [] : [`    if number == ${slow}: time.sleep(40)`]),
    ...(poison === undefined ? [] : [`    if number == ${poison}: raise ValueError("poison")`]),
    ...(gated === undefined
      ? []
      : [`    if number % ${gated} == 0 and number > 0 and os.environ["GATE"] == "closed": raise ValueError("gate")`]),
    '    time.sleep(0.02)',
    '    return event',
  ].join('\n');
  const gate = { name: 'GATE', valueFrom: { configMapKeyRef: { name: 'gate', key: 'state' } } };
  const own = { ...(greedy === undefined ? container : limited), ...(gated === undefined ? {} : { env: [gate] }) };
  const inBulk = { enabled: true, flush: { size: bulk, timer: 2_000 } };
  return {
    jobId,
    namespace,
    mode,
    globalConfig: { store: { addr: storeAddress, ...account } },
    dag: [
      {
        id: 'source',
        type: 'raw-source',
        schema,
        ...(keys === undefined ? {} : { partitionBy: 'key' }),
        ...(program === undefined
          ? { meta: { name: 'count', rate, code: source, container } }
          : programSource(program)),
        out: ['work'],
      },
      {
        id: 'work',
        type: 'raw',
        parallelism: 2,
        schema,
        ...(image === undefined ? {} : { image }),
        meta: { name: 'work', code: work, container: own, ...(gated === undefined ? {} : { maxDeliver: 2 }) },
        out: ['sink'],
      },
      {
        id: 'sink',
        type: 's3-sink',
        topics: `s3a://${namespace}`,
        meta: { container, ...(bulk === undefined ? {} : { bulk: inBulk }) },
      },
    ],
  };
}
