import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pythonProgram } from '../../runtime/hosts/python/host';

test('the tests of the Python SDK pass', () => {
  const { command, env } = pythonProgram(process.env);
  const sdk = path.join(__dirname, '../../sdk/python');
  const run = spawnSync(command, ['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'], {
    cwd: sdk,
    env,
    encoding: 'utf8',
  });
  expect(run.stderr).toMatch(/Ran [1-9]\d* tests/);
  expect({ status: run.status, output: run.status === 0 ? '' : run.stderr }).toEqual({ status: 0, output: '' });
});
