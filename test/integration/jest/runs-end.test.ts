import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAlive } from '../../../runtime/adapters/processes/earlier-processes';
import { waitFor } from '../../support/wait-for';

const root = path.join(__dirname, '../../..');
let runs = 0;

/** Runs jest on a file of this folder that is not part of the suite. */
class JestRun {
  readonly report = path.join(tmpdir(), `report-${++runs}.json`);
  output = '';
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(file: string, ...args: readonly string[]) {
    const base = require(path.join(root, 'jest.config.js')) as object;
    const config = JSON.stringify({ ...base, rootDir: root, testMatch: [`<rootDir>/test/integration/jest/${file}`] });
    const command = [path.join(root, 'node_modules/jest/bin/jest.js'), '--config', config, ...args];
    this.process = spawn(process.execPath, command, {
      cwd: root,
      env: { ...process.env, KFLOW_TEST_REPORT: this.report, KFLOW_TEST_COUNTS: '' },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
    this.exited = new Promise((resolve) => this.process.once('close', resolve));
  }
}

test('a failed test that leaves a server open ends with its run', async () => {
  const run = new JestRun('failing-file.ts', '--runInBand');
  expect({ status: await run.exited, output: run.output }).toMatchObject({ status: 1 });
  expect(run.output).toContain('on purpose');
  expect(run.output).toMatch(/^0 passed, 1 failed$/m);
  expect(run.output).toMatch(/^To repeat: KFLOW_SEED=\d+ npx jest test\/integration\/jest\/failing-file\.ts$/m);
  expect(run.output).not.toContain('Still open');
});

test('a run that something keeps open ends, fails and names it', async () => {
  const run = new JestRun('leaking-file.ts', '--runInBand');
  expect({ status: await run.exited, output: run.output }).toMatchObject({ status: 1 });
  expect(run.output).toMatch(/^1 passed, 0 failed$/m);
  expect(run.output).toMatch(/Still open 15 s after the last test:\n {2}server on \d+$/m);
});

test.each([
  ['SIGKILL', 'running-servers.ts', '--runInBand'],
  ['SIGTERM', 'running-servers.ts', '--runInBand'],
  ['SIGKILL', '{running-servers,failing-file}.ts', '--maxWorkers=2'],
] as const)('%s of a run of %s %s leaves no server, no stack and no file', async (signal, files, how) => {
  const run = new JestRun(files, how);
  await waitFor(
    'the servers and the stack',
    () => existsSync(run.report) || run.output,
    (seen) => seen === true,
  );
  const { home, pids } = JSON.parse(readFileSync(run.report, 'utf8')) as { home: string; pids: number[] };
  expect(pids.length).toBeGreaterThan(5);
  expect(pids.filter(isAlive)).toEqual(pids);
  run.process.kill(signal);
  await waitFor(
    'all processes to be gone',
    () => pids.filter(isAlive),
    (alive) => alive.length === 0,
  );
  await waitFor('the folder to be gone', () => !existsSync(home));
});

test('a test file that blocks its process longer than its limit is killed and named', async () => {
  const blocked = spawn(process.execPath, ['-e', 'for (;;);']);
  const killed = new Promise((resolve) => blocked.once('exit', (_code, signal) => resolve(signal)));
  const program = path.join(root, 'test/support/jest/watchdog.js');
  const watchdog = spawn(process.execPath, [program, String(blocked.pid)]);
  let output = '';
  watchdog.stderr.on('data', (chunk) => {
    output += chunk;
  });
  watchdog.stdin.write(`${JSON.stringify({ step: 'endless.test.ts › loops', limitMs: 100 })}\n`);
  expect(await killed).toBe('SIGKILL');
  const ended = new Promise((resolve) => watchdog.once('close', resolve));
  watchdog.stdin.end();
  expect(await ended).toBe(0);
  expect(output).toContain(`endless.test.ts › loops: still running after 0.1 s; killing process ${blocked.pid}`);
});
