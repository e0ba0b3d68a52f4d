import { decideBlame, type Incident } from '../../../runtime/engine/blame';

/** Records are letters; those in capitals are at their last attempt. */
function blame(
  inHost: string,
  { overdue = '', hasRunOthers = false }: { overdue?: string; hasRunOthers?: boolean } = {},
) {
  const incident: Incident<string> = {
    inHost: [...inHost],
    overdue: [...overdue],
    hasRunOthers,
    isLastAttempt: (record) => record === record.toUpperCase(),
  };
  return decideBlame(incident);
}

test('charges the record that was alone in the host', () => {
  expect(blame('a')).toEqual({ charged: 'a', suspects: [] });
  expect(blame('a', { overdue: 'a' })).toEqual({ charged: 'a', suspects: [] });
});

test('charges nobody when several were in the host: each is run alone', () => {
  expect(blame('abc')).toEqual({ suspects: ['a', 'b', 'c'] });
});

test('charges nobody when the host was empty', () => {
  expect(blame('')).toEqual({ suspects: [] });
});

test('suspects overdue records first', () => {
  expect(blame('abcd', { overdue: 'bc' })).toEqual({ suspects: ['b', 'c', 'a', 'd'] });
});

test('charges a last attempt only in a host that ran nothing else', () => {
  expect(blame('A')).toEqual({ charged: 'A', suspects: [] });
  expect(blame('A', { hasRunOthers: true })).toEqual({ suspects: ['A'] });
  expect(blame('a', { hasRunOthers: true })).toEqual({ charged: 'a', suspects: [] });
});
