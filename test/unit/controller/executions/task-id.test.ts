import { headOf } from '../../../../runtime/controller/executions/ports/step-ref';
import { parseTaskId, taskId } from '../../../../runtime/controller/executions/ports/task-id';

const head = headOf({ step: '2[4]', attempt: 3 });

test.each([
  { execution: 'order-7', run: 1, step: '3', attempt: 1 },
  { execution: 'order-7', run: 40_252_486_000_001, step: '3[17][0]', attempt: 12 },
  { execution: '7/1/3/1', run: 2, step: '3', attempt: 1 },
  { execution: '7', run: 2, step: '3[17]', attempt: 1, head },
  { execution: '7/1', run: 2, step: '3', attempt: 1, head: headOf({ step: '2', attempt: 1 }) },
])('the id of %j says which attempt it is', (ref) => {
  expect(parseTaskId(ref.execution, taskId(ref))).toEqual(ref);
});

test.each(['', 'order-7', 'order-7/1/3', 'order-7/1/3/1/2', 'order-7/a/3/1', 'other/1/3/1', 'order-7/1/3/1/2/1/1'])(
  '%j is no id of an attempt of order-7',
  (id) => {
    expect(parseTaskId('order-7', id)).toBeUndefined();
  },
);
