import { ReceivedSignals } from '../../../../runtime/controller/executions/workflow/received-signals';

test('knows which signals of a sender it has received, also after others of it, and in the next run', () => {
  const first = new ReceivedSignals();
  const of = (number: number, sender = 'a') => ({ sender, number });
  expect([1, 4, 3, 3, 1].map((number) => first.take(of(number)))).toEqual([true, true, true, false, false]);
  const received = new ReceivedSignals(JSON.parse(JSON.stringify(first.marks())));
  expect([1, 2, 3, 4, 5].map((number) => received.isReceived(of(number)))).toEqual([true, false, true, true, false]);
  expect([received.take(of(2)), received.take(of(2)), received.take(of(2, 'b'))]).toEqual([true, false, true]);
});

test('remembers the senders that sent last', () => {
  const received = new ReceivedSignals();
  for (let sender = 0; sender < 100; sender++) {
    received.take({ sender: `sender ${sender}`, number: 1 });
    received.take({ sender: 'busy', number: sender + 1 });
  }
  expect(Object.keys(received.marks())).toHaveLength(20);
  expect(received.isReceived({ sender: 'busy', number: 1 })).toBe(true);
  expect(received.isReceived({ sender: 'sender 0', number: 1 })).toBe(false);
});
