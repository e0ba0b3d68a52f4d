import { serverSentEvents } from '../../../../runtime/cli/client/event-stream';

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 7, 1_000])('reads the same events from chunks of %p bytes', async (size) => {
  const text =
    ': hello\nretry: 2000\n\nid: 7\nevent: status\ndata: {"a":\ndata:"ü→"}\n\ndata: x\r\n\r\nevent: cut off\ndata: y';
  const events = [];
  for await (const event of serverSentEvents(cut(text, size))) events.push(event);
  expect(events).toEqual([
    { event: 'status', data: '{"a":\n"ü→"}' },
    { event: 'message', data: 'x' },
  ]);
});
