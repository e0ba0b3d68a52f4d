import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pythonProgram } from '../../runtime/hosts/python/host';
import { venvPython } from '../support/venv-python';

const { command, env } = pythonProgram(process.env);
const sdk = path.join(__dirname, '../../sdk/python');
// With numpy and pandas, whose values functions return, where they are installed.
const pythons = existsSync(venvPython) ? [command, venvPython] : [command];

test.each(pythons)('the tests of the Python SDK pass: %s', (python) => {
  const args = ['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'];
  const run = spawnSync(python, args, { cwd: sdk, env, encoding: 'utf8' });
  expect(run.stderr).toMatch(/Ran [1-9]\d* tests/);
  expect({ status: run.status, output: run.status === 0 ? '' : run.stderr }).toEqual({ status: 0, output: '' });
  if (python === venvPython) expect(run.stderr).not.toContain('skipped');
});
