import { Socket } from 'node:net';
import { bindProgram, type ProgramTopology } from '../../../../lib/define/program';
import { type FrameLimits, FrameReader, FromProcess, type ToProcess, toProcessLimits } from '../../framing/frames';
import { failureOf, lineOf } from './failure';
import { readRecords } from './frames';
import { FunctionLog } from './function-log';
import { type CompiledCode, type CompiledTasks, loadFunction } from './load';
import { loadTasks } from './load-tasks';
import { Outbox } from './outbox';
import { ProgramRunner } from './program-runner';
import { RecordRunner } from './record-runner';
import type { RunningRecord } from './running-record';
import { type DeclaredSchemas, Schemas } from './schemas';
import { SourceRunner } from './source-runner';
import { Window } from './window';

/** The body of the first frame. */
interface Init extends CompiledCode, Partial<CompiledTasks>, DeclaredSchemas {
  readonly functionId: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly kind: 'source' | 'process' | 'sink';
  readonly streamProcess: boolean;
  readonly concurrency: number;
  readonly acksManually: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly topology: ProgramTopology;
}

const inputDescriptor = 3;
const outputDescriptor = 4;
/** Exit status after a frame that is none: user code has read from the descriptor. */
const protocolStatus = 70;

/** Runs until the runtime asks this process to quit. When the runtime is gone, so is this process. */
export function runSession(): void {
  // Ctrl-C reaches every process of the terminal; the runtime decides when this one ends
  process.on('SIGINT', () => undefined);
  const session = new Session(new Outbox(outputDescriptor));
  const reader = new FrameReader<ToProcess>(toProcessLimits as FrameLimits<ToProcess>, (type, body) =>
    session.receive(type, body),
  );
  const socket = new Socket({ fd: inputDescriptor, readable: true, writable: false });
  socket.on('data', (chunk) => {
    try {
      reader.push(chunk);
    } catch (error) {
      process.stderr.write(`broke the protocol: ${String(error)}\n`);
      process.exit(protocolStatus);
    }
  });
  socket.on('error', () => undefined); // its end follows
  socket.on('close', () => process.kill(process.pid, 'SIGKILL'));
}

/** One session: load the code, run it, close. */
class Session {
  private readonly log: FunctionLog;
  private readonly window = new Window();
  private schemas: Schemas | undefined;
  private records: RecordRunner | undefined;
  private source: SourceRunner | ProgramRunner | undefined;

  constructor(private readonly outbox: Outbox) {
    this.log = new FunctionLog(outbox, process.env);
    process.on('exit', () => {
      this.log.endLines();
      this.records?.flush();
    });
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => this.onError(event, error));
    }
  }

  receive(type: ToProcess, body: Buffer): void {
    this.receivers[type](body);
  }

  private readonly receivers: { readonly [Type in ToProcess]: (body: Buffer) => void } = {
    I: (body) => this.open(JSON.parse(body.toString())),
    S: (body) => this.addSchema(JSON.parse(body.toString())),
    R: (body) => this.records?.add(readRecords(body)),
    P: (body) => this.produce(JSON.parse(body.toString())),
    K: (body) => this.window.credit(body.readUInt32BE(0), body.readUInt32BE(4)),
    N: (body) => this.records?.finish(body.readUInt32BE(0)),
    X: (body) => this.records?.cancel(body.readUInt32BE(0)),
    C: () => this.records?.release(),
    Q: () => void this.quit(),
  };

  private open(init: Init): void {
    const { outbox, log, window } = this;
    try {
      const schemas = new Schemas(init);
      this.schemas = schemas;
      const program = new ProgramRunner({ topology: init.topology, encoder: schemas.output, outbox, log });
      bindProgram(program);
      const isProgram = () => init.kind === 'source' && program.isUsed;
      const loaded =
        init.tasks === undefined ? loadFunction(init, log.logger, isProgram) : loadTasks(init.tasks, log.logger);
      if (loaded === undefined) this.source = program;
      else if (init.kind === 'source')
        this.source = new SourceRunner({ entry: loaded.entry, encoder: schemas.output, outbox, log });
      else {
        const { entry, finish } = loaded;
        const { meta, functionId } = init;
        const flowId = `${init.namespace}/${init.jobId}`;
        const requestAck = this.ackRequests(init);
        const context = { meta, functionId, flowId, logger: log.logger, outbox, schemas, window, requestAck };
        const { concurrency, streamProcess: isStreaming } = init;
        this.records = new RecordRunner({
          entry,
          finish,
          concurrency,
          isStreaming,
          context,
          schemas,
          outbox,
          window,
          log,
        });
        log.currentRecord = () => this.records?.current?.id;
      }
    } catch (error) {
      this.fatal((error as Error).message);
    }
    const finishes = this.records?.hasFinish;
    const { acksManually } = init;
    outbox.json(FromProcess.Hello, { pid: process.pid, node: process.version, finishes, acksManually });
  }

  /** What `ctx.requestAck` does. */
  private ackRequests({ acksManually }: Init): (record: RunningRecord) => void {
    if (acksManually) return (record) => this.records?.requestAck(record);
    let isTold = false;
    return () => {
      if (!isTold) this.log.logger.warn('ctx.requestAck has no effect; set meta.ack: manual');
      isTold = true;
    };
  }

  private addSchema({ fingerprint, schema }: { fingerprint: string; schema: object | string }): void {
    this.schemas?.add(fingerprint, schema);
  }

  private produce({ request }: { request: number }): void {
    const failure = { type: 'Error', message: 'the function is not a source' };
    if (this.source === undefined) this.outbox.json(FromProcess.SourceError, { request, failure });
    else void this.source.respond(request);
  }

  private async quit(): Promise<void> {
    await this.records?.idle();
    if (this.source instanceof SourceRunner) await this.source.close();
    // a program may have something to close
    if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
    else process.exit();
  }

  /** An error that no record's function threw to its caller. */
  private onError(event: 'uncaughtException' | 'unhandledRejection', error: unknown): void {
    if (process.listenerCount(event) > 1) return; // user code has a listener of its own
    if (this.records?.blame(error) === true) return;
    const what = event === 'uncaughtException' ? 'an uncaught exception' : 'an unhandled rejection';
    this.fatal(`${what}: ${lineOf(error)}`, failureOf(error).trace);
  }

  /** Reports why this process has to end, and ends it. */
  private fatal(message: string, trace?: string): never {
    this.log.endLines();
    this.records?.flush();
    this.outbox.json(FromProcess.Fatal, { message, trace });
    process.exit(1);
  }
}
