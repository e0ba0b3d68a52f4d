import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FlowStage } from '../support/flow-stage';
import { waitFor } from '../support/wait-for';

const main = path.join(__dirname, '../../dist/js/runtime/cli/main.js');

let stage: FlowStage;
beforeAll(async () => {
  stage = await new FlowStage().open();
  chmodSync(stage.place.write('bin/kflow', `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`), 0o755);
  await stage.submitted();
  await stage.submitted({ namespace: 'one', jobId: 'orders' });
  await stage.submitted({ namespace: 'two', jobId: 'orders' });
});
afterAll(() => stage.close());

/** Completions that bash offers for the words; the cursor is at the end of the last one. */
async function completed(...words: string[]): Promise<string[]> {
  const script = `
    set -eu
    source <(kflow completion bash)
    complete -p kflow | grep -q -- '-F _kflow'
    compopt() { :; } # bash's own is only for a person at a prompt
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _kflow kflow
    printf '%s\\n' "\${COMPREPLY[@]:-}"`;
  const env = { ...process.env, PATH: `${path.join(stage.place.folder, 'bin')}:${process.env.PATH}` };
  const bash = spawn('bash', ['--norc', '-c', script, 'bash', 'kflow', ...words], { cwd: stage.place.folder, env });
  let text = '';
  bash.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const status = await new Promise((resolve) => bash.on('close', resolve));
  expect(status).toBe(0);
  return text.split('\n').filter((line) => line !== '');
}

/** Waits for a completion that the controller gives: on a busy machine it may not respond within the time of a shell. */
async function expectCompleted(words: readonly string[], expected: readonly string[]): Promise<void> {
  await waitFor(
    `completion of "${words.join(' ')}"`,
    () => completed(...words),
    (found) => isDeepStrictEqual(found, expected),
  );
}

test('commands and options are those of the program', async () => {
  expect(await completed('re')).toEqual(['resume', 'restart', 'replay', 'receipts', 'revisions']);
  expect(await completed('status', '--w')).toEqual(['--watch']);
  expect(await completed('bucket', 'l')).toEqual(['list']);
});

test('flows and functions come from the controller; a job in two namespaces has its full name', async () => {
  await expectCompleted(['pause', ''], ['words', 'one/orders', 'two/orders']);
  await expectCompleted(['pause', 'words', '--function', 's'], ['split', 'store']);
  await expectCompleted(['logs', 'one/orders', 'l'], ['list']);
  await expectCompleted(['scale', 'words', 'st'], ['store=']);
});

test('option values are completed, also after the equals sign that bash splits off', async () => {
  await expectCompleted(['status', '-n', 't'], ['two']);
  expect(await completed('status', '--output', '=', 'y')).toEqual(['yaml']);
});

test('files are left to the shell, and everything when no controller responds', async () => {
  expect(await completed('submit', 'wo')).toEqual([]);
  await stage.restart(async () => expect(await completed('pause', '')).toEqual([]));
});
