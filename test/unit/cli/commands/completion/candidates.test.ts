import { candidates } from '../../../../../runtime/cli/commands/completion/candidates';
import { groups } from '../../../../../runtime/cli/registry';

const names = {
  jobs: async () => ['words', 'one/orders'],
  functions: async (job: string) => (job === 'words' ? ['split', 'store'] : []),
  namespaces: async () => ['default', 'one'],
  executions: async () => ['two-1', 'one/two-2'],
};

test.each([
  [['re'], ['resume', 'restart', 'replay', 'receipts', 'revisions']],
  [
    ['bucket', ''],
    ['put', 'get', 'list'],
  ],
  [['bucket', 'put', ''], []],
  [['status', '--w'], ['--watch']],
  [['run', '--no'], ['--no-embedded']],
  [
    ['pause', ''],
    ['words', 'one/orders'],
  ],
  [
    ['pause', 'words', '--function', 'split', 's'],
    ['split', 'store'],
  ],
  [
    ['scale', 'words', ''],
    ['split=', 'store='],
  ],
  [['logs', 'words', 'sp'], ['split']],
  [
    ['status', '-n', ''],
    ['default', 'one'],
  ],
  [['status', '--output=j'], ['--output=json']],
  [['status', '--output', '=', 'y'], ['yaml']],
  [['completion', 'f'], ['fish']],
  [['lint', ''], []],
  [['submit', '--comment', ''], []],
  [['executions', 'show', 't'], ['two-1']],
  [['executions', 'canc'], ['cancel']],
])('completes %j to %j', async (words, values) => {
  expect((await candidates(groups, words, names)).map(({ value }) => value)).toEqual(values);
});
