import type { FlowKey } from '../../../../../runtime/api-contract/flow-key';
import { flowName } from '../../../../../runtime/api-contract/flow-key';
import { LoginRenewal } from '../../../../../runtime/controller/flows/service/login-renewal';
import { waitFor } from '../../../../support/wait-for';

const flows: readonly FlowKey[] = ['one', 'two', 'three'].map((jobId) => ({ namespace: 'team', jobId }));

/** Runs a renewal that checks all the time until it has been told about a flow often enough. */
async function signaled(due: () => Promise<readonly FlowKey[]>, observed: (flow: FlowKey) => Promise<boolean>) {
  const signals: string[] = [];
  const warnings: string[] = [];
  const revoked: string[] = [];
  const renewal = new LoginRenewal({
    logins: { due, revoke: async (flow) => void revoked.push(flowName(flow)) },
    workflows: {
      observed: async (flow, drift, cause) => {
        signals.push(`${flowName(flow)} ${cause} ${drift}`);
        return observed(flow);
      },
    },
    onWarning: (text) => warnings.push(text),
    everyMs: 1,
  });
  renewal.start();
  await waitFor('several signals', () => signals.length > 2 * flows.length);
  await renewal.close();
  return { signals, warnings, revoked };
}

test('the workflows of flows whose login is due apply their flow again', async () => {
  const { signals, warnings, revoked } = await signaled(
    async () => flows,
    async () => true,
  );
  const text = 'the login of its replicas at nats was renewed';
  expect(signals.slice(0, 3)).toEqual(flows.map((flow) => `${flowName(flow)} due ${text}`));
  expect([warnings, revoked]).toEqual([[], []]);
});

test('the login of a flow that is closed is revoked, and one that it has got meanwhile is renewed', async () => {
  let isClosed = true;
  const { signals, revoked } = await signaled(
    async () => flows.slice(0, 1),
    async () => {
      isClosed = !isClosed;
      return isClosed;
    },
  );
  expect(new Set(revoked)).toEqual(new Set(['team/one']));
  expect(signals.length).toBeGreaterThanOrEqual(2 * revoked.length);
});

test('a flow that cannot be signaled does not keep others from being renewed', async () => {
  const { signals, warnings } = await signaled(
    async () => flows,
    async ({ jobId }) => {
      if (jobId === 'two') throw new Error('no answer');
      return true;
    },
  );
  expect(signals.some((signal) => signal.startsWith('team/three'))).toBe(true);
  expect(warnings[0]).toBe('team/two: cannot renew its login at nats: no answer; retrying');
});

test('a failed check is reported and repeated', async () => {
  let failures = 2;
  const { warnings } = await signaled(
    async () => {
      if (failures-- > 0) throw new Error('away');
      return flows;
    },
    async () => true,
  );
  expect(warnings).toEqual(Array(2).fill('cannot check the logins of flows at nats: away; retrying'));
});
