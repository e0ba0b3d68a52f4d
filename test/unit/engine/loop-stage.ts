import { KFlowError, StoreError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { MemoryGroupLog } from '../../../runtime/adapters/memory/memory-group-log';
import type { RecordObserver } from '../../../runtime/engine/leases/processing-times';
import { DeadLetters, type DeadLettersOptions } from '../../../runtime/engine/letters/dead-letters';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import type { LoggedGroup, RecordGroup } from '../../../runtime/engine/ports/group-log';
import type { HostEvents } from '../../../runtime/engine/ports/host';
import type { LoneAttempts } from '../../../runtime/engine/ports/lone-attempts';
import type { RecordTracer } from '../../../runtime/engine/ports/record-tracer';
import { Preparation, type PreparationPorts } from '../../../runtime/engine/preparation';
import { RecordLoop } from '../../../runtime/engine/record-loop';
import { ManualHost, ManualPublisher, ManualSource } from '../../support/engine-ports';
import { planOf, specOf } from '../plan/planned';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, maxDeliver: 3, code: "def run(ctx, event): return event" }';
const planned = planOf(`
jobId: loop
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [map] }
  - id: map
    type: raw
    ${code}
    out: [leaf]
    sideOuts: [{ id: even, schema: '${schema}', out: [leaf] }, { id: odd, schema: '${schema}', out: [leaf] }]
  - { id: leaf, type: raw, ${code} }
`);
export const map = specOf(planned, 'map');
export const noRoom = new StoreError('stream-failed', 'no room');
export const failure = { type: 'ValueError', message: 'no' };

interface Options {
  readonly spec?: Partial<FunctionSpec>;
  readonly ports?: Partial<PreparationPorts>;
  readonly concurrency?: number;
  readonly isLongRunning?: boolean;
  readonly inputs?: number;
  readonly observer?: RecordObserver;
  readonly tracer?: RecordTracer | undefined;
  readonly caution?: LoneAttempts;
  readonly acksManually?: boolean;
  readonly hasFinish?: boolean;
  readonly letters?: DeadLettersOptions;
  readonly failsOnce?: true;
}

/** A log of groups that may be away, over a stream whose ids the test sets. */
class StagedGroupLog extends MemoryGroupLog {
  failure: Error | undefined;
  private held: Promise<void> | undefined;
  readonly storedIds: Set<string>;

  constructor(storedIds = new Set<string>()) {
    super(undefined, { hasOutput: (id) => storedIds.has(id) });
    this.storedIds = storedIds;
  }

  override async write(group: RecordGroup): Promise<LoggedGroup | undefined> {
    await this.held;
    if (this.failure !== undefined) throw this.failure;
    return super.write(group);
  }

  /** Writes get no answer until the returned function lets them fail. */
  holdWrites(): (failure: Error) => void {
    let fail: (failure: Error) => void = () => undefined;
    this.held = new Promise((_, reject) => {
      fail = reject;
    });
    return fail;
  }
}

/** One record loop between ports that the test answers. */
class LoopStage {
  readonly publisher = new ManualPublisher();
  readonly sources: readonly ManualSource[];
  /** The hosts that the loop has created, in order, and the events that each reports. */
  readonly hosts: { readonly host: ManualHost; readonly events: HostEvents }[] = [];
  readonly counters = { in: 0, out: 0, failed: 0, dead: 0, lastFailure: undefined as string | undefined };
  readonly logs: string[] = [];
  /** The records that the lines of `logs` are about, in the same order. */
  readonly loggedFor: (string | undefined)[] = [];
  /** Of a function that requests acks itself. */
  readonly groupLog = new StagedGroupLog();
  /** Set: the next hosts cannot be opened. */
  refusal: Error | undefined;
  readonly broken: Error[] = [];
  readonly spec: FunctionSpec;
  readonly loop: RecordLoop;

  constructor({
    spec = {},
    ports = {},
    concurrency,
    isLongRunning = false,
    inputs = 1,
    observer,
    tracer,
    caution,
    acksManually = false,
    hasFinish = false,
    letters,
    failsOnce,
  }: Options = {}) {
    this.spec = { ...map, ...spec };
    this.sources = Array.from({ length: inputs }, (_, index) => new ManualSource(`in-${index}`));
    this.loop = new RecordLoop({
      spec: this.spec,
      inputs: this.sources,
      createHost: (events) => {
        const host = new ManualHost(concurrency, this.refusal);
        Object.assign(host, { acksManually, hasFinish });
        this.hosts.push({ host, events });
        return host;
      },
      writer: new OutputWriter(this.publisher, { maxPayload: 1_000 }),
      preparation: new Preparation({
        claims: { fetch: async () => Buffer.from('c301') },
        dedupeWindowMs: 120_000,
        ...ports,
      }),
      openGroupLog: async () => this.groupLog,
      deadLetters: new DeadLetters(this.spec, this.publisher, letters),
      counters: this.counters,
      log: (level, text, about) => {
        this.logs.push(`${level} ${text}`);
        this.loggedFor.push(about?.record);
      },
      isLongRunning,
      observer,
      tracer,
      ...(caution === undefined ? {} : { caution }),
      ...(failsOnce === undefined ? {} : { failsOnce }),
    });
    void this.loop.start((cause) => this.broken.push(cause));
  }

  /** The first host, which the loop has created when it is constructed. */
  get host(): ManualHost {
    return this.hostAt(0).host;
  }

  /** The host of this index; -1 is the current one. */
  hostAt(index: number): { readonly host: ManualHost; readonly events: HostEvents } {
    const found = this.hosts.at(index);
    if (found === undefined) throw new Error(`the loop has created ${this.hosts.length} hosts`);
    return found;
  }

  get ids(): string[] {
    return this.publisher.sent.map(({ id }) => id);
  }

  /** Sequences of the records that the host of this index has got, in order. */
  sequencesIn(index: number): number[] {
    return this.hostAt(index).host.records.map(({ origin }) => origin.sequence);
  }

  /** Id of the record of this sequence in the current host. */
  idOf(sequence: number): number {
    return this.hostAt(-1).host.records.findLast(({ origin }) => origin.sequence === sequence)?.id ?? -1;
  }

  /** The current host crashes; resolves when another one is open. */
  async crash(cause = new KFlowError('host-failed', 'Python was killed by SIGKILL')): Promise<void> {
    this.hostAt(-1).events.crashed(cause);
    await turn();
  }

  /** Delivers a message and waits until it is in the host; returns its answers. */
  async begin(sequence: number, changes: Parameters<ManualSource['deliver']>[1] = {}): Promise<string[]> {
    const answers = this.sources[0]?.deliver(sequence, changes) ?? [];
    await turn();
    return answers;
  }

  /** Id of the last record in the host. */
  get last(): number {
    return this.host.records.at(-1)?.id ?? -1;
  }

  output(id: number, side = ''): void {
    void this.loop.output(id, Buffer.from('c301', 'hex'), side);
  }
}

/** Until what is scheduled has run: intake hands over in a later turn of the event loop. */
export async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** The stage of the current test. */
export let stage: LoopStage;

/** Opens the stage of the current test, with a started loop. */
export function open(options?: Options): LoopStage {
  stage = new LoopStage(options);
  return stage;
}

afterEach(() => stage.loop.stop(0));
