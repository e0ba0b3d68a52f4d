import { waitFor } from '../../../../support/wait-for';
import { flow, TestController } from './support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start({ isManual: true });
});
afterEach(() => controller.close());

/** A waiting command, once it follows the flow. */
async function waiting(...words: readonly string[]): Promise<() => ReturnType<TestController['kflow']>> {
  const command = controller.kflow(...words, '--wait');
  await waitFor('a follower', () => controller.flows.following > 0);
  return () => command;
}

test('a flow that has not met the condition in time exits with 5, and names its state', async () => {
  const { status, stderr } = await controller.kflow('pause', 'words', '--wait', '--timeout', '3s');
  expect([status, stderr]).toEqual([5, expect.stringContaining('timed out waiting for default/words to pause')]);
  expect(controller.flows.requests).toHaveLength(1);
});

test('a flow that meets the condition exits with 0', async () => {
  const command = await waiting('stop', 'words');
  controller.flows.enter(flow, 'Stopped');
  expect(await command()).toMatchObject({ status: 0, stdout: 'default/words: stop requested; Stopped, revision 1\n' });
});

test('a flow that can no longer meet the condition exits with 1, and names the reason', async () => {
  const command = await waiting('pause', 'words');
  controller.flows.become('default/words', { reason: 'the disk is full' });
  controller.flows.enter(flow, 'Failed');
  const { status, stderr } = await command();
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining('default/words is Failed and will not pause: the disk is full'),
  ]);
});

test.each([
  ['delete', ['--yes'], 0, 'delete requested; deleted'],
  ['stop', [], 4, ''],
])('a flow that no longer exists ends kflow %s %j with %i', async (command, words, status, state) => {
  const ended = await waiting(command, 'words', ...words);
  controller.flows.forget('default/words');
  controller.flows.happen({ id: 'n1', kind: 'notice', what: 'removed' });
  expect(await ended()).toMatchObject({ status, stdout: state === '' ? '' : `default/words: ${state}\n` });
});
