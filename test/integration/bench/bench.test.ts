import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

test('the control plane benchmark runs and prints its figures', async () => {
  const program = path.join(__dirname, '../../../dist/js/bench/main.js');
  const env = { ...process.env, KFLOW_BENCH_FLOWS: '3' };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'control-plane'], { env });
  expect(stdout).toMatch(/^control plane, 3 flows of 5 functions/);
  expect(stdout).toMatch(/submit to Running and healthy: median \d+ ms, p99 \d+ ms/);
  expect(stdout).toMatch(/memory of the controller: \d+ MB/);
});
