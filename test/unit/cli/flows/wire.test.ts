import { readLines } from '../../../../runtime/cli/client/read-lines';
import { serverSentEvents } from '../../../../runtime/cli/client/server-sent-events';
import { parseReplayStart, parseReplicas } from '../../../../runtime/cli/commands/flows/parse-arguments';

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 7, 1_000])('events are the same however the body is cut, here by %p bytes', async (size) => {
  const text =
    ': hello\nretry: 2000\n\nid: 7\nevent: status\ndata: {"a":\ndata:"ü→"}\n\ndata: x\r\n\r\nevent: cut off\ndata: y';
  const events = [];
  for await (const event of serverSentEvents(readLines(cut(text, size)))) events.push(event);
  expect(events).toEqual([
    { event: 'status', data: '{"a":\n"ü→"}' },
    { event: 'message', data: 'x' },
  ]);
});

test('numbers of replicas are read by function', () => {
  expect(parseReplicas(['map=3', 'store=1'])).toEqual({ map: 3, store: 1 });
  expect(() => parseReplicas(['map=0'])).toThrow('kflow pause --function stops one for a while');
  expect(() => parseReplicas(['map'])).toThrow('"map" is no number of replicas; write FUNCTION=N, as in map=3');
});

test.each([
  ['first', 'first'],
  ['17', { sequence: 17 }],
  ['2026-01-31T09:00:00+01:00', { time: '2026-01-31T08:00:00.000Z' }],
])('a replay from %s', (text, start) => {
  expect(parseReplayStart(text)).toEqual(start);
});

test.each(['0', 'yesterday', '2026-99-99'])('a replay from %s is wrong usage', (text) => {
  expect(() => parseReplayStart(text)).toThrow(expect.objectContaining({ status: 2 }));
});
