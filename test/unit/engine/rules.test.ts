import { encodeClaim, parseClaim } from '../../../runtime/engine/claim';
import { isFinished, waitForCompletion } from '../../../runtime/engine/completion';
import { decideFailure } from '../../../runtime/engine/failures';
import { planTrim } from '../../../runtime/engine/plan-trim';

describe('trimming', () => {
  const counted = { messages: 1_000, bytes: 0, firstSequence: 1, lastSequence: 1_000, maxMsgs: 1_000 };
  const full = { ...counted, maxBytes: -1, largestMessage: 100 };

  test('does not trim a stream below 80 % of its limits', () => {
    expect(planTrim({ ...full, messages: 800, ackFloors: [1_000] })).toBeUndefined();
  });

  test('trims consumed history to half of the limit', () => {
    expect(planTrim({ ...full, ackFloors: [1_000, 900] })).toBe(501);
  });

  test('never trims above the lowest ack floor', () => {
    expect(planTrim({ ...full, ackFloors: [1_000, 20] })).toBe(21);
    expect(planTrim({ ...full, ackFloors: [1_000, 0] })).toBeUndefined();
  });

  test('counts bytes as it counts messages', () => {
    expect(planTrim({ ...full, bytes: 900, maxBytes: 1_000, maxMsgs: -1, ackFloors: [1_000] })).toBe(446);
  });

  test('makes room for a large message in a stream that holds only a few', () => {
    const few = { ...full, messages: 3, bytes: 750, lastSequence: 3, maxMsgs: -1, maxBytes: 1_000 };
    expect(planTrim({ ...few, largestMessage: 250, ackFloors: [3] })).toBeUndefined();
    expect(planTrim({ ...few, largestMessage: 251, ackFloors: [3] })).toBe(2);
    expect(planTrim({ ...few, largestMessage: 900, ackFloors: [3] })).toBe(4);
    expect(planTrim({ ...few, largestMessage: 2_000, ackFloors: [3, 1] })).toBe(2);
  });

  test('does not trim a stream without readers', () => {
    expect(planTrim({ ...full, ackFloors: [] })).toBeUndefined();
  });
});

describe('completion', () => {
  const idle = { ackFloor: 5, delivered: 5, ackPending: 0, pending: 0 };

  test.each([
    ['requires a sealed stream', undefined, idle, false],
    ['is reached when all messages are delivered and acked', 5, idle, true],
    ['is reached for an empty stream', 0, { ackFloor: 0, delivered: 0, ackPending: 0, pending: 0 }, true],
    ['waits for messages that are not delivered', 6, idle, false],
    ['waits for messages that are not acked', 5, { ...idle, ackFloor: 3, ackPending: 2 }, false],
    ['waits for pending messages, as after a rewind', 5, { ...idle, pending: 1 }, false],
  ])('%s', (_title, sealedAt, progress, finished) => {
    expect(isFinished(sealedAt, progress)).toBe(finished);
  });

  test('requires two positive readings in a row', async () => {
    const readings = [true, false, true, true, false];
    let reads = 0;
    await waitForCompletion({ finished: async () => readings[reads++] ?? false }, 1, new AbortController().signal);
    expect(reads).toBe(4);
  });

  test('is read again after the interval', async () => {
    jest.useFakeTimers();
    let reads = 0;
    const probe = { finished: async () => ++reads > 1 };
    const waiting = waitForCompletion(probe, 500, new AbortController().signal);
    const counts: number[] = [];
    for (const ms of [499, 1, 499, 1]) {
      await jest.advanceTimersByTimeAsync(ms);
      counts.push(reads);
    }
    jest.useRealTimers();
    await waiting;
    expect(counts).toEqual([1, 2, 2, 3]);
  });

  test('ends with the signal', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(waitForCompletion({ finished: async () => false }, 1, signal)).rejects.toThrow('stopped');
  });
});

describe('a failed record', () => {
  const failure = { type: 'ValueError', message: 'no' };

  test.each([
    [1, { kind: 'retry', delayMs: 1_000 }],
    [3, { kind: 'retry', delayMs: 4_000 }],
    [4, { kind: 'retry', delayMs: 8_000 }],
    [5, { kind: 'dead-letter' }],
    [9, { kind: 'dead-letter' }],
  ])('at delivery %d of 5', (deliveries, decision) => {
    expect(decideFailure(failure, deliveries, 5)).toEqual(decision);
  });

  test('becomes a dead letter at once when its error acks it, or no retry can fix it', () => {
    expect(decideFailure({ ...failure, ack: true }, 1, 5)).toEqual({ kind: 'dead-letter' });
    expect(decideFailure({ ...failure, isFinal: true }, 1, 5)).toEqual({ kind: 'dead-letter' });
    expect(decideFailure({ ...failure, ack: false }, 1, 5)).toEqual({ kind: 'retry', delayMs: 1_000 });
  });
});

describe('claims', () => {
  test('are parsed as they were encoded', () => {
    const claim = { bucket: 'b', key: 'k é', bytes: 5 };
    expect(parseClaim(encodeClaim(claim))).toEqual(claim);
  });

  test('are distinguished from Avro messages', () => {
    expect(parseClaim(Buffer.from('c301000000000000000000', 'hex'))).toBeUndefined();
  });

  test.each([
    '',
    '{}',
    '{"claim":{"bucket":"b"}}',
    '{"claim":{"bucket":"b","key":"k"}}',
    '{"claim":{"bytes":1}}',
    'null',
    'text',
  ])('are refused when malformed: %s', (text) => {
    expect(() => parseClaim(Buffer.from(text))).toThrow(/neither an Avro single-object encoding nor a claim/);
  });
});
