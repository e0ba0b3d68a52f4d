import { assertQueue, type QueueClaim } from '../../../../../runtime/adapters/jetstream/flow-store/claim-store';

const flows = ['a', 'b', 'c', 'd'].map((jobId) => ({ namespace: 'team', jobId }));

/** What a controller on the queue `mine` says about the claim; undefined if it starts. */
function judged(claim: Partial<QueueClaim>): Promise<string | undefined> {
  return assertQueue({ known: undefined, queue: 'mine', openFlows: async () => flows, ...claim }).then(
    () => undefined,
    (error) => `${error.code}: ${error.message}`,
  );
}

test.each<[string, Partial<QueueClaim>]>([
  ['its own claim', { known: 'mine' }],
  ['a claim of another queue without flows that are not closed', { known: 'other', openFlows: async () => [] }],
  ['no claim and no flows', { openFlows: async () => [], runs: async () => false }],
  ['no claim, and a flow that runs on its queue', { runs: async ({ jobId }) => jobId === 'c' }],
  ['no claim, before its queue is known to be usable', {}],
])('a controller starts with %s', async (_what, claim) => {
  expect(await judged(claim)).toBeUndefined();
});

test('flows on another queue are named, with what to do', async () => {
  expect(await judged({ known: 'other', runs: async () => true })).toBe(
    'config-invalid: temporal.taskQueue: the flows of this nats account run on the other, got the mine (not closed: team/a, team/b, team/c and 1 more); set it back, because flows cannot move; to change it, delete these flows first, with the queue as it was (kflow install --task-queue)',
  );
});

test('flows of an earlier version that do not run on the queue keep a controller from claiming it', async () => {
  expect(await judged({ runs: async () => false })).toMatch(
    /^config-invalid: .* run elsewhere, not on the mine \(not closed: team\/a, .*; set the queue and the server on which they run/,
  );
});
