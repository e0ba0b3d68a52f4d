import { KFlowError, StoreError } from '../../../../lib/errors';
import { AggregateHost } from '../../../../runtime/engine/aggregates/aggregate-host';
import { Aggregates } from '../../../../runtime/engine/aggregates/aggregates';
import { OutputWriter } from '../../../../runtime/engine/output-writer';
import type { Failure, HostEvents } from '../../../../runtime/engine/ports/host';
import { ManualHost, ManualPublisher } from '../../../support/engine-ports';
import { waitFor } from '../../../support/wait-for';
import { mapSpec } from '../../plan/planned';

/** A host with a finish whose outcome the test reports. */
class FinishingHost extends ManualHost {
  override hasFinish = true;
}

interface Options {
  readonly mode?: 'batch' | 'stream';
  readonly host?: ManualHost;
  readonly lost?: readonly number[];
  readonly hadEnded?: boolean;
  readonly graceMs?: number;
  readonly limitMs?: number;
}

/** An aggregate host whose inner host, notes and streams the test controls. */
class AggregateStage {
  readonly inner: ManualHost;
  readonly publisher = new ManualPublisher();
  readonly stop = new AbortController();
  /** What happened, in order: `done 1`, `noted`, `cleared`, `lost`, `crashed`. */
  readonly events: string[] = [];
  readonly logs: string[] = [];
  readonly aggregates: Aggregates;
  readonly host: AggregateHost;
  private inside: HostEvents | undefined;
  /** Lets the notes that are asked for be stored. */
  storeNote: () => void = () => undefined;

  constructor({ mode = 'batch', host, lost = [], hadEnded = false, graceMs = 60_000, limitMs = 60_000 }: Options) {
    this.inner = host ?? new FinishingHost();
    const note = () =>
      new Promise<void>((resolve) => {
        this.storeNote = () => {
          this.events.push('noted');
          resolve();
        };
      });
    const clear = async () => void this.events.push('cleared');
    const notes = { hasEnded: async () => hadEnded, lost: async () => lost, note, clear };
    this.aggregates = new Aggregates({
      spec: mapSpec({
        maxDeliver: 2,
        output: { stream: 'out', subject: 'out', maxMsgs: 1, maxBytes: 1, dedupeWindowMs: 1, durables: [] },
      }),
      origin: 'map:1:finish:2:x',
      writer: new OutputWriter(this.publisher, { maxPayload: 100 }),
      counters: { in: 0, out: 0, failed: 0, dead: 0 },
      log: (level, text) => this.logs.push(`${level} ${text}`),
      onLost: () => this.events.push('lost'),
      noteLoss: async (_message, { count }) => void this.events.push(`loss of ${count} noted`),
      ...(mode === 'batch' ? { notes } : {}),
      stop: this.stop.signal,
      graceMs,
      limitMs,
    });
    const outer: HostEvents = {
      output: () => undefined,
      done: (id) => void this.events.push(`done ${id}`),
      failed: (id) => void this.events.push(`failed ${id}`),
      released: () => undefined,
      heartbeat: () => undefined,
      log: () => undefined,
      crashed: () => void this.events.push('crashed'),
    };
    const create = (events: HostEvents) => {
      this.inside = events;
      return this.inner;
    };
    this.host = new AggregateHost(this.aggregates, create, outer);
  }

  get code(): HostEvents {
    if (this.inside === undefined) throw new Error('no host');
    return this.inside;
  }

  get finishes(): readonly number[] {
    return (this.inner as FinishingHost).finishes;
  }

  /** The inner host processes a record, and its note is stored. */
  async process(id: number): Promise<void> {
    this.code.done(id);
    this.storeNote();
    await waitFor('it is done', () => this.events.includes(`done ${id}`));
  }

  /** Waits for the finish of this number, from 1, and gives its outputs and its outcome. */
  async finish(number: number, outputs: readonly string[], failure?: Failure): Promise<void> {
    await waitFor('the finish runs', () => this.finishes.length === number);
    const id = this.finishes[number - 1] ?? 0;
    for (const output of outputs) void this.code.output(id, Buffer.from(output), '');
    if (failure === undefined) this.code.done(id);
    else this.code.failed(id, failure);
  }
}

async function open(options: Options = {}): Promise<AggregateStage> {
  const stage = new AggregateStage(options);
  await stage.host.open();
  return stage;
}

test('stores the aggregate, and only then removes the note and closes the host', async () => {
  const stage = await open();
  await stage.process(1);
  const closing = stage.host.close();
  await stage.finish(1, ['one', 'two']);
  expect(stage.publisher.sent.map(({ id }) => id)).toEqual(['map:1:finish:2:x:0', 'map:1:finish:2:x:1']);
  stage.publisher.store(1);
  expect([stage.events, stage.inner.isClosed]).toEqual([['noted', 'done 1'], false]);
  stage.publisher.store(0);
  await closing;
  expect([stage.events, stage.inner.isClosed]).toEqual([['noted', 'done 1', 'cleared'], true]);
});

test('passes the end of a record on only after the note of the state is stored', async () => {
  const stage = await open();
  stage.code.done(1);
  stage.code.done(2);
  expect(stage.events).toEqual([]);
  stage.storeNote();
  await waitFor('both are done', () => stage.events.length === 3);
  stage.code.done(3);
  expect(stage.events).toEqual(['noted', 'done 1', 'done 2', 'done 3']);
});

test('drops the end of a record that waits for the note when the host crashes, and has lost nothing', async () => {
  const stage = await open();
  stage.code.done(1);
  stage.code.crashed(new KFlowError('host-failed', 'killed'));
  stage.storeNote();
  await new Promise((resolve) => setImmediate(resolve));
  expect(stage.events).toEqual(['crashed', 'noted']);
});

test('runs no finish for a replica that has processed nothing, unless its inputs have ended', async () => {
  const stopped = await open();
  await stopped.host.close();
  expect([stopped.finishes, stopped.inner.isClosed]).toEqual([[], true]);
  const ended = await open();
  ended.aggregates.isAtEnd = true;
  const closing = ended.host.close();
  await ended.finish(1, ['zero']);
  ended.publisher.store(0);
  await closing;
  expect(ended.publisher.sent).toHaveLength(1);
});

test('leaves a function without finish alone', async () => {
  const stage = await open({ host: new ManualHost(), lost: [2] });
  stage.code.done(1);
  stage.code.crashed(new KFlowError('host-failed', 'killed'));
  await stage.aggregates.throwIfLost();
  expect(stage.events).toEqual(['done 1', 'crashed']);
});

test('retries a finish that fails, with the same ids', async () => {
  const stage = await open();
  await stage.process(1);
  const closing = stage.host.close();
  await stage.finish(1, [], { type: 'ValueError', message: 'no' });
  await stage.finish(2, ['one']);
  stage.publisher.store(0);
  await closing;
  expect(stage.publisher.sent.map(({ id }) => id)).toEqual(['map:1:finish:2:x:0']);
  expect(stage.logs).toEqual(['ERROR finish: attempt 1 of 2 failed: ValueError: no']);
  expect(stage.events).toEqual(['noted', 'done 1', 'cleared']);
});

test.each([
  [
    'it throws for good',
    async (stage: AggregateStage) => stage.finish(1, [], { type: 'E', message: 'no', isFinal: true }),
  ],
  [
    'its outputs cannot be stored',
    async (stage: AggregateStage) => {
      for (const number of [1, 2]) {
        await stage.finish(number, ['one']);
        stage.publisher.refuse(number - 1, new StoreError('stream-failed', 'refused'));
      }
    },
  ],
])('has lost the state when the finish has failed for good, and keeps the note: %s', async (_, fail) => {
  const stage = await open();
  await stage.process(1);
  const closing = stage.host.close();
  await fail(stage);
  await closing;
  expect(stage.events).toEqual(['noted', 'done 1', 'lost']);
  await expect(stage.aggregates.throwIfLost()).rejects.toThrow(
    /^map: the aggregate of 1 record is lost: finish failed: /,
  );
  expect(stage.inner.isClosed).toBe(true);
});

test.each([
  ['crashes', (stage: AggregateStage) => stage.code.crashed(new KFlowError('host-failed', 'was killed by SIGKILL'))],
  ['is killed', (stage: AggregateStage) => void stage.host.kill()],
])('has lost the state of a batch when the host %s after a record is acked', async (_, end) => {
  const stage = await open();
  await stage.process(1);
  end(stage);
  expect(stage.events).toContain('lost');
  await expect(stage.aggregates.throwIfLost()).rejects.toMatchObject({ code: 'state-lost' });
});

test('logs the loss of a stream, which goes on', async () => {
  const stage = await open({ mode: 'stream' });
  stage.code.done(1);
  stage.code.crashed(new KFlowError('host-failed', 'was killed by SIGKILL'));
  await stage.aggregates.throwIfLost();
  expect(stage.events).toEqual(['done 1', 'loss of 1 noted', 'crashed']);
  expect(stage.logs).toEqual(['ERROR map: the aggregate of 1 record is lost: was killed by SIGKILL']);
});

test.each([
  ['without a heartbeat within its time', { limitMs: 1 }, false],
  ['within the grace period of a stop', { graceMs: 1 }, true],
])('kills a host whose finish does not return %s', async (_, limits, isStopped) => {
  const stage = await open(limits);
  await stage.process(1);
  const closing = stage.host.close();
  await waitFor('the finish runs', () => stage.finishes.length === 1);
  if (isStopped) stage.stop.abort();
  await closing;
  expect(stage.inner.isKilled).toBe(true);
  await expect(stage.aggregates.throwIfLost()).rejects.toThrow('did not return in time');
});

test('refuses to open when an earlier start has lost its state', async () => {
  await expect(open({ lost: [2, 4] })).rejects.toMatchObject({
    name: 'ConfigError',
    code: 'state-lost',
    message: expect.stringContaining('replica 2, 4 ended before its aggregate was stored'),
  });
});

test('knows that its replica had ended in an earlier start', async () => {
  const stage = await open({ hadEnded: true, lost: [2] });
  expect(stage.aggregates.hadEnded).toBe(true);
});
