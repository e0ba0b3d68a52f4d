import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowCommand, FlowRequest } from '../../../../../runtime/controller/flows/ports/flow-request';
import type { DesiredState } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { refusalOf, withRequest } from '../../../../../runtime/controller/flows/workflow/desired-state';
import { withoutOldRevisions, withRevision } from '../../../../../runtime/controller/flows/workflow/revisions';

const goal: DesiredState = { revision: 3, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
const at = '2026-01-01T00:00:00.000Z';
const ask = (wish: FlowCommand): FlowRequest => ({ ...wish, by: 'me', at });
const update = (base: number, updated: readonly string[] = [], dropped: readonly string[] = []) =>
  ask({ kind: 'update', digest: 'd', cause: 'update', base, updated, dropped });
const first = { from: 'first' } as const;

test.each<[string, Partial<DesiredState>, FlowRequest, string | undefined]>([
  ['a running flow takes everything', {}, ask({ kind: 'pause', functions: [] }), undefined],
  ['an update of the revision in force is taken', {}, update(3), undefined],
  [
    'an update of another revision is not',
    {},
    update(2),
    'the flow is at revision 3, but the update is based on revision 2; send the update again',
  ],
  [
    'a flow that stops is not paused',
    { ending: 'stop' },
    ask({ kind: 'pause', functions: [] }),
    'the flow is stopping; submit it again once it is stopped',
  ],
  ['a flow that stops is stopped once more', { ending: 'stop' }, ask({ kind: 'stop' }), undefined],
  ['a flow that stops can be deleted', { ending: 'stop' }, ask({ kind: 'delete', force: false }), undefined],
  [
    'what is deleted is not stopped',
    { ending: 'delete' },
    ask({ kind: 'stop' }),
    'the flow is being deleted; submit it again once it is gone',
  ],
  ['what is deleted can be deleted by force', { ending: 'delete' }, ask({ kind: 'delete', force: true }), undefined],
  [
    'what is deleted by force takes nothing',
    { ending: 'force' },
    ask({ kind: 'delete', force: true }),
    'the flow is being deleted; submit it again once it is gone',
  ],
])('%s', (_title, state, request, reason) => {
  expect(refusalOf(state.ending === undefined ? 'Running' : 'Stopping', { ...goal, ...state }, request)).toBe(reason);
});

test.each<[string, Partial<DesiredState>, FlowRequest, Partial<DesiredState>]>([
  ['a pause of the flow', {}, ask({ kind: 'pause', functions: [] }), { isPaused: true }],
  [
    'a pause of functions',
    { pauses: { a: true } },
    ask({ kind: 'pause', functions: ['b'] }),
    { pauses: { a: true, b: true } },
  ],
  [
    'a resume of one function that the document pauses',
    {},
    ask({ kind: 'resume', functions: ['a'] }),
    { pauses: { a: false } },
  ],
  [
    'a resume of the flow, and of what was paused by request',
    { isPaused: true, pauses: { a: true, b: false } },
    ask({ kind: 'resume', functions: [] }),
    { isPaused: false, pauses: { b: false } },
  ],
  [
    'one restart more',
    { restarts: { a: 1 } },
    ask({ kind: 'restart', functions: ['a', 'b'] }),
    { restarts: { a: 2, b: 1 } },
  ],
  [
    'a revision, and what is paused of its functions is up to it',
    { pauses: { a: true, b: true } },
    update(3, ['a']),
    { revision: 4, pauses: { b: true } },
  ],
  [
    'a replay after another one',
    { rewinds: [{ function: 'a', start: first }] },
    ask({ kind: 'replay', rewinds: [{ function: 'b', start: first }] }),
    {
      rewinds: [
        { function: 'a', start: first },
        { function: 'b', start: first },
      ],
    },
  ],
  [
    'an update that has a function read anew, after a replay',
    { rewinds: [{ function: 'a', start: first }] },
    update(3, ['b'], ['b']),
    {
      revision: 4,
      rewinds: [
        { function: 'a', start: first },
        { function: 'b', start: first, isOfUpdate: true },
      ],
    },
  ],
  [
    'a scale after an update that has not been in force yet',
    { rewinds: [{ function: 'b', start: first, isOfUpdate: true }] },
    ask({ kind: 'update', digest: 'e', cause: 'scale', base: 3, updated: [], dropped: [] }),
    { revision: 4 },
  ],
  [
    'a rollback of such an update',
    {
      rewinds: [
        { function: 'a', start: first },
        { function: 'b', start: first, isOfUpdate: true },
      ],
    },
    ask({ kind: 'update', digest: 'e', cause: 'rollback', base: 3, updated: [], dropped: [] }),
    { revision: 4, rewinds: [{ function: 'a', start: first }] },
  ],
  [
    'an end by force in place of a slower one',
    { ending: 'delete' },
    ask({ kind: 'delete', force: true }),
    { ending: 'force' },
  ],
])('what is wanted after %s', (_title, state, request, wanted) => {
  expect(withRequest({ ...goal, ...state }, request, 4)).toEqual({ ...goal, ...state, ...wanted });
});

describe('revisions', () => {
  const record: FlowRecord = { namespace: 'n', jobId: 'j', revisions: [], epochs: {}, runId: 'r', startTime: at };
  const revision = (digest: string) => ({ digest, at, by: 'me', cause: 'update' as const });

  test('are counted from 1, and the same document is no other revision', () => {
    const { revisions } = withRevision(withRevision(withRevision(record, revision('a')), revision('b')), revision('b'));
    expect(revisions.map(({ number, digest }) => [number, digest])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('are remembered as far as a workflow can carry them, those in use whatever their age', () => {
    let long = record;
    for (let number = 1; number <= 60; number++) long = withRevision(long, revision(`d${number}`));
    const proven = long.revisions.map((each) => (each.number === 7 ? { ...each, isProven: true as const } : each));
    const kept = withoutOldRevisions(proven, [3, 60]).map(({ number }) => number);
    expect(kept).toEqual([3, 7, ...Array.from({ length: 50 }, (_, index) => index + 11)]);
  });
});
