import { StoredCount } from '../../../runtime/connectors/stored-count';

test('advances over every record that is stored without a gap', () => {
  const stored = new StoredCount(2);
  stored.add(2);
  stored.add(3);
  expect(stored.takeAdvance()).toBe(4);
});

test('does not advance over a gap, and skips the records beyond it once the gap is filled', () => {
  const stored = new StoredCount(0);
  stored.add(2);
  stored.add(1);
  expect(stored.takeAdvance()).toBeUndefined();
  stored.add(0);
  expect(stored.takeAdvance()).toBe(3);
});

test('reports an advance once', () => {
  const stored = new StoredCount(5);
  expect(stored.takeAdvance()).toBeUndefined();
  stored.add(5);
  expect(stored.takeAdvance()).toBe(6);
  expect(stored.takeAdvance()).toBeUndefined();
});
