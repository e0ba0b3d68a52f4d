import { decideBlame, type Incident, SuspectLimit } from '../../../../runtime/engine/containment/blame';

/** Records are letters; those in capitals are at their last attempt. */
function blame(inHost: string, { overdue = '', hasRunOthers = false, mostSuspects = 9 } = {}) {
  const incident: Incident<string> = {
    inHost: [...inHost],
    overdue: [...overdue],
    hasRunOthers,
    mostSuspects,
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

test('suspects those that entered the host first, and every overdue record', () => {
  expect(blame('abcd', { mostSuspects: 2 })).toEqual({ suspects: ['a', 'b'] });
  expect(blame('abcd', { mostSuspects: 2, overdue: 'd' })).toEqual({ suspects: ['d', 'a'] });
  expect(blame('abcd', { mostSuspects: 1, overdue: 'bc' })).toEqual({ suspects: ['b', 'c'] });
});

test('suspects twice as many each time until the cause is found, or nothing has happened for a minute', () => {
  const limit = new SuspectLimit(16);
  expect([limit.at(0), limit.at(60_000), limit.at(61_000)]).toEqual([16, 32, 64]);
  limit.reset();
  expect([limit.at(62_000), limit.at(63_000), limit.at(123_001)]).toEqual([16, 32, 16]);
});
