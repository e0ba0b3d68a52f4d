import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HostRun, isAlive, numbered, recordOf } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';

const busy = `const started = require('node:child_process').spawn('sleep', ['1000']);
function process(ctx, event) {
  ctx.logger.info(globalThis.process.pid + ' ' + started.pid);
  for (;;);
}`;

it('ends with its parent, even in a busy loop, and so does what it has started', async () => {
  const script = ['-r', 'ts-node/register/transpile-only', join(__dirname, 'host-parent.ts')];
  const parent = spawn(process.execPath, [...script, 'typescript', busy], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids = await new Promise<number[]>((resolve) =>
    createInterface({ input: parent.stdout }).once('line', (line) => resolve(line.split(' ').map(Number))),
  );
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await waitFor('the processes to end', () => pids.every((pid) => !isAlive(pid)));
});

it('passes 100,000 records in order, although outcomes are gathered', async () => {
  const run = new HostRun({ language: 'typescript', schema: numbered, code: 'const process = (ctx, event) => event;' });
  await run.host.open();
  const records = Array.from({ length: 100_000 }, (_, n) => recordOf(n, numbered, { n }));
  run.host.process(records);
  await run.until(() => run.outcomes.size === records.length);
  expect([...run.outcomes.keys()]).toEqual(records.map(({ id }) => id));
  expect(new Set(run.outcomes.values())).toEqual(new Set(['done']));
  expect(run.outputsOf(99_999)).toEqual([{ n: 99_999 }]);
  await run.host.close();
  expect(run.faults).toEqual([]);
});

it('reports the records before one that never returns, among many that were gathered', async () => {
  const code = 'function process(ctx, event) { if (event.n === 7_777) for (;;); return event; }';
  const run = new HostRun({ language: 'typescript', schema: numbered, code });
  await run.host.open();
  run.host.process(Array.from({ length: 10_000 }, (_, n) => recordOf(n, numbered, { n })));
  await run.until(() => run.outcomes.size === 7_777);
  await run.host.kill();
  expect([...run.outcomes.keys()].at(-1)).toBe(7_776);
});

it('keeps the environment of the replica, and ignores Ctrl-C', async () => {
  const code = `function process(ctx, event) {
    ctx.logger.info(globalThis.process.env.GREETING);
    globalThis.process.kill(globalThis.process.pid, 'SIGINT');
    return event;
  }`;
  const env = { ...process.env, GREETING: 'hello' };
  const run = new HostRun({ language: 'typescript', schema: numbered, code }, { env });
  await run.host.open();
  await run.processAll(numbered, [{ n: 1 }, { n: 2 }]);
  expect([run.logs, run.outcomes.get(1)]).toEqual([
    [
      ['INFO', 'hello'],
      ['INFO', 'hello'],
    ],
    'done',
  ]);
  await run.host.close();
});

it('does not grow while a generator yields without end', async () => {
  const code = `console.log(globalThis.process.pid);
    function* process(ctx, event) { for (let n = 0; ; n++) yield { n }; }`;
  const run = new HostRun({ language: 'typescript', schema: numbered, code });
  const stored: (() => void)[] = [];
  run.store = () => new Promise((resolve) => stored.push(resolve));
  await run.host.open();
  run.host.process([recordOf(0, numbered, { n: 0 })]);
  let count = 0;
  while (count < 20_000) {
    await run.until(() => stored.length > 0);
    expect(stored.length).toBeLessThanOrEqual(64);
    count += stored.length;
    for (const resolve of stored.splice(0)) resolve();
  }
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${run.logs[0]?.[1]}/status`, 'utf8'))?.[1];
  expect(Number(peak)).toBeLessThan(300_000);
  await run.host.kill();
});
