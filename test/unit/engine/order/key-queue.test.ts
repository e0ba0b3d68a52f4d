import { StoreError } from '../../../../lib/errors';
import { KeyQueue } from '../../../../runtime/engine/order/key-queue';
import type { Outgoing } from '../../../../runtime/engine/ports/publisher';

let sent: { readonly id: string; readonly settle: (error?: StoreError) => void }[];
let settled: string[];
let rooms: number;
let queue: KeyQueue;
beforeEach(() => {
  sent = [];
  settled = [];
  rooms = 0;
  queue = new KeyQueue(
    ({ id }, settle) => sent.push({ id, settle }),
    () => rooms++,
  );
});

function add(id: string, key?: string, { subject = 'out.3', bytes = 1 } = {}): void {
  const headers = key === undefined ? {} : { headers: { 'Kflow-Key': key } };
  const message: Outgoing = { subject, id, payload: Buffer.alloc(bytes), ...headers };
  queue.add(message, (error) => settled.push(`${id}: ${error?.message ?? 'stored'}`));
}

const ids = () => sent.map(({ id }) => id);
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('sends an output when the one of its key before it is settled; others at once', async () => {
  add('1', 'a');
  add('2', 'a');
  add('3', 'b');
  add('4');
  add('5');
  add('6', 'a', { subject: 'side.3' });
  expect(ids()).toEqual(['1', '3', '4', '5', '6']);
  sent[0]?.settle();
  await turn();
  expect([ids().at(-1), settled]).toEqual(['2', ['1: stored']]);
});

test('sends the next output when one is refused for good', async () => {
  add('1', 'a');
  add('2', 'a');
  sent[0]?.settle(new StoreError('stream-failed', 'no'));
  await turn();
  expect([ids(), settled]).toEqual([['1', '2'], ['1: no']]);
});

test.each([
  ['4,096 outputs', 4_097, 1],
  ['24 MiB', 25, 1024 * 1024],
])('has no room while %s wait', async (_what, count, bytes) => {
  for (let n = 0; n < count; n++) add(String(n), 'a', { bytes });
  expect(queue.hasRoom).toBe(false);
  sent[0]?.settle();
  await turn();
  expect([queue.hasRoom, rooms]).toEqual([true, 1]);
});
