import { findInputChange, type InputNote, type InputState, nextNote } from '../../../runtime/engine/drift/input-drift';

/** A reader that has acked 5 of 20 records, and holds 4 of the next 5. */
const note: InputNote = {
  stream: 'S1',
  consumer: 'C1',
  floor: 5,
  floorAtMs: 1_000,
  delivered: 10,
  deliveries: 10,
  countsFrom: 0,
  repeatedTo: 0,
  ackPending: 4,
  pending: 10,
  removed: [],
};

type Changes = {
  readonly stream?: Partial<InputState['stream']>;
  readonly consumer?: Partial<NonNullable<InputState['consumer']>> | 'missing';
};

function stateOf({ stream = {}, consumer = {} }: Changes = {}): InputState {
  const same = { created: 'S1', firstSequence: 1, lastSequence: 20, removed: [], trimmedTo: 0, ...stream };
  if (consumer === 'missing') return { stream: same };
  const own = {
    created: 'C1',
    ackFloor: 5,
    atMs: 2_000,
    delivered: 10,
    deliveries: 10,
    ackPending: 4,
    pending: 10,
    countsFrom: 0,
    start: 0,
  };
  return { stream: same, consumer: { ...own, ...consumer } };
}

test('an input that only moved on has not changed', () => {
  const state = stateOf({ consumer: { ackFloor: 8, delivered: 15, deliveries: 15 } });
  expect(findInputChange(note, state)).toEqual({ isReplaced: false, consumer: 'same', floor: 8, lost: 0 });
});

test('without a note, the floor is that of the consumer', () => {
  expect(findInputChange(undefined, stateOf())).toEqual({ isReplaced: false, consumer: 'same', floor: 5, lost: 0 });
  expect(findInputChange(undefined, stateOf({ consumer: 'missing' }))).toMatchObject({ consumer: 'missing', floor: 0 });
});

test.each<[string, Changes, ReturnType<typeof findInputChange>['consumer']]>([
  ['is missing', { consumer: 'missing' }, 'missing'],
  ['was recreated at the first record', { consumer: { created: 'C2', ackFloor: 0 } }, 'recreated'],
  ['was recreated at the floor', { consumer: { created: 'C2', ackFloor: 5, start: 6 } }, 'recreated'],
  ['was recreated after the floor', { consumer: { created: 'C2', ackFloor: 9, start: 10 } }, 'skipping'],
  ['was recreated for new records', { consumer: { created: 'C2', ackFloor: 20, start: Infinity } }, 'skipping'],
])('a consumer that %s continues at the noted floor', (_title, changes, consumer) => {
  expect(findInputChange(note, stateOf(changes))).toEqual({ isReplaced: false, consumer, floor: 5, lost: 0 });
});

test('a server that forgot acks does not lower the floor', () => {
  expect(findInputChange(note, stateOf({ consumer: { ackFloor: 3 } }))).toMatchObject({ consumer: 'same', floor: 5 });
});

test('a purge loses the records that were not delivered, and at most those that were not acked', () => {
  const state = stateOf({ stream: { firstSequence: 13, removed: [15] }, consumer: { ackFloor: 12, delivered: 12 } });
  // 11, 12 and 15 were not delivered; four of 6 to 10 were not acked
  expect(findInputChange(note, state).lost).toBe(7);
});

test('a purge of records that were delivered and acked since the note loses at most what was held', () => {
  const consumer = { ackFloor: 12, delivered: 14, deliveries: 14 };
  expect(findInputChange(note, stateOf({ stream: { firstSequence: 13 }, consumer })).lost).toBe(4);
});

test("the writer's own purge loses nothing", () => {
  const state = stateOf({ stream: { firstSequence: 9, trimmedTo: 9 }, consumer: { ackFloor: 12, delivered: 14 } });
  expect(findInputChange(note, state).lost).toBe(0);
});

test('what was found removed before is not counted again', () => {
  const state = stateOf({ stream: { removed: [15, 16] } });
  expect(findInputChange({ ...note, ackPending: 0, removed: [15] }, state).lost).toBe(1);
});

test('a recreated stream loses everything that was left, and starts at 0', () => {
  const state = stateOf({ stream: { created: 'S2', lastSequence: 0 }, consumer: 'missing' });
  expect(findInputChange(note, state)).toEqual({ isReplaced: true, consumer: 'missing', floor: 0, lost: 14 });
});

test('the time of a floor stays until the floor rises', () => {
  const state = stateOf() as Required<InputState>;
  expect(nextNote(note, state, 5)).toMatchObject({ floor: 5, floorAtMs: 1_000 });
  expect(nextNote(note, state, 6)).toMatchObject({ floor: 6, floorAtMs: 2_000 });
});

test('records that a recreated consumer delivers may be repeated, up to the last one stored then', () => {
  const recreated = stateOf({ consumer: { created: 'C2', ackFloor: 0, pending: 20 } }) as Required<InputState>;
  const next = nextNote(note, recreated, 5);
  expect(next).toMatchObject({ consumer: 'C2', repeatedTo: 20, pending: 15 });
  const later = stateOf({ stream: { lastSequence: 30 }, consumer: { created: 'C2' } }) as Required<InputState>;
  expect(nextNote(next, later, 7).repeatedTo).toBe(20);
});

test('a consumer that was recreated at the first record that the writer kept skips nothing', () => {
  const state = stateOf({
    stream: { firstSequence: 9, trimmedTo: 9 },
    consumer: { created: 'C2', ackFloor: 8, start: 9, delivered: 8 },
  });
  expect(findInputChange(note, state)).toEqual({ isReplaced: false, consumer: 'recreated', floor: 8, lost: 0 });
});
