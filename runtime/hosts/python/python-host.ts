import { resolve } from 'node:path';
import { ConfigError, FunctionError, type KFlowError, StateError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { kindOf } from '../../../lib/topology/function-types/function-type';
import { fingerprintOf } from '../../engine/avro-message';
import type { Failure, Host, HostEvents, HostRecord, LogLevel, SchemaSource } from '../../engine/ports/host';
import {
  bareFrame,
  creditFrame,
  type FromPython,
  type GeneratedSlice,
  jsonFrame,
  type OutcomeReceiver,
  readGenerated,
  readOutcomes,
  ToPython,
} from '../framing/frames';
import { PythonChild } from './python-child';
import { RecordQueue } from './record-queue';

export interface PythonHostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  /** Set on top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly replica: number;
  /** Where a module's path starts; left out: the working directory. */
  readonly baseDir?: string;
}

type State =
  | { readonly is: 'new' }
  | { readonly is: 'opening'; readonly opened: () => void; readonly refused: (cause: Error) => void }
  | { readonly is: 'open' }
  | { readonly is: 'closing' }
  | { readonly is: 'ended'; readonly cause: Error };

type Generated = Awaited<ReturnType<Host['generate']>>;
type Request = { readonly resolve: (generated: Generated) => void; readonly reject: (cause: Error) => void };

/**
 * Runs a function's Python code in a process of its own.
 * H1. An output is credited back when the loop has room for it, never before.
 * H2. A process that ends unasked is told once, by `crashed`; nothing is told after it.
 */
export class PythonHost implements Host {
  private readonly env: NodeJS.ProcessEnv;
  private readonly child: PythonChild;
  private readonly queue: RecordQueue;
  private readonly requests = new Map<number, Request>();
  private lastRequest = 0;
  private state: State = { is: 'new' };
  private isStreaming = false;
  private credit = { count: 0, bytes: 0 };

  constructor(private readonly options: PythonHostOptions) {
    this.env = { ...process.env, ...options.env };
    this.child = new PythonChild(this.env, {
      frame: (type, body) => this.receivers[type](body),
      line: (level, text) => options.events.log(level, text),
      ended: (cause) => this.ended(cause),
    });
    this.queue = new RecordQueue({
      schemas: options.schemas,
      send: (pieces) => this.child.send(pieces),
      failed: (id, failure) => options.events.failed(id, failure),
    });
  }

  get atOnce(): number {
    return this.options.spec.concurrency;
  }

  async open(): Promise<void> {
    if (this.state.is !== 'new')
      throw new StateError('state-invalid', `a host that is ${this.state.is} cannot be opened`);
    const opened = new Promise<void>((opened, refused) => {
      this.state = { is: 'opening', opened, refused };
    });
    try {
      await Promise.race([this.child.start(), opened]);
      this.child.send([jsonFrame(ToPython.Init, initOf(this.options, this.env))]);
      await opened;
    } catch (error) {
      await this.child.stop();
      throw error;
    }
  }

  process(records: readonly HostRecord[]): void {
    this.queue.add(records);
  }

  generate(): Promise<Generated> {
    const { state } = this;
    if (state.is === 'ended') return Promise.reject(state.cause);
    if (state.is !== 'open') return Promise.reject(closedError(state.is));
    const request = ++this.lastRequest;
    return new Promise((resolve, reject) => {
      this.requests.set(request, { resolve, reject });
      this.child.send([jsonFrame(ToPython.Produce, { request })]);
    });
  }

  release(): void {
    for (const { id } of this.queue.takeQueued()) this.options.events.released(id);
    this.child.send([bareFrame(ToPython.Release)]);
  }

  /** Releases what has not been started, waits up to 5 s for what has, then kills. */
  async close(): Promise<void> {
    const { state } = this;
    if (state.is === 'new') {
      this.state = { is: 'ended', cause: closedError('closed') };
      return;
    }
    if (state.is === 'opening') this.child.kill();
    if (state.is === 'open') {
      this.release();
      this.state = { is: 'closing' };
      this.child.send([bareFrame(ToPython.Quit)]);
    }
    await this.child.stop();
  }

  private readonly receivers: { readonly [Type in FromPython]: (body: Buffer) => void } = {
    H: (body) => this.opened(parse(body)),
    F: (body) => this.refused(parse(body)),
    O: (body) => readOutcomes(body, this.outcomes),
    B: (body) => this.options.events.heartbeat(body.readUInt32BE(0)),
    L: (body) => this.log(parse(body)),
    G: (body) => this.answer(readGenerated(body)),
    E: (body) => this.refuse(parse(body)),
  };

  private readonly outcomes: OutcomeReceiver = {
    output: (id, payload, side) => this.output(id, payload, side),
    done: (id) => {
      this.options.events.done(id);
      this.queue.land(id);
    },
    failed: (id, failure) => {
      this.options.events.failed(id, failure);
      this.queue.land(id);
    },
    released: (id) => {
      this.options.events.released(id);
      this.queue.land(id);
    },
  };

  private log(entries: readonly { level: LogLevel; text: string }[]): void {
    for (const { level, text } of entries) this.options.events.log(level, text);
  }

  private output(id: number, payload: Uint8Array, side: string): void {
    const stored = this.options.events.output(id, payload, side);
    if (!this.isStreaming) return;
    const giveBack = () => this.giveBack(payload.length);
    if (stored === undefined) giveBack();
    // What the loop could not store is out of its hands too; the loop itself knows why.
    else void stored.then(giveBack, giveBack);
  }

  private giveBack(bytes: number): void {
    if (this.credit.count === 0) setImmediate(() => this.sendCredit());
    this.credit = { count: this.credit.count + 1, bytes: this.credit.bytes + bytes };
  }

  private sendCredit(): void {
    const { count, bytes } = this.credit;
    this.credit = { count: 0, bytes: 0 };
    this.child.send([creditFrame(count, bytes)]);
  }

  private answer({ request, ...generated }: GeneratedSlice): void {
    this.requests.get(request)?.resolve(generated);
    this.requests.delete(request);
  }

  private refuse({ request, failure }: { request: number; failure: Failure }): void {
    const cause = new FunctionError('function-failed', `${failure.type}: ${failure.message}`, { cause: failure });
    this.requests.get(request)?.reject(cause);
    this.requests.delete(request);
  }

  private opened({ streams }: { streams: boolean }): void {
    if (this.state.is !== 'opening') return;
    this.isStreaming = streams;
    this.state.opened();
    this.state = { is: 'open' };
  }

  private refused({ message, trace }: { message: string; trace: string | null }): void {
    const { state } = this;
    if (state.is !== 'opening') return;
    const where = this.options.spec.function;
    const cause = new ConfigError('config-invalid', `${where}: ${message}`, { where, cause: trace ?? undefined });
    this.state = { is: 'ended', cause };
    state.refused(cause);
  }

  private ended(cause: KFlowError): void {
    const { state } = this;
    if (state.is === 'ended') return;
    const told = state.is === 'closing' ? closedError('closed') : cause;
    this.state = { is: 'ended', cause: told };
    if (state.is === 'opening') state.refused(cause);
    for (const { reject } of this.requests.values()) reject(told);
    this.requests.clear();
    if (state.is === 'open') this.options.events.crashed(cause);
  }
}

/** The init frame: what the Python side needs to know of the function. */
function initOf({ spec, replica, baseDir }: PythonHostOptions, env: NodeJS.ProcessEnv): object {
  const declared = (schema: object | undefined) => ({ schema, fingerprint: schema && fingerprintOf(schema) });
  const { schema, fingerprint } = declared(spec.schema);
  return {
    functionId: spec.function,
    namespace: spec.namespace,
    jobId: spec.jobId,
    kind: kindOf(spec.type) === 'source' ? 'source' : 'process',
    code: spec.code,
    module: spec.module === undefined ? undefined : resolve(baseDir ?? '.', spec.module),
    entry: spec.entry,
    streamProcess: env.KFLOW_STREAM_PROCESS_FUNCTION === 'true',
    concurrency: spec.concurrency,
    meta: spec.meta,
    schema,
    schemaFingerprint: fingerprint,
    sides: Object.fromEntries(spec.sideOutputs.map((side) => [side.id, declared(side.schema)])),
    replica,
  };
}

function closedError(state: string): StateError {
  return new StateError('state-invalid', `the Python host is ${state}`);
}

function parse<T>(body: Buffer): T {
  return JSON.parse(body.toString()) as T;
}
