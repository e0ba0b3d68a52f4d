import type { FlowKey } from '../../runtime/api-contract/flow-key';
import type { LetterPlace, Letters } from '../../runtime/controller/ports/letters';
import type { StoredLetter } from '../../runtime/engine/letters/stored-letter';

export interface LettersFixture {
  readonly letters: Letters;
  /** Makes a flow without letters. */
  open(flow: FlowKey): Promise<void>;
  /** A function gives up a record with this text. */
  add(flow: FlowKey, functionId: string, text: string): Promise<void>;
}

const at = '2026-01-31T08:00:00.000Z';
const order = { by: 'eva', at, comment: 'because' };

/** Tests that every `Letters` passes. No function processes what is redriven. */
export function describeLetters(name: string, open: () => Promise<LettersFixture>): void {
  describe(name, () => {
    let fixture: LettersFixture;
    let letters: Letters;
    let count = 0;
    let flow: FlowKey;

    beforeAll(async () => {
      fixture = await open();
      letters = fixture.letters;
    });
    beforeEach(async () => {
      flow = { namespace: 'contract', jobId: `letters-${++count}` };
      await fixture.open(flow);
    });

    const read = async (place: LetterPlace, more: object = {}): Promise<StoredLetter[]> => {
      const found: StoredLetter[] = [];
      for await (const letter of letters.read(flow, { place, ...more })) found.push(letter);
      return found;
    };
    const filled = async () => {
      for (const [id, text] of [
        ['map', 'a'],
        ['sink', 'b'],
        ['map', 'c'],
      ] as const) {
        await fixture.add(flow, id, text);
      }
      return read('dead');
    };
    const namesOf = (found: readonly StoredLetter[]) => found.map(({ letter }) => letter);

    it('reads letters from the oldest, of one function, after a position, with or without their records', async () => {
      const all = await filled();
      expect(all.map((letter) => letter.function)).toEqual(['map', 'sink', 'map']);
      expect(all.every(({ payload, bytes }) => payload.length === 0 && bytes > 0)).toBe(true);
      const own = await read('dead', { function: 'map', withRecords: true });
      expect(own.map(({ payload }) => Buffer.from(payload).toString().slice(-1))).toEqual(['a', 'c']);
      expect(namesOf(await read('dead', { after: all[0]?.position }))).toEqual(namesOf(all.slice(1)));
      expect(await read('discarded')).toEqual([]);
    });

    it('has no letters of a flow that nobody knows', async () => {
      flow = { namespace: 'contract', jobId: 'nobody' };
      expect([await read('dead'), await read('discarded'), await letters.redriving(flow)]).toEqual([[], [], new Set()]);
    });

    it('queues each letter once, whoever asks for it, and cancels what nobody has begun', async () => {
      const all = await filled();
      expect(await letters.redrive(flow, all, { ...order, id: '1-a', rate: 2 })).toBe(3);
      await letters.redrive(flow, all.slice(0, 1), { ...order, id: '2-b' });
      expect(await letters.redriving(flow)).toEqual(new Set(all.map(({ position }) => position)));
      expect(await letters.redrives(flow)).toMatchObject([
        { id: '2-b', functions: { map: 1 } },
        { id: '1-a', ...order, rate: 2, functions: { map: 2, sink: 1 }, pending: 3, failed: 0 },
      ]);
      expect(await letters.cancel(flow, '1-a', at)).toBe(3);
      expect(await letters.redriving(flow)).toEqual(new Set());
      expect(await letters.redrives(flow)).toMatchObject([{ id: '2-b' }, { id: '1-a', pending: 0, canceledAt: at }]);
      expect(await letters.cancel(flow, 'none', at)).toBeUndefined();
      expect(namesOf(await read('dead'))).toEqual(namesOf(all));
      await letters.redrive(flow, all, { ...order, id: '3-c' });
      expect((await letters.redriving(flow)).size).toBe(3);
    });

    it('moves letters aside and back, with their names, their records and who did it', async () => {
      const all = await filled();
      expect(await letters.move(flow, all.slice(0, 2), 'discarded', order)).toBe(2);
      const aside = await read('discarded', { withRecords: true });
      aside.sort((one, other) => one.letter - other.letter); // they are moved concurrently
      expect(aside.map(({ letter, discarded }) => [letter, discarded])).toEqual(
        all.slice(0, 2).map(({ letter }) => [letter, order]),
      );
      expect(aside.map(({ payload }) => Buffer.from(payload).toString().slice(-1))).toEqual(['a', 'b']);
      expect(namesOf(await read('dead'))).toEqual(namesOf(all.slice(2)));
      expect(await letters.move(flow, all.slice(0, 2), 'discarded', order)).toBe(0); // they are there already
      expect(await letters.move(flow, aside, 'dead', order)).toBe(2);
      const back = await read('dead');
      expect(namesOf(back).sort()).toEqual(namesOf(all).sort());
      expect(back.some(({ discarded }) => discarded !== undefined)).toBe(false);
      expect(await read('discarded')).toEqual([]);
    });
  });
}
