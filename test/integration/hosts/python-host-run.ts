import * as avro from 'avsc';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { fingerprintOf } from '../../../runtime/engine/avro-message';
import type { Failure, Host, HostEvents, HostRecord, LogLevel } from '../../../runtime/engine/ports/host';
import type { HostOptions } from '../../../runtime/hosts/host-factory';
import { pythonHost } from '../../../runtime/hosts/python/host';
import { waitFor } from '../../support/wait-for';

/** Runs a Python host, and records its events by record and in order. */
export class PythonHostRun implements HostEvents {
  readonly outputs = new Map<number, { payload: Uint8Array; side: string }[]>();
  readonly outcomes = new Map<number, 'done' | 'released' | Failure>();
  readonly logs: [LogLevel, string][] = [];
  readonly order: string[] = [];
  readonly crashes: Error[] = [];
  /** Result of `output`: undefined means there is room at once. */
  store: (payload: Uint8Array) => Promise<void> | undefined = () => undefined;
  readonly host: Host;

  constructor(spec: Partial<FunctionSpec>, options: Partial<HostOptions> = {}) {
    this.host = pythonHost({
      spec: specOf(spec),
      events: this,
      schemas: { schemaOf: async (fingerprint) => knownSchema(fingerprint) },
      replica: 0,
      baseDir: process.cwd(),
      isStreaming: false,
      env: process.env,
      ...options,
    });
  }

  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined {
    const outputs = this.outputs.get(id) ?? [];
    outputs.push({ payload, side });
    this.outputs.set(id, outputs);
    this.tell(`output ${id}`);
    return this.store(payload);
  }

  done(id: number): void {
    this.outcomes.set(id, 'done');
    this.tell(`done ${id}`);
  }

  failed(id: number, failure: Failure): void {
    this.outcomes.set(id, failure);
    this.tell(`failed ${id}`);
  }

  released(id: number): void {
    this.outcomes.set(id, 'released');
    this.tell(`released ${id}`);
  }

  heartbeat(id: number): void {
    this.tell(`heartbeat ${id}`);
  }

  log(level: LogLevel, text: string): void {
    this.logs.push([level, text]);
    this.tell(`log ${text}`);
  }

  crashed(cause: Error): void {
    this.crashes.push(cause);
    this.tell('crashed');
  }

  /** Resolves when the host's events have made the condition true. */
  async until(condition: () => boolean): Promise<void> {
    await waitFor(
      String(condition),
      () => ({ isTrue: condition(), lastEvents: this.order.slice(-10), crashes: this.crashes }),
      ({ isTrue }) => isTrue,
    );
  }

  /** Hands over one record for each event, with ids from 0, and waits for all outcomes. */
  async processAll(schema: object, events: readonly unknown[]): Promise<void> {
    this.host.process(events.map((event, id) => recordOf(id, schema, event)));
    await this.until(() => this.outcomes.size === events.length);
  }

  /** The decoded main outputs of a record. */
  outputsOf(id: number): unknown[] {
    return (this.outputs.get(id) ?? []).map(({ payload }) => decode(payload));
  }

  failureOf(id: number): Failure {
    const outcome = this.outcomes.get(id);
    if (typeof outcome !== 'object') throw new Error(`record ${id} is ${outcome}, not failed`);
    return outcome;
  }

  private tell(what: string): void {
    this.order.push(what);
  }
}

/** Opens a host with this code, runs the body, and closes the host. */
export async function withHost(
  code: string,
  body: (run: PythonHostRun) => Promise<void>,
  {
    isStreaming = false,
    env = process.env,
    ...spec
  }: Partial<FunctionSpec> & Partial<Pick<HostOptions, 'isStreaming' | 'env'>> = {},
): Promise<void> {
  const run = new PythonHostRun({ code, ...spec }, { isStreaming, env });
  await run.host.open();
  try {
    await body(run);
  } finally {
    await run.host.close();
  }
}

export const s3list = {
  type: 'record',
  name: 's3list',
  namespace: 'tech.athea.kosmos',
  fields: [
    { name: 'url', type: 'string' },
    { name: 'lastModifiedUnixMilli', type: 'long' },
    { name: 'bucket', type: 'string' },
    { name: 'key', type: 'string' },
  ],
};

export const s3event = { url: 'http://minio/sas/a', lastModifiedUnixMilli: 1_700_000_000_000, bucket: 'sas', key: 'a' };

export const numbered = { type: 'record', name: 'numbered', fields: [{ name: 'n', type: 'long' }] };

const writerFingerprint = new Map<object, string>();
const schemas = new Map<string, object>();
const types = new Map<object, avro.Type>();

/** A record as another function would send it, with a fingerprint that the schemas know. */
export function recordOf(id: number, schema: object, event: unknown): HostRecord {
  const fingerprint = writerFingerprint.get(schema) ?? `feed${String(writerFingerprint.size).padStart(12, '0')}`;
  writerFingerprint.set(schema, fingerprint);
  schemas.set(fingerprint, schema);
  const body = typeOf(schema).toBuffer(event);
  const payload = Buffer.concat([Buffer.from('c301', 'hex'), Buffer.from(fingerprint, 'hex'), body]);
  return { id, payload, origin: { input: 0, sequence: id + 1 } };
}

export function decode(payload: Uint8Array): unknown {
  const schema = knownSchema(fingerprintIn(payload));
  return { ...(typeOf(schema).fromBuffer(Buffer.from(payload.subarray(10))) as object) };
}

function typeOf(schema: object): avro.Type {
  const type = types.get(schema) ?? avro.Type.forSchema(schema as avro.Schema);
  types.set(schema, type);
  return type;
}

/** The writer's fingerprint in a payload's header. */
export function fingerprintIn(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(2, 10)).toString('hex');
}

function knownSchema(fingerprint: string): object {
  const schema = schemas.get(fingerprint);
  if (schema === undefined) throw new Error(`no schema has the fingerprint ${fingerprint}`);
  return schema;
}

function specOf(given: Partial<FunctionSpec>): FunctionSpec {
  if (given.schema !== undefined) schemas.set(fingerprintOf(given.schema), given.schema);
  for (const { schema } of given.sideOutputs ?? [])
    if (schema !== undefined) schemas.set(fingerprintOf(schema), schema);
  return {
    version: 1,
    namespace: 'default',
    jobId: 'jobx',
    mode: 'stream',
    function: 'map',
    type: 'raw',
    replicas: 1,
    language: 'python',
    entry: 'process',
    inputs: [],
    sideOutputs: [],
    claimStores: [],
    deadLetters: { stream: 'dead', subject: 'dead' },
    stateBucket: 'state',
    schemaBucket: 'schemas',
    ackWaitMs: 120_000,
    maxPollIntervalMs: 120_000,
    maxDeliver: 5,
    concurrency: 1,
    checkpoint: false,
    meta: {},
    ...given,
  };
}
