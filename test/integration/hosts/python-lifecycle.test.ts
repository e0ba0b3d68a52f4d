import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { HostRun, isAlive, numbered, recordOf, withHost } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';

const directory = mkdtempSync(join(tmpdir(), 'host-life-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A function that waits in each record until a file exists. */
const gate = (name: string) => ({
  open: () => writeFileSync(join(directory, name), ''),
  code: `import os, time
def process(ctx, event):
    ctx.heartbeat()
    while not os.path.exists(${JSON.stringify(join(directory, name))}):
        time.sleep(0.005)
    return event
`,
});

async function refusal(spec: Partial<FunctionSpec>, env: Record<string, string> = {}): Promise<unknown> {
  return new HostRun(spec, { env }).host.open().catch((error: unknown) => error);
}

describe('opening', () => {
  it.each([
    [
      'the line of a syntax error',
      { code: 'def process(ctx, event):\n    return (\n' },
      /^map: line 2: .*was never closed: return \(|unexpected EOF/,
    ],
    [
      'the line of a failing import',
      { code: 'import os\nimport not_there\n' },
      /^map: line 2: ModuleNotFoundError: No module named 'not_there'$/,
    ],
    [
      'the functions that exist when the entry does not',
      { code: 'import json\ndef one(ctx, event): pass\ndef two(ctx, event): pass\n', entry: 'three' },
      /^map: the code has no function "three"; found: one, two; set meta.name to the entry function$/,
    ],
    [
      'a signature that does not fit',
      { code: 'def process(event): pass' },
      /^map: process\(event\) cannot be called with 2 arguments/,
    ],
    ['a module that does not exist', { module: 'not-there.py' }, /^map: cannot read the module: .*not-there\.py/],
  ])('is rejected with %s', async (_, spec, message) => {
    const error = await refusal(spec);
    expect(error).toMatchObject({
      name: 'ConfigError',
      code: 'config-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('is rejected with advice when Python is missing or too old', async () => {
    const code = 'def process(ctx, event): pass';
    const missing = await refusal({ code }, { KFLOW_PYTHON: '/nowhere/python3' });
    expect(missing).toMatchObject({
      name: 'ConfigError',
      code: 'server-missing',
      message: expect.stringContaining('set KFLOW_PYTHON'),
    });
    const old = join(directory, 'old-python');
    writeFileSync(old, '#!/bin/sh\necho "kfbasicpy requires Python 3.9 or newer, got 3.6.15" >&2\nexit 9\n', {
      mode: 0o755,
    });
    const tooOld = await refusal({ code }, { KFLOW_PYTHON: old });
    expect(tooOld).toMatchObject({
      code: 'server-missing',
      message: expect.stringContaining('got 3.6.15; install Python 3.9'),
    });
  });
});

describe('the end', () => {
  it('is one crash with its cause when Python is killed', async () => {
    const { code } = gate('never');
    const run = new HostRun({ code: `print(__import__("os").getpid())\n${code}` });
    await run.host.open();
    run.host.process([recordOf(0, numbered, { n: 0 })]);
    await run.until(() => run.order.includes('heartbeat 0'));
    process.kill(Number(run.logs[0]?.[1]), 'SIGKILL');
    await run.until(() => run.crashes.length > 0);
    expect(run.crashes).toEqual([
      expect.objectContaining({ code: 'host-failed', message: 'Python was killed by SIGKILL' }),
    ]);
    await run.host.close();
    expect(run.order.at(-1)).toBe('crashed');
  });

  it('reports the exit code and the last lines of stderr', async () => {
    const code = 'import os\ndef process(ctx, event):\n    os.write(2, b"out of luck\\n")\n    os._exit(7)\n';
    const run = new HostRun({ code });
    await run.host.open();
    run.host.process([recordOf(0, numbered, { n: 0 })]);
    await run.until(() => run.crashes.length > 0);
    expect(run.crashes[0]?.message).toBe('Python exited with code 7; last lines:\nout of luck');
  });

  it('Python ends when this process is killed, even in a busy loop', async () => {
    const script = ['-r', 'ts-node/register/transpile-only', join(__dirname, 'host-parent.ts')];
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const parent = spawn(
      process.execPath,
      [...script, 'python', 'import os\ndef process(ctx, event):\n    print(os.getpid())\n    while True: pass'],
      { stdio: [...stdio] },
    );
    const pid = await new Promise<number>((resolve) =>
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line))),
    );
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor('Python to end', () => !isAlive(pid));
  });

  it('finishes the running record, releases the others, and leaves no files', async () => {
    const { TMPDIR } = process.env;
    process.env.TMPDIR = mkdtempSync(join(directory, 'tmp-'));
    const { open, code } = gate('close');
    const run = new HostRun({ code });
    await run.host.open();
    run.host.process(Array.from({ length: 2000 }, (_, n) => recordOf(n, numbered, { n })));
    await run.until(() => run.order.includes('heartbeat 0'));
    const closed = run.host.close();
    await run.until(() => run.outcomes.size === 1999);
    open();
    await closed;
    expect(run.outcomes.get(0)).toBe('done');
    expect([...run.outcomes.values()].filter((outcome) => outcome === 'released')).toHaveLength(1999);
    expect(run.crashes).toEqual([]);
    expect(readdirSync(process.env.TMPDIR)).toEqual([]);
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
});

describe('release', () => {
  it('releases records that have not started while one is running', async () => {
    const { open, code } = gate('release');
    await withHost(code, async (run) => {
      run.host.process(Array.from({ length: 5000 }, (_, n) => recordOf(n, numbered, { n })));
      await run.until(() => run.order.includes('heartbeat 0'));
      run.host.release();
      await run.until(() => run.outcomes.size === 4999);
      expect(new Set(run.outcomes.values())).toEqual(new Set(['released']));
      open();
      await run.until(() => run.outcomes.size === 5000);
      expect(run.outcomes.get(0)).toBe('done');
      run.host.process([recordOf(5000, numbered, { n: 1 })]);
      await run.until(() => run.outcomes.get(5000) === 'done');
    });
  });
});

describe('many records', () => {
  it('100,000 records come through in order', async () => {
    await withHost(
      'def process(ctx, event):\n    return event',
      async (run) => {
        const records = Array.from({ length: 100_000 }, (_, n) => recordOf(n, numbered, { n }));
        run.host.process(records);
        await run.until(() => run.outcomes.size === records.length);
        expect([...run.outcomes.keys()]).toEqual(records.map(({ id }) => id));
        expect(new Set(run.outcomes.values())).toEqual(new Set(['done']));
        expect(run.outputsOf(99_999)).toEqual([{ n: 99_999 }]);
      },
      { schema: numbered },
    );
  });
});
