import { PullWindow } from '../../../runtime/engine/pull-window';

const limits = { least: 2, start: 32, most: 1_000 };

test('starts small', () => {
  expect(new PullWindow(limits).size).toBe(32);
});

test('grows to the maximum for a fast function', () => {
  const window = new PullWindow(limits);
  window.onHeld(0);
  window.onFinished(64, 10, 100);
  expect(window.size).toBe(1_000);
});

test('shrinks to the minimum for a function that takes seconds for a record', () => {
  const window = new PullWindow(limits);
  window.onHeld(0);
  window.onFinished(1, 31, 3_000);
  expect(window.size).toBe(2);
});

test('is what a function processes in two seconds', () => {
  const window = new PullWindow(limits);
  window.onHeld(0);
  window.onFinished(10, 20, 200);
  expect(window.size).toBe(100);
});

test('keeps its size over idle time', () => {
  const window = new PullWindow(limits);
  window.onHeld(0);
  window.onFinished(20, 0, 200);
  expect(window.size).toBe(200);
  window.onHeld(60_000);
  window.onFinished(20, 0, 60_200);
  expect(window.size).toBe(200);
});

test('grows with many short bursts as with a long one', () => {
  const window = new PullWindow({ ...limits, start: 8 });
  for (let burst = 0; burst < 40; burst++) {
    window.onHeld(burst * 10);
    window.onFinished(8, 0, burst * 10 + 2);
  }
  expect(window.size).toBe(1_000);
});
