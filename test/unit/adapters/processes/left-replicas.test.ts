import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pidFileName, waitForLeftReplicas } from '../../../../runtime/adapters/processes/left-replicas';

test('waits for replicas that still run, and for no others', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-left-'));
  const left = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  for (const [name, { pid }] of Object.entries({ left, gone })) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, pidFileName), String(pid));
  }
  let isOver = false;
  const waiting = waitForLeftReplicas(folder).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  left.stdin.end();
  await waiting;
  expect(left.exitCode).toBe(0);
  rmSync(folder, { recursive: true });
});
