import { StoredPrefix } from '../../../../runtime/connectors/raw-source/stored-prefix';

test('counts what is stored without a gap, in whatever order it is stored', () => {
  const prefix = new StoredPrefix(2);
  prefix.add(4);
  prefix.add(3);
  expect(prefix.takeAdvance()).toBeUndefined();
  prefix.add(2);
  expect(prefix.takeAdvance()).toBe(5);
  expect(prefix.takeAdvance()).toBeUndefined();
});
