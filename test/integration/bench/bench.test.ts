import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const program = path.join(__dirname, '../../../dist/js/bench/main.js');

test('the control plane benchmark runs and prints its figures', async () => {
  const env = { ...process.env, KFLOW_BENCH_FLOWS: '3' };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'control-plane'], { env });
  expect(stdout).toMatch(/^control plane, 3 flows of 5 functions/);
  expect(stdout).toMatch(/submit to Running and healthy: median \d+ ms, p99 \d+ ms/);
  expect(stdout).toMatch(/memory of the controller: \d+ MB/);
});

test('the benchmark of keys moves every record once and in order, and prints the memory of its replicas', async () => {
  const env = { ...process.env, KFLOW_BENCH_RECORDS: '2000' };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'keys'], { env });
  expect(stdout).toMatch(/^keys, 2,000 records of 1,000 keys, 2 replicas each:/);
  expect(stdout).toMatch(/2,000 records after .* s, peaks since: source \d+ MB, typescript \d+ MB, python \d+ MB/);
  expect(stdout).toContain('every record once, and those of each key in order');
});
