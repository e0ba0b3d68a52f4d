import type { FlowStatus } from '../../../../../runtime/api-contract/flow-status';
import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import { FlowRevisions } from '../../../../../runtime/controller/flows/service/flow-revisions';
import { MemoryFlowStore } from '../../../../support/memory-flow-store';

const flow = { namespace: 'team', jobId: 'job' };
const at = '2026-01-01T00:00:00.000Z';

const textOf = (mode: string) => `jobId: job\nmode: ${mode}\n`;

/** A flow with these documents as its revisions, `!` marks those that were ready. The last one is current. */
async function revisionsOf(...documents: readonly string[]) {
  const store = new MemoryFlowStore();
  const revisions: FlowRecord['revisions'][number][] = [];
  for (const [index, document] of documents.entries()) {
    const digest = await store.putDocument(flow, textOf(document.replace('!', '')));
    const proof = document.endsWith('!') ? { isProven: true as const } : {};
    revisions.push({ number: index + 1, digest, at, by: 'me', cause: 'update', ...proof });
  }
  await store.saveRecord({ ...flow, revisions, epochs: {}, runId: 'r', startTime: at });
  const current = { revision: revisions.length, digest: revisions.at(-1)?.digest ?? '' };
  const status = { ...current, closeTime: null } as unknown as FlowStatus;
  return { current, revisions: new FlowRevisions({ store, statuses: { of: async () => status } }) };
}

describe('a rollback', () => {
  test.each([
    ['returns to the newest revision that was ready', ['a!', 'b', 'c'], undefined, 'a'],
    ['returns to the newest of several revisions that were ready', ['a!', 'b!', 'c'], undefined, 'b'],
    ['passes over revisions with the current document', ['a!', 'b!', 'c', 'b!'], undefined, 'a'],
    ['returns to the previous revision when none was ready', ['a', 'b', 'c'], undefined, 'b'],
    ['returns to the requested revision, ready or not', ['a!', 'b', 'c'], 2, 'b'],
  ] as const)('%s', async (_title, documents, number, expected) => {
    const { revisions, current } = await revisionsOf(...documents);
    expect(await revisions.rollbackDocument(flow, current, number)).toBe(textOf(expected));
  });
});

test('a diff compares the latest revision with the one before it by default', async () => {
  const { revisions } = await revisionsOf('a', 'b', 'c');
  const diff = await revisions.diff(flow, {});
  expect(diff).toMatch(/^--- revision 2$/m);
  expect(diff).toMatch(/^\+\+\+ revision 3$/m);
});
