import { expectBackPressure, HeldStore } from '../../support/held-store';
import { numbered, recordOf, withHost } from '../../support/host-run';

const isStreaming = true;

describe('a stream function', () => {
  it.each([
    [
      'async',
      'async def process(ctx, event, q):\n    for i in range(1000):\n        await q.put({"n": i})\n    return StreamMsg.OK',
    ],
    [
      'sync',
      'def process(ctx, event, q):\n    for i in range(1000):\n        q.put({"n": i})\n    return StreamMsg.OK',
    ],
    [
      'a class',
      'class process(StreamProcessFunction):\n    async def process(self, event_dict, ctx, q):\n        for i in range(1000):\n            await q.put({"n": i})',
    ],
  ])('waits while 64 outputs are not stored (%s)', async (_, code) => {
    await withHost(
      code,
      async (run) => {
        const store = await expectBackPressure(run, 20);
        store.open();
        await run.until(() => run.outcomes.size === 1);
        expect(run.outcomes.get(0)).toBe('done');
        expect(run.outputsOf(0)).toEqual(Array.from({ length: 1000 }, (_, n) => ({ n })));
      },
      { schema: numbered, isStreaming },
    );
  });

  it('waits while 16 MiB are not stored, and always sends at least one', async () => {
    const text = { type: 'record', name: 'text', fields: [{ name: 'text', type: 'string' }] };
    const code =
      'async def process(ctx, event, q):\n    for size in (20, 6, 6, 6):\n        await q.put({"text": "t" * (size << 20)})';
    await withHost(
      code,
      async (run) => {
        const store = new HeldStore();
        run.store = store.put;
        run.host.process([recordOf(0, numbered, { n: 0 })]);
        await run.until(() => store.held.length === 1);
        store.held.shift()?.();
        await run.until(() => store.held.length === 2);
        expect(run.outputs.get(0)?.map(({ payload }) => payload.length >> 20)).toEqual([20, 6, 6]);
        store.open();
        await run.until(() => run.outcomes.size === 1);
        expect(run.outputs.get(0)).toHaveLength(4);
      },
      { schema: text, isStreaming },
    );
  });

  it('keeps the outputs it had put when it fails', async () => {
    const code = 'async def process(ctx, event, q):\n    await q.put(event)\n    raise ValueError("after")';
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 1 }]);
        expect(run.order).toEqual(['output 0', 'failed 0']);
      },
      { isStreaming },
    );
  });

  it.each([
    ['returns StreamMsg.ERROR', 'return StreamMsg.ERROR', 'the function returned StreamMsg.ERROR'],
    ['returns a record', 'return event', 'the function returned dict of 1, not a StreamMsg; send outputs with q.put'],
    ['forgets to await', 'q.put(event)', '1 call(s) of q.put not awaited'],
    [
      'puts what does not fit',
      'await q.put({"n": True})',
      "the output does not fit the input's schema, and the function declares none: n: expected long, got bool True",
    ],
  ])('fails the record when it %s', async (_, line, message) => {
    await withHost(
      `async def process(ctx, event, q):\n    ${line}`,
      async (run) => {
        await run.processAll(numbered, [{ n: 1 }]);
        expect(run.failureOf(0).message).toBe(message);
      },
      { isStreaming },
    );
  });
});
