import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { type HostRun, numbered, recordOf, sideOutputOf, withHost } from '../../support/host-run';

/** What the host suite cannot say of every language. */
const run = (code: string, body: (host: HostRun) => Promise<void>, spec: Partial<FunctionSpec> = {}) =>
  withHost(code, body, {
    language: 'typescript',
    schema: numbered,
    env: { ...process.env, KFLOW_RUNTIME_LOG_LEVEL: 'DEBUG' },
    ...spec,
  });

const source = { type: 'raw-source' } as const;

test.each([
  ['null', 'null', []],
  ['a promise', 'Promise.resolve({ n: 7 })', [{ n: 7 }]],
  ['an iterable', 'new Set([{ n: 8 }, { n: 9 }])', [{ n: 8 }, { n: 9 }]],
])('sends the outputs of a function: %s', (_title, given, outputs) =>
  run(`const process = (ctx, event: { n: number }) => ${given};`, async (host) => {
    await host.processAll(numbered, [{ n: 1 }]);
    expect(host.outputsOf(0)).toEqual(outputs);
    expect(host.outcomes.get(0)).toBe('done');
  }),
);

test('sends each record of a generator as it is yielded', async () => {
  const code = `export async function* process(ctx, event) {
    yield { n: 1 };
    console.log('between');
    yield { n: 2 };
  }`;
  await run(code, async (host) => {
    await host.processAll(numbered, [{ n: 4 }]);
    expect(host.order).toEqual(['output 0', 'INFO between', 'output 0', 'done 0']);
  });
});

test('logs, at every level and with values, in the order of the heartbeats and outputs', async () => {
  const code = `function process(ctx, event) {
    ctx.logger.info('one', { two: 2 });
    ctx.heartbeat();
    logger.debug('three');
    console.error('four');
    return event;
  }`;
  await run(code, async (host) => {
    await host.processAll(numbered, [{ n: 3 }]);
    expect(host.order).toEqual([
      'INFO one { two: 2 }',
      'heartbeat 0',
      'DEBUG three',
      'WARNING four',
      'output 0',
      'done 0',
    ]);
  });
});

test('lets timers and sockets have their turn while a synchronous function has records to process', async () => {
  const code = 'function process() { for (const end = performance.now() + 2; performance.now() < end; ); }';
  await run(code, async (host) => {
    let doneAtTurn = 0;
    const turn = new Promise<void>((resolve) => {
      setImmediate(() => {
        doneAtTurn = host.outcomes.size;
        resolve();
      });
    });
    await host.processAll(
      numbered,
      Array.from({ length: 50 }, (_, n) => ({ n })),
    );
    await turn;
    expect(doneAtTurn).toBeLessThan(50);
    expect(new Set(host.outcomes.values())).toEqual(new Set(['done']));
  });
});

test('fails a record with what was thrown, although it is not an error', () =>
  run('function process() { throw "a word"; }', async (host) => {
    await host.processAll(numbered, [{ n: 1 }]);
    expect(host.failureOf(0)).toEqual({ type: 'Error', message: 'a word' });
  }));

test.each([
  [
    '{ n: "x" }',
    'the output does not fit the function\'s schema: n: expected long, got string "x"; use Number(text) or BigInt(text)',
  ],
  ['{ n: 1, m: 2 }', "the output does not fit the function's schema: m: not a field of the record numbered"],
  ['{}', "the output does not fit the function's schema: n: missing, and the schema has no default"],
  ['"text"', 'the output does not fit the function\'s schema: expected record numbered, got string "text"'],
])('names the first field of an output that does not fit: %s', (given, message) =>
  run(`const process = () => (${given});`, async (host) => {
    await host.processAll(numbered, [{ n: 1 }]);
    expect(host.failureOf(0)).toMatchObject({ message });
  }),
);

test('sends none of several outputs when one of them does not fit', () =>
  run('const process = () => [{ n: 1 }, { n: 0.5 }];', async (host) => {
    await host.processAll(numbered, [{ n: 1 }]);
    expect(host.order).toEqual(['failed 0']);
  }));

test('rejects an entry that is not a function', async () => {
  await expect(run('const process = 3;', async () => undefined)).rejects.toMatchObject({
    name: 'ConfigError',
    message: 'map: the code has no function "process"; set meta.name to the entry function',
  });
});

test('generates the records of a generator that it yielded before it paused', async () => {
  const code = `async function* process() {
    yield { n: 1 };
    await new Promise((resolve) => setTimeout(resolve, 100));
    yield { n: 2 };
    throw new Error('dry');
  }`;
  await run(
    code,
    async (host) => {
      const sizes = [await host.host.generate(), await host.host.generate(), await host.host.generate()].map(
        ({ payloads }) => payloads.length,
      );
      expect(sizes).toEqual([0, 1, 1]);
      await expect(host.host.generate()).rejects.toThrow('dry');
    },
    source,
  );
});

test('generates slices of at most 256 records', () =>
  run(
    'function* process() { for (let n = 0; n < 600; n++) yield { n }; }',
    async (host) => {
      const sizes: number[] = [];
      for (let ended = false; !ended; ) {
        const slice = await host.host.generate();
        sizes.push(slice.payloads.length);
        ended = slice.ended;
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(256); // a slice is shorter when its time is up
    },
    source,
  ));

test('closes while a generator is waiting', () =>
  run(
    'async function* process() { yield { n: 1 }; await new Promise(() => {}); }',
    async (host) => {
      await host.host.generate();
      host.host.generate().catch(() => undefined); // rejects with the close
    },
    source,
  ));

test('blocks a function whose side outputs cannot be stored, and goes on when they can', () =>
  run(
    `function process(ctx, event) {
      for (let n = 0; n < 100_000; n++) ctx.toSideStream('low', { n });
      return event;
    }`,
    async (host) => {
      const stored: (() => void)[] = [];
      host.store = () => new Promise((resolve) => stored.push(resolve));
      host.host.process([recordOf(0, numbered, { n: 1 })]);
      let most = 0;
      while (host.outcomes.size === 0) {
        await host.until(() => stored.length > 0 || host.outcomes.size === 1);
        most = Math.max(most, stored.length);
        for (const resolve of stored.splice(0)) resolve();
      }
      expect(host.outputsOf(0, 'low')).toHaveLength(100_000);
      expect(most).toBeLessThan(10_000); // what is in one chunk is read nevertheless
      expect(host.outcomes.get(0)).toBe('done');
    },
    { sideOutputs: [sideOutputOf('low', numbered)] },
  ));
