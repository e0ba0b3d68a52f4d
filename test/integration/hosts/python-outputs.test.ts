import { expectBackPressure, HeldStore } from '../../support/held-store';
import { numbered, sideOutputOf, withHost } from '../../support/host-run';

const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

describe('a generator', () => {
  it.each([
    ['a generator', 'def process(ctx, event):\n    n = 0\n    while True:\n        yield {"n": n}\n        n += 1'],
    ['an iterator', 'import itertools\ndef process(ctx, event):\n    return ({"n": n} for n in itertools.count())'],
    [
      'an async generator',
      'async def process(ctx, event):\n    n = 0\n    while True:\n        yield {"n": n}\n        n += 1',
    ],
    [
      'an async generator that a function returns',
      'def process(ctx, event):\n    async def each():\n        n = 0\n        while True:\n            yield {"n": n}\n            n += 1\n    return each()',
    ],
    [
      'a generator that an async function returns',
      'import itertools\nasync def process(ctx, event):\n    return ({"n": n} for n in itertools.count())',
    ],
  ])('that never ends is sent as it goes, and waits while 64 outputs are not stored: %s', async (_, code) => {
    await withHost(
      code,
      async (run) => {
        await expectBackPressure(run, 5);
        expect(run.outputsOf(0)).toEqual(numbers(69));
        await run.host.kill();
      },
      { schema: numbered },
    );
  });

  it.each(['def', 'async def'])(
    'that fails has sent what it yielded before, and runs its cleanup (%s)',
    async (kind) => {
      const code = `${kind} process(ctx, event):
    try:
        yield event
        yield {"n": "two"}
    finally:
        print("closed")
`;
      await withHost(code, async (run) => {
        await run.processAll(numbered, [{ n: 1 }]);
        expect(run.order).toEqual(['INFO closed', 'output 0', 'failed 0']);
        expect(run.failureOf(0).message).toContain('expected long, got str "two"');
      });
    },
  );
});

describe('a list', () => {
  it('is sent whole or not at all', async () => {
    await withHost('def process(ctx, event):\n    return [event, {"n": "two"}]', async (run) => {
      await run.processAll(numbered, [{ n: 1 }]);
      expect(run.order).toEqual(['failed 0']);
    });
  });

  it('takes no room: it may be longer than the window', async () => {
    await withHost('def process(ctx, event):\n    return [{"n": n} for n in range(500)]', async (run) => {
      const store = new HeldStore();
      run.store = store.put;
      await run.processAll(numbered, [{ n: 1 }]);
      expect(run.outputsOf(0)).toEqual(numbers(500));
      store.open();
    });
  });
});

describe('a side output', () => {
  it('waits while 64 outputs are not stored', async () => {
    const code = 'def process(ctx, event):\n    for n in range(200):\n        ctx.to_side_stream("low", {"n": n})';
    await withHost(
      code,
      async (run) => {
        const store = await expectBackPressure(run, 0);
        expect(run.outputs.get(0)).toHaveLength(64);
        store.open();
        await run.until(() => run.outcomes.size === 1);
        expect(run.outputsOf(0, 'low')).toEqual(numbers(200));
      },
      { sideOutputs: [sideOutputOf('low', numbered)] },
    );
  });
});

describe('a result of another kind', () => {
  it.each([
    ['a number', 'return 3', 'the function returned int 3; return a dict, a list or a generator of dicts, or None'],
    ['a text', 'return "no"', 'the function returned str "no"; return a dict'],
    ['a class', 'return dict', "the function returned type <class 'dict'>; return a dict"],
    ['a set', 'return {1}', 'the function returned set of 1; return a dict'],
    ['a list of numbers', 'return [event, 3]', 'output 1 of the function is int 3, not a dict'],
    ['a future', 'import concurrent.futures as f\n    return f.Future()', 'the function returned Future <Future'],
    [
      'an object that cannot be shown',
      'class Odd:\n        def __repr__(self): raise ValueError\n        def __getattr__(self, name): raise OSError\n    return Odd()',
      'the function returned Odd; return a dict',
    ],
    ['a dict with a key named then', 'return {"then": 1}', 'n: missing'],
    [
      'a coroutine of a coroutine',
      'async def one(): return two()\n    async def two(): return event\n    return one()',
      '; await it',
    ],
  ])('fails its record alone: %s', async (_, body, message) => {
    const code = `def process(ctx, event):\n    if event["n"] != 1:\n        return event\n    ${body}`;
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 0 }, { n: 1 }, { n: 2 }]);
        expect(run.failureOf(1).message).toContain(message);
        expect(run.order.filter((event) => !event.startsWith('WARNING'))).toEqual([
          'output 0',
          'done 0',
          'failed 1',
          'output 2',
          'done 2',
        ]);
      },
      { schema: numbered },
    );
  });

  it.each([
    ['a mapping', 'import types\n    return types.MappingProxyType(event)'],
    ['a tuple', 'return (event,)'],
    ['an awaitable', 'import asyncio\n    return asyncio.sleep(0, event)'],
  ])('that stands for a dict is sent: %s', async (_, body) => {
    await withHost(`def process(ctx, event):\n    ${body}`, async (run) => {
      await run.processAll(numbered, [{ n: 7 }]);
      expect(run.outputsOf(0)).toEqual([{ n: 7 }]);
    });
  });
});
