import {
  cancelNoticeSchema,
  heartbeatAnswerSchema,
  heartbeatSchema,
  isValueClaim,
  taskMessageSchema,
  taskResultSchema,
  workerEntrySchema,
} from '../../../runtime/api-contract/task-message';

const at = '2026-11-30T02:00:00.000Z';
const envelope = { v: 1, id: 'e1/1/3/1', token: 'sealed' };
const task = { ...envelope, execution: 'e1', step: '3', task: 'mail:send', name: 'mail:send', attempt: 1, sentAt: at };

test('a message may have an input of any JSON, and fields of a later version', () => {
  for (const input of [undefined, null, 0, 'text', [1], { a: 1 }]) {
    expect(taskMessageSchema.parse({ ...task, input, later: true })).toEqual({ ...task, input });
  }
});

test.each([
  ['another version', { ...task, v: 2 }],
  ['no token', { ...task, token: undefined }],
  ['an attempt 0', { ...task, attempt: 0 }],
])('a message with %s is refused', (_, message) => {
  expect(taskMessageSchema.safeParse(message).success).toBe(false);
});

test('a result is a receipt, a success with an output, or a failure with an error', () => {
  const result = { ...envelope, at, worker: 'w1' };
  const kinds = [
    { kind: 'receipt' },
    { kind: 'succeeded', output: { a: 1 } },
    { kind: 'failed', error: { code: 'E', message: 'm', isTerminal: true, retryAfterMs: 5 } },
  ];
  for (const kind of kinds) expect(taskResultSchema.parse({ ...result, ...kind })).toEqual({ ...result, ...kind });
  expect(taskResultSchema.safeParse({ ...result, kind: 'failed' }).success).toBe(false);
});

test('a claim is an object with nothing else', () => {
  expect(isValueClaim({ $claim: { key: 'k', bytes: 3 } })).toBe(true);
  expect(isValueClaim({ $claim: { key: 'k', bytes: 3 }, more: 1 })).toBe(false);
  expect(isValueClaim({ $claim: 'k' })).toBe(false);
});

test('a heartbeat carries progress, and its answer says whether to stop', () => {
  expect(heartbeatSchema.parse({ ...envelope, progress: 0.5 })).toEqual({ ...envelope, progress: 0.5 });
  expect(heartbeatAnswerSchema.parse({ isCanceled: true })).toEqual({ isCanceled: true });
  expect(cancelNoticeSchema.parse({ v: 1, id: 'e1/1/3/1' })).toEqual({ v: 1, id: 'e1/1/3/1' });
});

test('an entry of a worker names its tasks with their defaults', () => {
  const entry = {
    v: 1,
    worker: 'w1',
    taskNamespace: 'mail',
    tasks: { send: { parameters: { retries: 1 } } },
    slots: 4,
    running: 0,
    since: at,
    lastSeen: at,
  };
  expect(workerEntrySchema.parse(entry)).toEqual(entry);
});
