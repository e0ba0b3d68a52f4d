import { numbered, recordOf, sideOutputOf, withHost } from '../../support/host-run';

/** A function whose record 1 does something, and whose other records pass through. */
const onOne = (body: string, head = '', kind = 'def') =>
  `${head}\n${kind} process(ctx, event):\n    if event["n"] == 1:\n        ${body.split('\n').join('\n        ')}\n    return event\n`;
const three = [{ n: 0 }, { n: 1 }, { n: 2 }];

describe('a failure', () => {
  it.each([
    ['a message of 1.1 MB', 'raise ValueError("x" * 1_100_000)', /^x{8000}\.\.\. \(1,100,000 characters\)$/],
    ['a message with half a character', 'raise ValueError("\\ud800")', /^\ud800$/],
    [
      'a message that cannot be made',
      'class Odd(Exception):\n    def __str__(self): raise SystemExit\nraise Odd()',
      /^Odd \(str\(\) of the exception failed\)$/,
    ],
    [
      'decisions that raise',
      'class Odd(AckException):\n    def should_ack(self): raise Odd("again")\nraise Odd("once")',
      /^the methods of the exception raise/,
    ],
    ['endless recursion', 'def again(): again()\nagain()', /maximum recursion depth exceeded/],
    ['SystemExit', 'raise SystemExit(3)', /^3$/],
    ['KeyboardInterrupt', 'raise KeyboardInterrupt', /^KeyboardInterrupt$/],
    ['GeneratorExit', 'raise GeneratorExit', /^GeneratorExit$/],
    ['reading standard input', 'input()', /EOF when reading a line/],
  ])('is short and its neighbors are processed: %s', async (_, body, message) => {
    await withHost(onOne(body), async (run) => {
      await run.processAll(numbered, three);
      const failure = run.failureOf(1);
      expect(failure.message).toMatch(message);
      expect(failure.message.length).toBeLessThan(8100);
      expect(failure.trace?.length ?? 0).toBeLessThan(16_100);
      expect([run.outputsOf(0), run.outputsOf(2)]).toEqual([[{ n: 0 }], [{ n: 2 }]]);
    });
  });

  it('keeps the beginning and the end of a long traceback', async () => {
    const frames = Array.from({ length: 400 }, (_, n) => `def f${n}(): f${n + 1}()`).join('\n');
    await withHost(onOne('f0()', `${frames}\ndef f400(): raise ValueError("at the end")`), async (run) => {
      await run.processAll(numbered, three);
      const trace = run.failureOf(1).trace ?? '';
      expect(trace).toContain('Traceback (most recent call last)');
      expect(trace.trimEnd().endsWith('ValueError: at the end')).toBe(true);
      expect(trace.length).toBeLessThan(16_100);
    });
  });
});

describe('what a function starts', () => {
  it('a thread that outlives its record cannot send for it, and is told', async () => {
    const code = `import threading
late = []
go = threading.Event()
def process(ctx, event):
    if event["n"] == 0:
        def later():
            go.wait()
            for call in (ctx.heartbeat, lambda: ctx.to_side_stream("low", {"n": 1})):
                try:
                    call()
                except Exception as error:
                    late.append(str(error))
        thread = threading.Thread(target=later)
        thread.start()
        late.append(thread)
        return event
    go.set()
    late.pop(0).join()
    print(late)
    return event
`;
    const sideOutputs = [sideOutputOf('low', numbered)];
    await withHost(
      code,
      async (run) => {
        await run.processAll(numbered, [{ n: 0 }, { n: 1 }]);
        const told = 'the record has ended; a function must wait for what it starts';
        expect(run.logs).toEqual([['INFO', `['${told}', '${told}']`]]);
        expect(run.order.filter((event) => !event.startsWith('INFO'))).toEqual([
          'output 0',
          'done 0',
          'output 1',
          'done 1',
        ]);
      },
      { sideOutputs },
    );
  });

  it('a forked child that returns from the function leaves the record to its parent', async () => {
    const code = onOne('if os.fork() == 0:\n    print("in the child")\n    return event\nos.wait()', 'import os');
    await withHost(code, async (run) => {
      await run.processAll(numbered, three);
      await run.until(() => run.logs.length > 0);
      expect([...run.outcomes.values()]).toEqual(['done', 'done', 'done']);
      expect(run.logs).toEqual([['INFO', 'in the child']]);
      expect(run.order.filter((event) => event === 'output 1')).toHaveLength(1);
    });
  });

  it('a forked child cannot send for the record, and is told', async () => {
    const body = `if os.fork() == 0:
    for call in (ctx.heartbeat, lambda: ctx.to_side_stream("low", event)):
        try:
            call()
        except Exception as error:
            print(error)
    sys.stdout.flush()
    os._exit(0)
os.wait()`;
    await withHost(
      onOne(body, 'import os, sys'),
      async (run) => {
        await run.processAll(numbered, three);
        await run.until(() => run.logs.length === 2);
        const told = 'a forked process has no record: send outputs and heartbeats from the function itself';
        expect(run.logs).toEqual([
          ['INFO', told],
          ['INFO', told],
        ]);
        expect([...run.outcomes.values()]).toEqual(['done', 'done', 'done']);
      },
      { sideOutputs: [sideOutputOf('low', numbered)] },
    );
  });

  it.each(['spawn', 'forkserver', 'fork'])('a pool of processes runs functions of inline code: %s', async (method) => {
    const code = `import multiprocessing
from concurrent.futures import ProcessPoolExecutor
def square(x: int | None):
    logger.debug("has the names that inline code has")
    print("in the child", flush=True)
    return x * x
def process(ctx, event):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("${method}")) as pool:
        return {"n": sum(pool.map(square, range(4)))}
`;
    await withHost(code, async (run) => {
      await run.processAll(numbered, [{ n: 0 }, { n: 1 }]);
      expect([run.outputsOf(0), run.outputsOf(1)]).toEqual([[{ n: 14 }], [{ n: 14 }]]);
      await run.until(() => run.logs.filter(([, line]) => line === 'in the child').length === 8);
      expect(run.crashes).toEqual([]);
    });
  });
});

describe('what a function does to its process', () => {
  it.each([
    [
      'stops its event loop',
      'asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)\nawait asyncio.sleep(0.01)',
    ],
    ['cancels its own task', 'asyncio.current_task().cancel()\nawait asyncio.sleep(0)'],
    [
      'leaves a task that exits',
      'async def leave(): raise SystemExit(1)\nasyncio.create_task(leave())\nawait asyncio.sleep(0.01)',
    ],
  ])('%s: the other records are processed', async (_, body) => {
    await withHost(
      onOne(body, '', 'async def'),
      async (run) => {
        await run.processAll(numbered, three);
        expect([run.outputsOf(0), run.outputsOf(2)]).toEqual([[{ n: 0 }], [{ n: 2 }]]);
        expect(run.crashes).toEqual([]);
      },
      { concurrency: 2 },
    );
  });

  it('closes the event loop of a function that is not async: the next awaitable gets another', async () => {
    const code = 'def process(ctx, event):\n    asyncio.get_event_loop().close()\n    return event';
    const other =
      'def process(ctx, event):\n    async def later(): return event\n    result = later()\n    if event["n"] == 1: asyncio.get_event_loop().close()\n    return result';
    for (const each of [code, other]) {
      await withHost(each, async (run) => {
        await run.processAll(numbered, three);
        expect(run.outputsOf(2)).toEqual([{ n: 2 }]);
        expect(run.crashes).toEqual([]);
      });
    }
  });

  it('writes to the descriptors that it was started with, and closes them: the frames have others', async () => {
    const body = 'for number in (3, 4):\n    os.write(number, b"garbage")\n    os.close(number)';
    await withHost(onOne(body, 'import os'), async (run) => {
      await run.processAll(numbered, three);
      expect([...run.outcomes.values()]).toEqual(['done', 'done', 'done']);
      expect(run.crashes).toEqual([]);
    });
  });

  it('closes every descriptor: the process ends and says why', async () => {
    await withHost(onOne('os.closerange(3, 4096)', 'import os'), async (run) => {
      run.host.process([recordOf(0, numbered, { n: 1 })]);
      await run.until(() => run.crashes.length > 0);
      expect(run.crashes[0]?.message).toContain('exited with code 70');
      expect(run.crashes[0]?.message).toContain('the code must not close descriptors that it did not open');
    });
  });

  it('prints 1 MB without a newline: the text comes in pieces, in order', async () => {
    const code = onOne('for n in range(100_000):\n    print("%07d" % n, end="...")', '');
    await withHost(code, async (run) => {
      await run.processAll(numbered, three);
      const text = Array.from({ length: 100_000 }, (_, n) => `${String(n).padStart(7, '0')}...`).join('');
      expect(run.logs.map(([, piece]) => piece).join('')).toBe(text);
      expect(run.logs.every(([, piece]) => piece.length <= 16 * 1024)).toBe(true);
      expect(run.order.indexOf('done 1')).toBe(run.order.lastIndexOf('output 1') + 1);
    });
  });
});
