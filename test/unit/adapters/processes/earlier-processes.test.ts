import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAlive, waitForEarlierProcesses } from '../../../../runtime/adapters/processes/earlier-processes';

test('waits until every process of the pid files has ended', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-earlier-'));
  const running = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  const files = Object.entries({ running, gone }).map(([name, { pid }]) => {
    const file = path.join(folder, name);
    writeFileSync(file, String(pid));
    return file;
  });
  let isOver = false;
  const waiting = waitForEarlierProcesses([...files, path.join(folder, 'missing')]).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  running.stdin.end();
  await waiting;
  expect(running.exitCode).toBe(0);
  rmSync(folder, { recursive: true });
});

test('a process of another user is alive, a pid without a process is not', async () => {
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  expect([isAlive(1), isAlive(gone.pid as number)]).toEqual([true, false]);
});
