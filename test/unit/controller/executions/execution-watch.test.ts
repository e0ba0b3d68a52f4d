import type { ExecutionView } from '../../../../runtime/api-contract/execution-status';
import { ExecutionWatch } from '../../../../runtime/controller/executions/service/execution-watch';
import { waitFor } from '../../../support/wait-for';

test('a namespace whose nats refuses, or does not respond, keeps no other one waiting', async () => {
  const begun: string[] = [];
  const warnings: string[] = [];
  const views = ['silent', 'refused', 'good'].map((namespace) => ({ namespace, status: 'Running' }) as ExecutionView);
  const watch = new ExecutionWatch({
    store: { list: async () => views },
    bus: {
      listen: async (namespace) => {
        if (namespace === 'silent') await new Promise(() => undefined);
        if (namespace === 'refused') throw new Error('no login');
      },
    },
    reports: {
      result: async () => undefined,
      isWanted: async () => true,
      malformed: async () => true,
      confirm: async () => undefined,
    },
    memos: { sweep: async () => undefined },
    shared: { sweep: async () => undefined },
    lost: { sweep: async () => undefined },
    latches: { sweep: async (namespace) => void begun.push(namespace) },
    eventWaits: { listen: async () => undefined },
    onWarning: (text) => warnings.push(text),
  });
  watch.start();
  await waitFor('the namespace to be looked after', async () => begun.includes('good'));
  watch.close();
  expect(warnings).toEqual(['cannot look after the executions of refused: no login; retrying']);
});
