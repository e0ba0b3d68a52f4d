import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { createHost } from '../../../runtime/hosts/create-host';
import { AbandonedStep, StepLoop } from '../../../runtime/steps/step-loop';
import { numbered, sideOutputOf } from '../../support/host-run';
import { mapSpec } from '../plan/planned';

const codec = new AvroSchemaCodec(numbered);
const stopped = new AbortController();
const input = { function: 'from', stream: 'in', subject: 'in', durable: 'map' };

interface Codes {
  readonly python: string;
  readonly typescript: string;
}

/** Runs the code of a language in the loop, on numbers, and returns what became of each object. */
async function withLoop(
  language: keyof Codes,
  codes: Codes,
  body: (run: (name: string, ...numbers: number[]) => ReturnType<StepLoop['run']>, loop: StepLoop) => Promise<void>,
  more: Partial<FunctionSpec> = {},
): Promise<void> {
  const spec = mapSpec({
    language,
    code: codes[language],
    entry: 'run',
    inputs: [input],
    schema: numbered as FunctionSpec['schema'],
    sideOutputs: [sideOutputOf('odd', numbered) as FunctionSpec['sideOutputs'][number]],
    ...more,
  });
  const schemas = { schemaOf: async () => numbered };
  const loop = new StepLoop({
    spec,
    schemas,
    createHost: (events) =>
      createHost({
        spec,
        events,
        schemas,
        replica: 0,
        baseDir: process.cwd(),
        isStreaming: false,
        env: process.env,
      }),
    counters: { in: 0, out: 0, failed: 0, dead: 0 },
    log: () => undefined,
    isLongRunning: false,
  });
  await loop.start(() => undefined);
  try {
    await body(
      (name, ...numbers) =>
        loop.run(
          name,
          numbers.map((n) => codec.encode({ n }) ?? Buffer.of()),
        ),
      loop,
    );
  } finally {
    await loop.stop(0);
  }
}

describe.each(['python', 'typescript'] as const)('a function in %s', (language) => {
  test('runs on the records of an object, and gives its outputs in order', async () => {
    const codes = {
      python: `
def run(ctx, event):
    if event["n"] % 2 == 1:
        ctx.to_side_stream("odd", event)
    return [{"n": event["n"] * 10}, {"n": event["n"] * 10 + 1}]
`,
      typescript: `
export function run(ctx, event) {
  if (event.n % 2 === 1) ctx.toSideStream('odd', event);
  return [{ n: event.n * 10 }, { n: event.n * 10 + 1 }];
}
`,
    };
    await withLoop(language, codes, async (run) => {
      expect(await run('a', 1, 2)).toEqual({
        outputs: [{ n: 10 }, { n: 11 }, { n: 20 }, { n: 21 }],
        sideOutputs: { odd: [{ n: 1 }] },
        errors: [],
      });
      expect(await run('a', 4)).toMatchObject({ outputs: [{ n: 40 }, { n: 41 }] });
    });
  });

  test('has one attempt at a record that fails, and the others of the object run', async () => {
    const codes = {
      python: `
def run(ctx, event):
    if event["n"] == 2:
        raise ValueError("two")
    return event
`,
      typescript: `
export function run(ctx, event) {
  if (event.n === 2) throw new TypeError('two');
  return event;
}
`,
    };
    const type = { python: 'ValueError', typescript: 'TypeError' }[language];
    await withLoop(language, codes, async (run) => {
      const { outputs, errors } = await run('a', 1, 2, 3);
      expect(outputs).toEqual([{ n: 1 }, { n: 3 }]);
      expect(errors).toMatchObject([{ record: 1, type, message: 'two', trace: expect.stringContaining('two') }]);
    });
  });

  test('ends its process with a record, and runs the next one in another', async () => {
    const codes = {
      python: `
import os
def run(ctx, event):
    if event["n"] == 2:
        os._exit(3)
    return event
`,
      typescript: `
export function run(ctx, event) {
  if (event.n === 2) process.exit(3);
  return event;
}
`,
    };
    await withLoop(language, codes, async (run) => {
      expect(await run('a', 2)).toMatchObject({ outputs: [], errors: [{ record: 0, reason: 'exited' }] });
      expect(await run('b', 1)).toMatchObject({ outputs: [{ n: 1 }], errors: [] });
    });
  });

  test('keeps its variables from step to step', async () => {
    const codes = {
      python: `
total = 0
def run(ctx, event):
    global total
    total += event["n"]
    return {"n": total}
`,
      typescript: `
let total = 0;
export function run(ctx, event) {
  total += event.n;
  return { n: total };
}
`,
    };
    await withLoop(language, codes, async (run) => {
      expect((await run('a', 1)).outputs).toEqual([{ n: 1 }]);
      expect((await run('b', 4)).outputs).toEqual([{ n: 5 }]);
    });
  });

  test('is not run after its loop was stopped', async () => {
    const codes = {
      python: 'def run(ctx, event):\n    return event\n',
      typescript: 'export const run = (ctx, event) => event;\n',
    };
    await withLoop(language, codes, async (run, loop) => {
      await loop.stop(0);
      await expect(run('late', 1)).rejects.toBeInstanceOf(AbandonedStep);
    });
  });

  test('that requests acks itself has results when it does, and keeps nothing from running', async () => {
    const codes = {
      python: `
seen = 0
def run(ctx, event):
    global seen
    seen += 1
    if seen == 2:
        ctx.request_ack()
    return event
`,
      typescript: `
let seen = 0;
export function run(ctx, event) {
  seen += 1;
  if (seen === 2) ctx.requestAck();
  return event;
}
`,
    };
    await withLoop(
      language,
      codes,
      async (run, loop) => {
        const first = run('a', 1);
        await loop.free(stopped.signal);
        expect((await run('b', 2)).outputs).toEqual([{ n: 2 }]);
        expect((await first).outputs).toEqual([{ n: 1 }]);
      },
      { ack: 'manual' },
    );
  });
});
