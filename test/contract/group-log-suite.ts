import type { Delivery } from '../../runtime/engine/ports/delivery';
import type { GroupLog, GroupOutput } from '../../runtime/engine/ports/group-log';

export interface GroupLogFixture {
  /** The log of another replica of the function. */
  open(): Promise<GroupLog>;
  /** The output stream has an output. */
  store(output: GroupOutput): Promise<void>;
}

const outputsOf = (...ids: string[]): GroupOutput[] =>
  ids.map((id) => ({ id, payload: Buffer.from(`payload of ${id}`) }));

/** Tests that every `GroupLog` passes. `open` makes the place of a function with an input named `in` and without groups. */
export function describeGroupLog(name: string, openPlace: () => Promise<GroupLogFixture>): void {
  describe(name, () => {
    let place: GroupLogFixture;
    beforeEach(async () => {
      place = await openPlace();
    });

    const at = (sequence: number, more: Partial<Delivery> = {}) =>
      ({ stream: 'in', sequence, timestampMs: Date.now(), ...more }) as Delivery;
    const groupOf = (outputs: readonly GroupOutput[], ...sequences: number[]) => ({
      records: sequences.map((sequence) => at(sequence)),
      outputs,
    });
    const missingOf = async (log: GroupLog, record: Delivery) =>
      (await (await log.find(record))?.missing())?.map(({ id, payload }) => [id, Buffer.from(payload).toString()]);

    test('whoever gets a record of a group learns which outputs are missing', async () => {
      const [one, other] = [await place.open(), await place.open()];
      const outputs = outputsOf('map:in:1:0', 'map:in:3:0', 'map:in:3:1');
      await one.write(groupOf(outputs, 1, 2, 3));
      expect(await missingOf(other, at(2))).toEqual(outputs.map(({ id }) => [id, `payload of ${id}`]));
      expect(await other.find(at(4))).toBeUndefined();
      await place.store(outputs[1] as GroupOutput);
      expect(await missingOf(other, at(1))).toEqual(['map:in:1:0', 'map:in:3:1'].map((id) => [id, `payload of ${id}`]));
      expect(await missingOf(await place.open(), at(3))).toHaveLength(2);
    });

    test('a record is in one group, also when replicas write at the same time', async () => {
      const logs = await Promise.all(Array.from({ length: 4 }, () => place.open()));
      const written = await Promise.all(
        logs.flatMap((log, index) =>
          Array.from({ length: 20 }, async (_, n) => {
            const group = groupOf(outputsOf(`map:in:${n + 1}:${index}`), n + 1, n + 2);
            return (await log.write(group)) === undefined ? [] : [n + 1, n + 2];
          }),
        ),
      );
      const records = written.flat();
      expect(records.length).toBeGreaterThan(0);
      expect(new Set(records).size).toBe(records.length);
    });

    test('a group stays known when all of its outputs are stored, and misses none then', async () => {
      const [one, other] = [await place.open(), await place.open()];
      const group = await one.write(groupOf(outputsOf('map:in:2:0'), 1, 2));
      group?.stored();
      await one.write(groupOf(outputsOf('map:in:3:0'), 3));
      for (const log of [one, other, await place.open()]) {
        expect(await missingOf(log, at(1))).toEqual([]);
        expect(await log.write(groupOf(outputsOf('map:in:2:0'), 2))).toBeUndefined();
      }
    });

    test('a letter of an earlier epoch is another record than that of its sequence', async () => {
      const log = await place.open();
      const redriven = { writer: 'map@7' } as Delivery['redriven'];
      await log.write(groupOf(outputsOf('map:in:1:0'), 1));
      expect(await log.find(at(1, { redriven }))).toBeUndefined();
      const outputs = outputsOf('map@7:in:1:0');
      expect(await log.write({ records: [at(1, { redriven })], outputs })).toBeDefined();
      expect(await missingOf(log, at(1, { redriven }))).toEqual([['map@7:in:1:0', 'payload of map@7:in:1:0']]);
    });
  });
}
