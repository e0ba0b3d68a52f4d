import { type GatedMessage, SubjectGate } from '../../../../../runtime/adapters/jetstream/publishing/subject-gate';

let sent: number[];
let refusals: number;
let gate: SubjectGate<GatedMessage>;

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  refusals = 0;
  gate = new SubjectGate({
    send: ({ token }) => sent.push(token),
    refused: () => refusals++,
  });
});
afterEach(() => jest.useRealTimers());

function message(token: number): GatedMessage {
  return { token, isHeld: false };
}

test('releases the first message alone after a pause, and the others in order when it is stored', () => {
  const [first, second, third] = [message(1), message(2), message(3)];
  gate.refuse(second);
  gate.hold(third);
  gate.refuse(first);
  expect(refusals).toBe(1);
  jest.advanceTimersByTime(20);
  expect(sent).toEqual([1]);
  gate.settle(first);
  expect(sent).toEqual([1, 2, 3]);
  gate.settle(second);
  expect(gate.isIdle).toBe(false);
  gate.settle(third);
  expect(gate.isIdle).toBe(true);
});

test('pauses longer after each refusal, and briefly again after a success', () => {
  const [first, second] = [message(1), message(2)];
  gate.refuse(first);
  gate.hold(second);
  for (const pauseMs of [20, 40, 80]) {
    jest.advanceTimersByTime(pauseMs - 1);
    const before = sent.length;
    jest.advanceTimersByTime(1);
    expect(sent.length).toBe(before + 1);
    if (pauseMs < 80) gate.refuse(first);
  }
  gate.settle(first);
  gate.refuse(second);
  jest.advanceTimersByTime(20);
  expect(sent).toEqual([1, 1, 1, 2, 2]);
  expect(refusals).toBe(4);
});

test('drops a held message when a late response reports it as stored', () => {
  const [first, second] = [message(1), message(2)];
  gate.refuse(first);
  gate.hold(second);
  gate.settle(first);
  jest.advanceTimersByTime(20);
  expect(sent).toEqual([2]);
  gate.settle(second);
  expect(gate.isIdle).toBe(true);
});

test('holds a message that was refused twice only once', () => {
  const first = message(1);
  gate.refuse(first);
  gate.refuse(first);
  jest.advanceTimersByTime(20);
  expect(sent).toEqual([1]);
  gate.settle(first);
  expect(gate.isIdle).toBe(true);
});
