import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode, type HostRun, numbered, withHost } from '../../support/host-run';

const source = { type: 'raw-source' as const, schema: numbered, entry: 'generate' };

async function generate(run: HostRun): Promise<{ records: unknown[]; ended: boolean }> {
  const { payloads, ended, isRepeatable } = await run.host.generate();
  // the first answer for a generator is empty
  if (payloads.length === 0 && isRepeatable && !ended) return generate(run);
  return { records: payloads.map(decode), ended };
}

async function generateAll(run: HostRun): Promise<unknown[]> {
  const { records, ended } = await generate(run);
  return ended ? records : [...records, ...(await generateAll(run))];
}

describe('a source function', () => {
  it.each([
    ['a generator', 'def generate():\n    for n in range(3000):\n        yield {"n": n}'],
    ['an async generator', 'async def generate(ctx):\n    for n in range(3000):\n        yield {"n": n}'],
  ])('returns all records in slices: %s', async (_, code) => {
    await withHost(
      code,
      async (run) => {
        expect(await generateAll(run)).toEqual(Array.from({ length: 3000 }, (_, n) => ({ n })));
      },
      source,
    );
  });

  it('hands over the records it has while it waits for more', async () => {
    const gate = path.join(tmpdir(), 'more');
    const code = `import os, time
def generate():
    yield {"n": 1}
    yield {"n": 2}
    while not os.path.exists(${JSON.stringify(gate)}):
        time.sleep(0.005)
    yield {"n": 3}
`;
    await withHost(
      code,
      async (run) => {
        expect(await generate(run)).toEqual({ records: [{ n: 1 }, { n: 2 }], ended: false });
        writeFileSync(gate, '');
        expect(await generateAll(run)).toEqual([{ n: 3 }]);
      },
      source,
    );
  });

  it('reports an exception after the records before it, and is called again', async () => {
    const code = 'def generate():\n    yield {"n": 1}\n    raise ValueError("dry")';
    await withHost(
      code,
      async (run) => {
        expect((await generate(run)).records).toEqual([{ n: 1 }]);
        await expect(generate(run)).rejects.toMatchObject({ code: 'function-failed', message: 'ValueError: dry' });
        expect((await generate(run)).records).toEqual([{ n: 1 }]);
      },
      source,
    );
  });
});
