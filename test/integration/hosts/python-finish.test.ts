import { numbered, withHost } from '../../support/host-run';

const options = { schema: numbered, entry: 'run' };

describe('the finish of a Python function', () => {
  it.each([
    [
      'a class that only tidies up',
      'class run(ProcessFunction):\n    def close(self):\n        self.x = [1]\n        return',
      false,
    ],
    ['a class without close', 'class run(ProcessFunction):\n    pass', false],
    [
      'a class whose close returns only in a function inside',
      'class run(ProcessFunction):\n    def close(self):\n        def one():\n            return 1\n        one()',
      false,
    ],
    ['a class whose close returns', 'class run(ProcessFunction):\n    def close(self):\n        return []', true],
    ['a function with finish', 'def run(ctx, event): pass\ndef finish(): pass', true],
    ['a function with finish(ctx)', 'def run(ctx, event): pass\ndef finish(ctx): pass', true],
    ['a function with a value of that name', 'def run(ctx, event): pass\nfinish = 3', false],
  ])('exists when the code gives one: %s', (_, code, expected) =>
    withHost(code, (run) => expect(run.host.hasFinish).toBe(expected), options),
  );

  it('closes a class once: by its finish, else as the process ends', async () => {
    const code = `class run(ProcessFunction):
    def close(self):
        print("closed")
        return [{"n": 1}]
`;
    const closes: number[] = [];
    for (const isFinished of [true, false]) {
      let count = () => 0;
      await withHost(
        code,
        async (run) => {
          count = () => run.logs.filter(([, text]) => text === 'closed').length;
          if (!isFinished) return;
          run.host.finish?.(5);
          await run.until(() => run.outcomes.has(5));
          expect(run.outputsOf(5)).toEqual([{ n: 1 }]);
        },
        options,
      );
      closes.push(count());
    }
    expect(closes).toEqual([1, 1]);
  });

  it('may call asyncio.run, may be an async generator, and may use side outputs', async () => {
    const code = `async def three():
    return 3
def run(ctx, event): pass
async def finish(ctx):
    ctx.heartbeat()
    yield {"n": await three()}
`;
    await withHost(
      code,
      async (run) => {
        run.host.finish?.(5);
        await run.until(() => run.outcomes.has(5));
        expect([run.outputsOf(5), run.order.includes('heartbeat 5')]).toEqual([[{ n: 3 }], true]);
      },
      options,
    );
  });

  it('refuses a finish with other arguments as the code is loaded', async () => {
    const code = 'def run(ctx, event): pass\ndef finish(one, two): pass';
    await expect(withHost(code, () => undefined, options)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('finish(one, two) cannot be called'),
    });
  });
});
