import { endTask } from '../../../../runtime/controller/executions/service/end-task';
import { TaskTokens } from '../../../../runtime/controller/executions/task-tokens';
import { testKey } from '../../../support/installation';

const tokens = new TaskTokens(testKey());
const ref = { execution: 'e1', run: 1, step: '1', attempt: 1, isReceiptDue: false } as const;

test('whoever was called cannot report a value of another execution as its own', async () => {
  const results: unknown[] = [];
  const ports = {
    tokens,
    values: { put: async (_namespace: string, _key: string, value: unknown) => value } as never,
    reports: {
      isWanted: async () => true,
      tell: async (_namespace: string, _ref: unknown, report: unknown) => void results.push(report),
      confirm: async () => void results.push('confirmed'),
    },
  };
  const token = tokens.make('demo', ref);
  const output = { $claim: { key: 'e2/1/1/1/output', bytes: 70_000 } };
  await expect(endTask(ports, 'demo', { token, output })).rejects.toMatchObject({ code: 'config-invalid' });
  expect(results).toEqual([]);
  expect(await endTask(ports, 'demo', { token, output: { $claim: 'mine' } })).toBe('ended');
  expect(results).toEqual([{ kind: 'succeeded', output: { $claim: 'mine' } }, 'confirmed']);
});
