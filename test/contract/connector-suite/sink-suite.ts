import type { SinkConnector } from '../../../runtime/connectors/connector';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Sink, SinkRecord, WriteOutcome } from '../../../runtime/engine/ports/sink';
import type { ConnectorPlace } from './connector-place';
import type { SinkFixture, SinkSystem, SinkValue } from './sink-fixtures';

const created: readonly [Date, Date] = [new Date('2026-11-01T10:00:00.001Z'), new Date('2026-11-01T10:00:00.002Z')];

/** A sink connector, and where the suite tests it. */
export interface SinkSubject {
  readonly connector: SinkConnector;
  readonly fixture: SinkFixture;
  readonly place: () => ConnectorPlace;
}

/** Tests that every sink connector passes. Each test has its own system. */
export function describeSink(name: string, { connector, fixture, place }: SinkSubject): void {
  describe(name, () => {
    let system: SinkSystem;
    const open = async (inputsCreated = created): Promise<Sink> => connector.open(await system.context(inputsCreated));

    beforeEach(async () => {
      system = await fixture.open(place());
    });

    it('stores every record, and reports it as stored', async () => {
      const sink = await open();
      const records = numbered(0, 100);
      expect(await write(sink, records)).toEqual(records.map(() => ({ is: 'stored' })));
      expect(await contentsOf(system)).toEqual(valuesOf(records));
      await sink.close();
    });

    it('has stored a record by the time it reports it as stored', async () => {
      const sink = await open();
      const [record] = numbered(7, 8);
      expect(await sink.write([record as SinkRecord])).toEqual([{ is: 'stored' }]);
      expect(await contentsOf(system)).toEqual([{ n: 7, text: 'text 7' }]);
      await sink.close();
    });

    const refusals = fixture.refusesRecords === false ? [] : [0, 5, 9];
    for (const n of refusals) {
      it(`reports a refused record, number ${n} of ten, and stores its neighbors`, async () => {
        system.refuse(n);
        const sink = await open();
        const outcomes = await write(sink, numbered(0, 10));
        const failed = { is: 'failed', isRetryable: expect.any(Boolean), error: expect.objectContaining(hasCode) };
        expect(outcomes).toEqual(numbered(0, 10).map((_, index) => (index === n ? failed : { is: 'stored' })));
        expect((await contentsOf(system)).map((value) => value.n)).toEqual(numbers(0, 10).filter((each) => each !== n));
        await sink.close();
      });
    }

    /** The contents after one replica has written five records, one of them twice, and the next one all of them again. */
    const contentsAfterRedelivery = async (): Promise<readonly SinkValue[]> => {
      const first = await open();
      await write(first, numbered(0, 5));
      await write(first, numbered(3, 4));
      await first.close();
      const second = await open();
      await write(second, numbered(0, 5, 'again'));
      await second.close();
      return contentsOf(system);
    };

    if (fixture.overwrites) {
      it('overwrites a record that is redelivered, by another replica too', async () => {
        expect(await contentsAfterRedelivery()).toEqual(valuesOf(numbered(0, 5, 'again')));
      });
    } else {
      it('keeps what is stored when a record is redelivered, by another replica too', async () => {
        const contents = await contentsAfterRedelivery();
        const delivered = valuesOf([...numbered(0, 5), ...numbered(0, 5, 'again')]);
        expect(contents).toEqual(expect.arrayContaining([...valuesOf(numbered(0, 5))]));
        expect(delivered).toEqual(expect.arrayContaining([...contents]));
      });
    }

    it('keeps records of the same sequence in different inputs, and in recreated streams, apart', async () => {
      const sink = await open();
      const at = (input: number, n: number): SinkRecord => sinkRecord({ n, text: '' }, { input, sequence: 1 });
      await write(sink, [at(0, 1), at(1, 2)]);
      await sink.close();
      const recreated = await open([new Date('2026-11-02T10:00:00.001Z'), created[1]]);
      await write(recreated, [at(0, 3)]);
      await recreated.close();
      expect((await contentsOf(system)).map(({ n }) => n)).toEqual([1, 2, 3]);
    });

    it('reports every record as to be written again while its system fails, and stores them afterwards', async () => {
      const sink = await open();
      system.break();
      const outcomes = await write(sink, numbered(0, 3));
      const [{ is = 'later' } = {}] = outcomes;
      const error = expect.objectContaining(hasCode);
      const again = is === 'later' ? { is, error } : { is: 'failed', isRetryable: true, error };
      expect(outcomes).toEqual([again, again, again]);
      system.repair();
      expect(await contentsOf(system)).toEqual([]);
      expect(await write(sink, numbered(0, 3))).toEqual(numbers(0, 3).map(() => ({ is: 'stored' })));
      await sink.close();
    });
  });
}

const schema = new AvroSchemaCodec({
  type: 'record',
  name: 'item',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'text', type: 'string' },
  ],
});
const hasCode = { code: expect.stringMatching(/^[a-z-]+$/) };
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

function numbered(from: number, to: number, word = 'text'): readonly (SinkRecord & { readonly value: SinkValue })[] {
  return numbers(from, to).map((n) => sinkRecord({ n, text: `${word} ${n}` }, { input: 0, sequence: n + 1 }));
}

function sinkRecord(value: SinkValue, origin: SinkRecord['origin']): SinkRecord & { readonly value: SinkValue } {
  return { value, schema, json: () => JSON.stringify(value), origin };
}

function valuesOf(records: ReturnType<typeof numbered>): readonly SinkValue[] {
  return records.map(({ value }) => value);
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
