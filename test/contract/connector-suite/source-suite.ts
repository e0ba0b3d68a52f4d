import type { SourceConnector } from '../../../runtime/connectors/connector';
import type { Source, SourceRecord } from '../../../runtime/engine/ports/source';
import type { ConnectorPlace } from './connector-place';
import type { ReplicaOptions, SourceFixture, SourceSystem } from './source-fixtures';

/** More than two slices of every source in this repository. */
const itemCount = 600;
const maxSlice = 1_000;

/** A source connector, and where the suite tests it. */
export interface SourceSubject {
  readonly connector: SourceConnector;
  readonly fixture: SourceFixture;
  readonly place: () => ConnectorPlace;
}

/** Tests that every source connector passes. Each test has its own system. */
export function describeSource(name: string, { connector, fixture, place }: SourceSubject): void {
  const open = async (count = itemCount): Promise<SourceTrial> => {
    const trial = new SourceTrial(connector, await fixture.open(place()));
    await trial.system.add(count);
    return trial;
  };
  describe(name, () => {
    describeReading(open);
    describeRestarts(open);
    describeRuns(open, fixture);
    describeReplicas(open, fixture);
  });
}

type Open = (count?: number) => Promise<SourceTrial>;

/** A source whose replicas a test starts, one after another, over one system and one state. */
class SourceTrial {
  private readonly opened: Source[] = [];

  constructor(
    private readonly connector: SourceConnector,
    readonly system: SourceSystem,
  ) {}

  async start(options: Partial<ReplicaOptions> = {}): Promise<Source> {
    const given = { mode: 'batch', replica: 0, replicas: 1, checkpoint: false, ...options } as const;
    const source = await this.connector.open(await this.system.context(given));
    this.opened.push(source);
    return source;
  }

  /** Starts a replica and reads it to its end; all of its records count as stored. */
  async emitAll(options?: Partial<ReplicaOptions>): Promise<readonly SourceRecord[]> {
    const source = await this.start(options);
    const records = await readAll(source, { isStored: () => true });
    await this.close(source);
    return records;
  }

  /** Closes a replica; what it has saved is kept. */
  async close(source: Source): Promise<void> {
    this.opened.splice(this.opened.indexOf(source), 1);
    await source.close();
    await this.system.state.settled();
  }

  /** Closes what a test left open, as a crash does not. */
  async end(): Promise<void> {
    await Promise.allSettled(this.opened.map((source) => source.close()));
  }

  itemsOf(records: readonly SourceRecord[]): readonly number[] {
    return records.map(({ payload }) => this.system.itemOf(payload));
  }

  /** The items in the source's stream, which keeps one message per id. */
  itemsInStream(...emitted: readonly (readonly SourceRecord[])[]): readonly number[] {
    const byId = new Map(emitted.flat().map((record) => [record.id, record]));
    return sorted(this.itemsOf([...byId.values()]));
  }

  idsByItem(records: readonly SourceRecord[]): ReadonlyMap<number, string> {
    return new Map(records.map(({ id, payload }) => [this.system.itemOf(payload), id]));
  }
}

interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Whether the record of this index reaches its stream. */
  readonly isStored?: (index: number) => boolean;
  readonly onSlice?: (records: readonly SourceRecord[]) => void;
}

async function readAll(source: Source, options: ReadOptions = {}): Promise<readonly SourceRecord[]> {
  const { signal = new AbortController().signal, isStored = () => false, onSlice = () => undefined } = options;
  const records: SourceRecord[] = [];
  for await (const slice of source.records(signal)) {
    expect(slice.length).toBeLessThanOrEqual(maxSlice);
    for (const record of slice) {
      if (isStored(records.length)) record.stored?.();
      records.push(record);
    }
    onSlice(records);
  }
  return records;
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

function describeReading(open: Open): void {
  it('emits every item once, each with its own id, and ends', async () => {
    const trial = await open();
    const records = await trial.emitAll();
    expect(sorted(trial.itemsOf(records))).toEqual(range(0, itemCount));
    expect(new Set(records.map(({ id }) => id)).size).toBe(itemCount);
  });

  it('ends without a record when there is no item', async () => {
    expect(await (await open(0)).emitAll()).toEqual([]);
  });

  it('emits the items that are added while it runs in stream mode, and the earlier ones not again', async () => {
    const trial = await open(3);
    const source = await trial.start({ mode: 'stream' });
    const stop = new AbortController();
    let isAdded: Promise<void> | undefined;
    const onSlice = ({ length }: readonly SourceRecord[]) => {
      if (length === 3) isAdded ??= trial.system.add(1);
      if (length >= 4) stop.abort();
    };
    const records = await readAll(source, { signal: stop.signal, isStored: () => true, onSlice });
    await isAdded;
    expect(sorted(trial.itemsOf(records))).toEqual([0, 1, 2, 3]);
    await trial.close(source);
  });

  it('rejects with an error with a code when its system fails, and emits everything after a restart', async () => {
    const trial = await open();
    trial.system.break();
    const failing = async () => readAll(await trial.start(), { isStored: () => true });
    await expect(failing()).rejects.toMatchObject({ code: expect.stringMatching(/^[a-z-]+$/) });
    await trial.end();
    trial.system.repair();
    expect(sorted(trial.itemsOf(await trial.emitAll()))).toEqual(range(0, itemCount));
  });
}

function describeRestarts(open: Open): void {
  it('emits nothing again when everything was stored', async () => {
    const trial = await open();
    await trial.emitAll();
    expect(trial.itemsOf(await trial.emitAll())).toEqual([]);
  });

  it('emits the items again, with the same ids, whose records were not stored', async () => {
    const trial = await open();
    const first = await trial.start();
    const emitted = await readAll(first, { isStored: (index) => index % 7 !== 3 });
    await trial.close(first);
    const again = await trial.emitAll();
    const notStored = emitted.filter((_, index) => index % 7 === 3);
    expect(again.map(({ id }) => id)).toEqual(expect.arrayContaining(notStored.map(({ id }) => id)));
    expect(trial.itemsInStream(emitted, again)).toEqual(range(0, itemCount));
    expect(await trial.emitAll()).toEqual([]);
  });

  it('emits the rest, from the first item that was not stored', async () => {
    const count = maxSlice + 1;
    const trial = await open(count);
    const first = await trial.start();
    const stop = new AbortController();
    const emitted = await readAll(first, { signal: stop.signal, isStored: () => true, onSlice: () => stop.abort() });
    await trial.close(first);
    expect(emitted.length).toBeGreaterThan(0);
    expect(emitted.length).toBeLessThan(count);
    const rest = await trial.emitAll();
    expect(sorted(trial.itemsOf([...emitted, ...rest]))).toEqual(range(0, count));
  });

  it('loses nothing and keeps the ids when it is killed', async () => {
    const trial = await open();
    const emitted = await readAll(await trial.start(), { isStored: (index) => index < 300 });
    const again = await trial.emitAll();
    expect(trial.itemsInStream(emitted.slice(0, 300), again)).toEqual(range(0, itemCount));
    const ids = trial.idsByItem(emitted);
    for (const [item, id] of trial.idsByItem(again)) expect(id).toBe(ids.get(item));
    await trial.end();
  });

  it('stops while it waits for items', async () => {
    const trial = await open(2);
    const source = await trial.start({ mode: 'stream' });
    const stop = new AbortController();
    const onSlice = ({ length }: readonly SourceRecord[]) => {
      if (length === 2) setImmediate(() => stop.abort());
    };
    const records = await readAll(source, { signal: stop.signal, isStored: () => true, onSlice });
    expect(sorted(trial.itemsOf(records))).toEqual([0, 1]);
    await trial.close(source);
  });

  it('reads nothing once it is stopped', async () => {
    const trial = await open();
    const source = await trial.start({ mode: 'stream' });
    expect(await readAll(source, { signal: AbortSignal.abort() })).toEqual([]);
    await trial.close(source);
  });
}

function describeRuns(open: Open, { hasCheckpoint }: SourceFixture): void {
  it('emits every item again in the next run, with other ids', async () => {
    const trial = await open(10);
    const first = await trial.emitAll();
    await trial.system.state.nextRun();
    const second = await trial.emitAll();
    expect(sorted(trial.itemsOf(second))).toEqual(range(0, 10));
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(20);
  });

  if (!hasCheckpoint) return;
  it('emits only new items in the next run with a checkpoint', async () => {
    const trial = await open(10);
    await trial.emitAll({ checkpoint: true });
    await trial.system.state.nextRun();
    await trial.system.add(2);
    expect(sorted(trial.itemsOf(await trial.emitAll({ checkpoint: true })))).toEqual([10, 11]);
  });
}

function describeReplicas(open: Open, { replicasShareItems }: SourceFixture): void {
  const title = replicasShareItems ? 'emits every item from one of its replicas' : 'emits every item from each replica';
  it(`${title}, with ids that no two replicas share`, async () => {
    const trial = await open(100);
    const parts = [];
    for (const replica of [0, 1, 2]) parts.push(await trial.emitAll({ replica, replicas: 3 }));
    for (const part of parts) expect(part.length).toBeGreaterThan(0);
    const items = sorted(trial.itemsOf(parts.flat()));
    const expected = replicasShareItems
      ? range(0, 100)
      : sorted([...range(0, 100), ...range(0, 100), ...range(0, 100)]);
    expect(items).toEqual(expected);
    expect(new Set(parts.flat().map(({ id }) => id)).size).toBe(items.length);
  });
}
