import { checkDrained, describeHoldings } from '../../../../../runtime/controller/flows/health/drain-check';
import { type Counts, planIn, progressOf } from '../../flow-states';

const plan = planIn('stream');
const reading = (counts: { readonly [functionId: string]: Counts } = {}) =>
  progressOf(plan, { list: { lastSequence: 9 }, map: { acked: 9, lastSequence: 9 }, sink: { acked: 9 }, ...counts });

test('a flow is drained when two consecutive readings show no record and no movement', () => {
  expect(checkDrained([reading({ sink: { acked: 8, ackPending: 1 } }), reading(), reading()], true)).toEqual({
    isDrained: true,
  });
});

test.each([
  ['its sources have not ended', [reading(), reading()], false, 'sources-running'],
  ['it was read once', [reading()], true, 'read-once'],
  ['it was never read', [], true, 'read-once'],
  ['something was left a moment ago', [reading({ sink: { acked: 9, pending: 1 } }), reading()], true, 'moving'],
  ['a record was acked between the readings', [reading({ sink: { acked: 8 } }), reading()], true, 'moving'],
  [
    'a record was published between the readings',
    [reading({ map: { acked: 9, lastSequence: 8 } }), reading()],
    true,
    'moving',
  ],
  [
    'a record was dead-lettered between the readings',
    [reading(), reading({ sink: { acked: 9, dead: 1 } })],
    true,
    'moving',
  ],
])('a flow is not drained when %s', (_, readings, haveEnded, why) => {
  expect(checkDrained(readings, haveEnded)).toEqual({ isDrained: false, why, holdings: [] });
});

test('lists the records that are left by function', () => {
  const left = reading({ map: { acked: 6, pending: 3 }, sink: { acked: 6, pending: 1, ackPending: 2 } });
  const check = checkDrained([left, left], true);
  const holdings = [
    { function: 'map', pending: 3, held: 0 },
    { function: 'sink', pending: 1, held: 2 },
  ];
  expect(check).toEqual({ isDrained: false, why: 'records-left', holdings });
  expect(describeHoldings(holdings)).toBe('map: 3 records pending; sink: 1 record pending, 2 in progress');
  expect(describeHoldings([{ function: 'map', pending: 0, held: 1 }])).toBe('map: 1 record in progress');
});
