import { readFileSync } from 'node:fs';
import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import { AvroCodec } from '../../runtime/avro/avro-codec';
import { fingerprintOf } from '../../runtime/engine/avro-message';
import type { Failure, Host, HostEvents, HostRecord, LogLevel } from '../../runtime/engine/ports/host';
import { createHost } from '../../runtime/hosts/create-host';
import type { HostOptions } from '../../runtime/hosts/host-factory';
import { mapSpec } from '../unit/plan/planned';
import { waitFor } from './wait-for';

/** Runs a host, of Python unless the spec says otherwise, and records its events by record and in order. */
export class HostRun implements HostEvents {
  readonly outputs = new Map<number, { payload: Uint8Array; side: string }[]>();
  readonly outcomes = new Map<number, 'done' | 'released' | Failure>();
  readonly logs: [LogLevel, string][] = [];
  /** The records that were processed as the entries of `logs` were written, in the same order. */
  readonly loggedFor: (number | undefined)[] = [];
  /** Every event, as in `output 3`, `output 3 to errors`, `failed 4`, `INFO text`. */
  readonly order: string[] = [];
  readonly crashes: Error[] = [];
  /** Events that no host may report, such as a second outcome of a record. */
  readonly faults: string[] = [];
  /** Result of `output`: undefined means there is room at once. */
  store: (payload: Uint8Array) => Promise<void> | undefined = () => undefined;
  readonly host: Host;

  constructor(spec: Partial<FunctionSpec>, options: Partial<HostOptions> = {}) {
    this.host = createHost({
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
    if (this.outcomes.has(id)) this.faults.push(`output ${id}: the record had ended`);
    const outputs = this.outputs.get(id) ?? [];
    outputs.push({ payload, side });
    this.outputs.set(id, outputs);
    this.order.push(`output ${id}${side && ` to ${side}`}`);
    return this.store(payload);
  }

  done(id: number): void {
    this.end(id, 'done', `done ${id}`);
  }

  failed(id: number, failure: Failure): void {
    this.end(id, failure, `failed ${id}`);
  }

  released(id: number): void {
    this.end(id, 'released', `released ${id}`);
  }

  heartbeat(id: number): void {
    this.order.push(`heartbeat ${id}`);
  }

  ackRequested(id: number): void {
    this.order.push(`ack requested ${id}`);
  }

  log(level: LogLevel, text: string, id?: number): void {
    this.logs.push([level, text]);
    this.loggedFor.push(id);
    this.order.push(`${level} ${text}`);
  }

  crashed(cause: Error): void {
    this.crashes.push(cause);
    this.order.push('crashed');
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

  /** The decoded outputs of a record: its main outputs, or those of a side output. */
  outputsOf(id: number, side = ''): unknown[] {
    return (this.outputs.get(id) ?? []).filter((output) => output.side === side).map(({ payload }) => decode(payload));
  }

  failureOf(id: number): Failure {
    const outcome = this.outcomes.get(id);
    if (typeof outcome !== 'object') throw new Error(`record ${id} is ${outcome}, not failed`);
    return outcome;
  }

  private end(id: number, outcome: 'done' | 'released' | Failure, event: string): void {
    if (this.outcomes.has(id)) this.faults.push(`${event}: the record had ended`);
    this.outcomes.set(id, outcome);
    this.order.push(event);
  }
}

/** Opens a host with this code, runs the body, and closes the host. */
export async function withHost(
  code: string | undefined,
  body: (run: HostRun) => Promise<void> | void,
  {
    isStreaming = false,
    env = process.env,
    baseDir = process.cwd(),
    ...spec
  }: Partial<FunctionSpec> & Partial<Pick<HostOptions, 'isStreaming' | 'env' | 'baseDir'>> = {},
): Promise<void> {
  const run = new HostRun({ code, ...spec }, { isStreaming, env, baseDir });
  await run.host.open();
  try {
    await body(run);
  } finally {
    await run.host.close();
  }
  expect(run.faults).toEqual([]);
}

export function isAlive(pid: number): boolean {
  try {
    // a zombie still has a process id, but it has ended
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}

export function sideOutputOf(id: string, schema: object): OutputSpec & { readonly id: string } {
  const limits = { maxMsgs: 1, maxBytes: 1, dedupeWindowMs: 1 };
  return { id, stream: id, subject: id, schema: schema as OutputSpec['schema'], ...limits, durables: [] };
}

export const s3event = { url: 'http://minio/sas/a', lastModifiedUnixMilli: 1_700_000_000_000, bucket: 'sas', key: 'a' };

export const numbered = { type: 'record', name: 'numbered', fields: [{ name: 'n', type: 'long' }] };

const writerFingerprint = new Map<object, string>();
const schemas = new Map<string, object | string>();
const codecs = new Map<object | string, AvroCodec>();

/** A record as another function would send it, with a fingerprint that the schemas know. */
export function recordOf(id: number, schema: object, event: unknown): HostRecord {
  const fingerprint = writerFingerprint.get(schema) ?? `feed${String(writerFingerprint.size).padStart(12, '0')}`;
  writerFingerprint.set(schema, fingerprint);
  schemas.set(fingerprint, schema);
  const body = codecOf(schema).encode(event);
  if (body === undefined) throw new Error(codecOf(schema).misfit(event));
  const payload = Buffer.concat([Buffer.from('c301', 'hex'), Buffer.from(fingerprint, 'hex'), body]);
  return { id, payload, origin: { input: 0, sequence: id + 1 } };
}

export function decode(payload: Uint8Array): unknown {
  const schema = knownSchema(fingerprintIn(payload));
  return codecOf(schema).decode(payload, 10);
}

function codecOf(schema: object | string): AvroCodec {
  const codec = codecs.get(schema) ?? new AvroCodec(schema);
  codecs.set(schema, codec);
  return codec;
}

/** The writer's fingerprint in a payload's header. */
export function fingerprintIn(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(2, 10)).toString('hex');
}

function knownSchema(fingerprint: string): object | string {
  const schema = schemas.get(fingerprint);
  if (schema === undefined) throw new Error(`no schema has the fingerprint ${fingerprint}`);
  return schema;
}

function specOf(given: Partial<FunctionSpec>): FunctionSpec {
  if (given.schema !== undefined) schemas.set(fingerprintOf(given.schema), given.schema);
  for (const { schema } of given.sideOutputs ?? [])
    if (schema !== undefined) schemas.set(fingerprintOf(schema), schema);
  return mapSpec({ language: 'python', entry: 'process', ...given });
}
