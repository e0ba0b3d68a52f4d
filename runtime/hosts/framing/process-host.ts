import { resolve } from 'node:path';
import { ConfigError, FunctionError, KFlowError, StateError } from '../../../lib/errors';
import { kindOf } from '../../../lib/topology/function-types/function-type';
import { fingerprintOf, schemaText } from '../../engine/avro-message';
import type { Failure, Generated, Host, HostRecord, LogLevel } from '../../engine/ports/host';
import type { HostOptions } from '../host-factory';
import {
  bareFrame,
  creditFrame,
  type FromProcess,
  type GeneratedSlice,
  idFrame,
  jsonFrame,
  type OutcomeReceiver,
  ProtocolError,
  parseJson,
  readGenerated,
  readOutcomes,
  ToProcess,
} from './frames';
import { programTopology } from './program-topology';
import { RecordQueue } from './record-queue';
import { type HostProgram, UserProcess } from './user-process';

type State =
  | { readonly is: 'new' }
  | { readonly is: 'opening'; readonly opened: () => void; readonly refused: (cause: Error) => void }
  | { readonly is: 'open' }
  | { readonly is: 'closing' }
  | { readonly is: 'ended'; readonly cause: Error };

const maxUnstored = 1024;

type Request = { readonly resolve: (generated: Generated) => void; readonly reject: (cause: Error) => void };

/** What the process loads: code, and the file that it stands for, or a module, the path of a file. */
export interface HostCode {
  readonly code?: string;
  readonly file?: string;
  readonly module?: string;
  readonly entry?: string;
}

/** What the process loads for a task worker: the code of each task, by its name. */
export type HostTasks = { readonly tasks: { readonly [name: string]: HostCode } };

/**
 * Runs a function in a process of its own, with a program that speaks the frames.
 * H1. An output is credited back when the loop has room for it, never before.
 * H2. An unexpected exit of the process is reported once, by `crashed`; no event follows it.
 * H3. A frame that the process may not send in this state, or for this record, is a fault of the protocol and ends it.
 * H4. While many outputs wait for room, nothing is read from the process: its next frame blocks it.
 */
export class ProcessHost implements Host {
  private readonly child: UserProcess;
  private readonly queue: RecordQueue;
  private readonly requests = new Map<number, Request>();
  private lastRequest = 0;
  private state: State = { is: 'new' };
  private finishes = false;
  private isManual = false;
  /** The id of the finish that runs or has run. */
  private finishing: number | undefined;
  private lastWords: string | undefined;
  private credit = { count: 0, bytes: 0 };
  /** Outputs that wait for room, also those that nobody limits: side outputs and long lists. */
  private unstored = 0;
  private latestWait: { readonly stored: Promise<void>; outputs: number } | undefined;

  constructor(
    private readonly options: HostOptions,
    private readonly program: HostProgram,
    private readonly codeOf: (options: HostOptions) => HostCode | HostTasks = writtenCode,
  ) {
    this.child = new UserProcess(program, {
      frame: (type, body) => this.receive(type, body),
      line: (level, text) => this.state.is === 'ended' || options.events.log(level, text),
      exited: (cause) => this.exited(cause),
    });
    this.queue = new RecordQueue({
      schemas: options.schemas,
      send: (pieces) => this.child.send(pieces),
      failed: (id, failure) => options.events.failed(id, failure),
    });
  }

  get concurrency(): number {
    return this.options.spec.concurrency;
  }

  get hasFinish(): boolean {
    return this.finishes;
  }

  get acksManually(): boolean {
    return this.isManual;
  }

  async open(): Promise<void> {
    if (this.state.is !== 'new') throw this.stateError();
    const opened = new Promise<void>((opened, refused) => {
      this.state = { is: 'opening', opened, refused };
    });
    opened.catch(() => undefined); // awaited below, unless the code does not compile
    try {
      this.child.start();
      // code that is compiled is compiled while the process starts
      this.child.send([jsonFrame(ToProcess.Init, initOf(this.options, this.codeOf(this.options)))]);
      await opened;
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  process(records: readonly HostRecord[]): void {
    this.queue.add(records);
  }

  generate(): Promise<Generated> {
    const { state } = this;
    if (state.is === 'ended') return Promise.reject(state.cause);
    if (state.is !== 'open') return Promise.reject(this.stateError());
    const request = ++this.lastRequest;
    return new Promise((resolve, reject) => {
      this.requests.set(request, { resolve, reject });
      this.child.send([jsonFrame(ToProcess.Produce, { request })]);
    });
  }

  finish(id: number): void {
    this.finishing = id;
    this.child.send([idFrame(ToProcess.Finish, id)]);
  }

  cancel(id: number): void {
    if (this.state.is === 'open') this.child.send([idFrame(ToProcess.Cancel, id)]);
  }

  release(): void {
    for (const { id } of this.queue.takeQueued()) this.options.events.released(id);
    this.child.send([bareFrame(ToProcess.Release)]);
  }

  /** Releases the records that have not started, waits up to 5 s for the others, then kills the process. */
  async close(): Promise<void> {
    const { state } = this;
    if (state.is === 'new') {
      this.state = { is: 'ended', cause: this.stateError('closed') };
      return;
    }
    if (state.is === 'opening') await this.child.kill();
    if (state.is === 'open') {
      this.release();
      this.state = { is: 'closing' };
      this.child.send([bareFrame(ToProcess.Quit)]);
    }
    await this.child.stop();
  }

  async kill(): Promise<void> {
    const { state } = this;
    const cause = this.stateError('killed');
    if (state.is !== 'ended') this.end(cause);
    if (state.is === 'opening') state.refused(cause);
    await this.child.kill();
  }

  private receive(type: FromProcess, body: Buffer): void {
    const { state } = this;
    if (state.is === 'ended') return;
    const isOpening = type === 'H' || type === 'F' || type === 'L';
    if (state.is === 'opening' ? !isOpening : type === 'H')
      throw new ProtocolError(`a frame of the type ${type} out of order`);
    this.receivers[type](body);
  }

  private readonly receivers: { readonly [Type in FromProcess]: (body: Buffer) => void } = {
    H: (body) => this.opened(parseJson(body)),
    F: (body) => this.fatal(parseJson(body)),
    O: (body) => readOutcomes(body, this.outcomes),
    B: (body) => this.options.events.heartbeat(body.readUInt32BE(0)),
    L: (body) => this.log(parseJson(body)),
    G: (body) => this.answer(readGenerated(body)),
    E: (body) => this.refuse(parseJson(body)),
  };

  private readonly outcomes: OutcomeReceiver = {
    output: (id, payload, side, takesRoom) => this.output(id, payload, side, takesRoom),
    done: (id) => {
      this.assertSent(id);
      this.options.events.done(id);
      this.queue.land(id);
    },
    failed: (id, failure) => {
      this.assertSent(id);
      this.options.events.failed(id, failure);
      this.queue.land(id);
    },
    released: (id) => {
      this.assertSent(id);
      this.options.events.released(id);
      this.queue.land(id);
    },
    ackRequested: (id) => this.options.events.ackRequested?.(id), // of any record: it may have ended
  };

  /** Throws ProtocolError unless the process has the record, or runs this finish. */
  private assertSent(id: number): void {
    if (id !== this.finishing) this.queue.assertSent(id);
  }

  private log(entries: readonly { level: LogLevel; text: string; record?: number }[]): void {
    for (const { level, text, record } of entries) this.options.events.log(level, text, record);
  }

  private output(id: number, payload: Uint8Array, side: string, takesRoom: boolean): void {
    const stored = this.options.events.output(id, payload, side);
    if (stored !== undefined) this.awaitRoom(stored);
    if (!takesRoom) return;
    const giveBack = () => this.giveBack(payload.length);
    if (stored === undefined) giveBack();
    // An output that could not be stored takes no room either; the loop fails its record.
    else void stored.then(giveBack, giveBack);
  }

  /** H4. Many outputs wait for the same promise. */
  private awaitRoom(stored: Promise<void>): void {
    if (++this.unstored === maxUnstored) this.child.pause();
    if (this.latestWait?.stored === stored) {
      this.latestWait.outputs++;
      return;
    }
    const wait = { stored, outputs: 1 };
    this.latestWait = wait;
    const settle = () => {
      if (this.latestWait === wait) this.latestWait = undefined;
      const before = this.unstored;
      this.unstored -= wait.outputs;
      if (before > maxUnstored / 2 && this.unstored <= maxUnstored / 2) this.child.resume();
    };
    void stored.then(settle, settle);
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

  private opened({ finishes, acksManually }: { finishes?: boolean; acksManually?: boolean }): void {
    if (this.state.is !== 'opening') return;
    this.finishes = finishes === true;
    this.isManual = acksManually === true;
    this.state.opened();
    this.state = { is: 'open' };
  }

  private fatal({ message, trace }: { message: string; trace?: string | null }): void {
    const { state } = this;
    if (state.is !== 'opening') {
      this.lastWords = message;
      return;
    }
    const where = this.options.spec.function;
    const cause = new ConfigError('config-invalid', `${where}: ${message}`, { where, cause: trace ?? undefined });
    this.state = { is: 'ended', cause };
    state.refused(cause);
  }

  private exited(exit: KFlowError): void {
    const { state } = this;
    if (state.is === 'ended') return;
    const cause = this.causeOf(exit);
    this.end(state.is === 'closing' ? this.stateError('closed') : cause);
    if (state.is === 'opening') state.refused(cause);
    if (state.is === 'open') this.options.events.crashed(cause);
  }

  private end(cause: Error): void {
    this.state = { is: 'ended', cause };
    for (const { reject } of this.requests.values()) reject(cause);
    this.requests.clear();
  }

  /** Why the process is gone: what it said itself, if it did. */
  private causeOf(exit: KFlowError): KFlowError {
    if (this.lastWords === undefined) return exit;
    return new KFlowError('host-failed', `${this.program.language} ended: ${this.lastWords}`, { cause: exit });
  }

  private stateError(state: string = this.state.is): StateError {
    return new StateError('state-invalid', `the ${this.program.language} host is ${state}`);
  }
}

function writtenCode({ spec, baseDir }: HostOptions): HostCode | HostTasks {
  const place = (code: string | undefined, module: string | undefined) => ({
    code,
    module: module === undefined ? undefined : resolve(baseDir, module),
  });
  if (spec.tasks === undefined) return place(spec.code, spec.module);
  const tasks = Object.entries(spec.tasks).map(([name, { code, module, entry }]) => [
    name,
    { ...place(code, module), entry },
  ]);
  return { tasks: Object.fromEntries(tasks) };
}

/** The body of the init frame. */
function initOf({ spec, replica, isStreaming }: HostOptions, code: HostCode | HostTasks): object {
  const declared = (schema: object | string | undefined) => ({ schema, fingerprint: schema && fingerprintOf(schema) });
  const { schema, fingerprint } = declared(spec.schema);
  return {
    functionId: spec.function,
    namespace: spec.namespace,
    jobId: spec.jobId,
    kind: kindOf(spec.type),
    entry: spec.entry,
    ...code,
    streamProcess: isStreaming,
    concurrency: spec.concurrency,
    meta: spec.meta,
    topology: programTopology(spec),
    schema,
    schemaFingerprint: fingerprint,
    sides: Object.fromEntries(spec.sideOutputs.map((side) => [side.id, declared(side.schema)])),
    replica,
    logicalTypes: spec.logicalTypes,
    inputSchema: spec.inputSchema === undefined ? undefined : schemaText(spec.inputSchema),
    acksManually: spec.ack === 'manual',
  };
}
