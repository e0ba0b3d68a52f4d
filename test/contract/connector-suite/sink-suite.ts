import type { SinkType } from '../../../runtime/connectors/connector';
import { sinkConnector } from '../../../runtime/connectors/registry';
import type { Sink, SinkRecord, WriteOutcome } from '../../../runtime/engine/ports/sink';
import type { ConnectorPlace } from './connector-place';
import { type SinkSystem, type SinkValue, sinkFixtures } from './sink-fixtures';

const created: readonly [Date, Date] = [new Date('2026-11-01T10:00:00.001Z'), new Date('2026-11-01T10:00:00.002Z')];

/** Tests that every sink connector passes. Each test has its own system. */
export function describeSink(type: SinkType, place: () => ConnectorPlace): void {
  describe(type, () => {
    let system: SinkSystem;
    const open = async (inputsCreated = created): Promise<Sink> =>
      sinkConnector(type).open(await system.context(inputsCreated));

    beforeEach(async () => {
      system = await sinkFixtures[type].open(place());
    });

    it('stores every record, and reports it as stored', async () => {
      const sink = await open();
      const records = numbered(0, 100);
      expect(await write(sink, records)).toEqual(records.map(() => ({ is: 'stored' })));
      expect(await contentsOf(system)).toEqual(records.map(({ value }) => value));
      await sink.close();
    });

    it('has stored a record as soon as it reports so, before it is closed', async () => {
      const sink = await open();
      const [record] = numbered(7, 8);
      expect(await sink.write([record as SinkRecord])).toEqual([{ is: 'stored' }]);
      expect(await contentsOf(system)).toEqual([{ n: 7, text: 'text 7' }]);
      await sink.close();
    });

    it.each([0, 5, 9])('reports a refused record, number %d of ten, and stores its neighbors', async (n) => {
      system.refuse(n);
      const sink = await open();
      const outcomes = await write(sink, numbered(0, 10));
      const failed = { is: 'failed', isRetryable: expect.any(Boolean), error: expect.objectContaining(hasCode) };
      expect(outcomes).toEqual(numbered(0, 10).map((_, index) => (index === n ? failed : { is: 'stored' })));
      expect((await contentsOf(system)).map((value) => value.n)).toEqual(numbers(0, 10).filter((each) => each !== n));
      await sink.close();
    });

    it('overwrites a record that is redelivered, by another replica too', async () => {
      const first = await open();
      await write(first, numbered(0, 5));
      await write(first, numbered(3, 4));
      await first.close();
      const second = await open();
      await write(second, numbered(0, 5, 'again'));
      await second.close();
      expect(await contentsOf(system)).toEqual(numbered(0, 5, 'again').map(({ value }) => value));
    });

    it('keeps records of the same sequence in different inputs, and in recreated streams, apart', async () => {
      const sink = await open();
      const at = (input: number, n: number): SinkRecord => ({ value: { n, text: '' }, origin: { input, sequence: 1 } });
      await write(sink, [at(0, 1), at(1, 2)]);
      await sink.close();
      const recreated = await open([new Date('2026-11-02T10:00:00.001Z'), created[1]]);
      await write(recreated, [at(0, 3)]);
      await recreated.close();
      expect((await contentsOf(system)).map(({ n }) => n)).toEqual([1, 2, 3]);
    });

    it('reports every record as failed, to be retried, while its system fails, and stores them afterwards', async () => {
      const sink = await open();
      system.break();
      const outcomes = await write(sink, numbered(0, 3));
      const failed = { is: 'failed', isRetryable: true, error: expect.objectContaining(hasCode) };
      expect(outcomes).toEqual([failed, failed, failed]);
      system.repair();
      expect(await contentsOf(system)).toEqual([]);
      expect(await write(sink, numbered(0, 3))).toEqual(numbers(0, 3).map(() => ({ is: 'stored' })));
      await sink.close();
    });
  });
}

const hasCode = { code: expect.stringMatching(/^[a-z-]+$/) };
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

function numbered(from: number, to: number, word = 'text'): readonly (SinkRecord & { readonly value: SinkValue })[] {
  return numbers(from, to).map((n) => ({ value: { n, text: `${word} ${n}` }, origin: { input: 0, sequence: n + 1 } }));
}

/** Writes records like the engine, within the sink's limits, and returns the outcome of each. */
async function write(sink: Sink, records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
  const batches: SinkRecord[][] = [];
  for (let at = 0; at < records.length; at += sink.batchSize) batches.push(records.slice(at, at + sink.batchSize));
  const outcomes: WriteOutcome[] = [];
  for (let at = 0; at < batches.length; at += sink.concurrentWrites) {
    const writes = batches.slice(at, at + sink.concurrentWrites).map((batch) => sink.write(batch));
    for (const written of await Promise.all(writes)) outcomes.push(...written);
  }
  return outcomes;
}

async function contentsOf(system: SinkSystem): Promise<readonly SinkValue[]> {
  return [...(await system.contents())].sort((one, other) => one.n - other.n);
}
