import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowCommand, FlowRequest } from '../../../../../runtime/controller/flows/ports/flow-request';
import type { DesiredState } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { refusalOf, withRequest } from '../../../../../runtime/controller/flows/workflow/desired-state';
import { withoutOldRevisions, withRevision } from '../../../../../runtime/controller/flows/workflow/revisions';

const initial: DesiredState = { revision: 3, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
const at = '2026-01-01T00:00:00.000Z';
const request = (command: FlowCommand): FlowRequest => ({ ...command, by: 'me', at });
const update = (base: number, updated: readonly string[] = [], dropped: readonly string[] = []) =>
  request({ kind: 'update', digest: 'd', cause: 'update', base, updated, dropped });
const first = { from: 'first' } as const;

test.each<[string, Partial<DesiredState>, FlowRequest, string | undefined]>([
  ['a running flow accepts a pause', {}, request({ kind: 'pause', functions: [] }), undefined],
  ['an update based on the desired revision is accepted', {}, update(3), undefined],
  [
    'an update based on another revision is refused',
    {},
    update(2),
    'the flow is at revision 3, but the update is based on revision 2; send the update again',
  ],
  [
    'a stopping flow refuses a pause',
    { ending: 'stop' },
    request({ kind: 'pause', functions: [] }),
    'the flow is stopping; submit it again once it is stopped',
  ],
  ['a stopping flow accepts another stop', { ending: 'stop' }, request({ kind: 'stop' }), undefined],
  ['a stopping flow accepts a delete', { ending: 'stop' }, request({ kind: 'delete', force: false }), undefined],
  [
    'a flow that is being deleted refuses a stop',
    { ending: 'delete' },
    request({ kind: 'stop' }),
    'the flow is being deleted; submit it again once it is gone',
  ],
  [
    'a flow that is being deleted accepts a forced delete',
    { ending: 'delete' },
    request({ kind: 'delete', force: true }),
    undefined,
  ],
  [
    'a flow that is being deleted by force accepts the same request again',
    { ending: 'force' },
    request({ kind: 'delete', force: true }),
    undefined,
  ],
  [
    'a flow that is being deleted by force refuses every other request',
    { ending: 'force' },
    request({ kind: 'stop' }),
    'the flow is being deleted; submit it again once it is gone',
  ],
])('%s', (_title, state, received, reason) => {
  expect(refusalOf(state.ending === undefined ? 'Running' : 'Stopping', { ...initial, ...state }, received)).toBe(
    reason,
  );
});

test.each<[string, Partial<DesiredState>, FlowRequest, Partial<DesiredState>]>([
  [
    'a delete leaves a forced delete as it is',
    { ending: 'force' },
    request({ kind: 'delete', force: false }),
    { ending: 'force' },
  ],
  [
    'a pause of the flow keeps the pauses of functions',
    { pauses: { a: true } },
    request({ kind: 'pause', functions: [] }),
    { isPaused: true },
  ],
  [
    'a pause of functions adds to earlier ones',
    { pauses: { a: true } },
    request({ kind: 'pause', functions: ['b'] }),
    { pauses: { a: true, b: true } },
  ],
  [
    'a resume of a function overrides the document',
    {},
    request({ kind: 'resume', functions: ['a'] }),
    { pauses: { a: false } },
  ],
  [
    'a resume of the flow also resumes functions that requests paused',
    { isPaused: true, pauses: { a: true, b: false } },
    request({ kind: 'resume', functions: [] }),
    { isPaused: false, pauses: { b: false } },
  ],
  [
    'a restart counts up',
    { restarts: { a: 1 } },
    request({ kind: 'restart', functions: ['a', 'b'] }),
    { restarts: { a: 2, b: 1 } },
  ],
  [
    'an update cancels requested pauses of the functions that it changes',
    { pauses: { a: true, b: true } },
    update(3, ['a']),
    { revision: 4, pauses: { b: true } },
  ],
  [
    'a replay is added to pending ones',
    { rewinds: [{ function: 'a', start: first }] },
    request({ kind: 'replay', rewinds: [{ function: 'b', start: first }] }),
    {
      rewinds: [
        { function: 'a', start: first },
        { function: 'b', start: first },
      ],
    },
  ],
  [
    'an update adds its re-reads to those of replay requests',
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
    'a scale keeps the re-reads of an update that is still pending',
    { rewinds: [{ function: 'b', start: first, isOfUpdate: true }] },
    request({ kind: 'update', digest: 'e', cause: 'scale', base: 3, updated: [], dropped: [] }),
    { revision: 4 },
  ],
  [
    'a rollback cancels the re-reads of the update, and no others',
    {
      rewinds: [
        { function: 'a', start: first },
        { function: 'b', start: first, isOfUpdate: true },
      ],
    },
    request({ kind: 'update', digest: 'e', cause: 'rollback', base: 3, updated: [], dropped: [] }),
    { revision: 4, rewinds: [{ function: 'a', start: first }] },
  ],
  [
    'a forced delete replaces a delete',
    { ending: 'delete' },
    request({ kind: 'delete', force: true }),
    { ending: 'force' },
  ],
])('%s', (_title, state, received, expected) => {
  expect(withRequest({ ...initial, ...state }, received, 4)).toEqual({ ...initial, ...state, ...expected });
});

describe('revisions', () => {
  const record: FlowRecord = { namespace: 'n', jobId: 'j', revisions: [], epochs: {}, runId: 'r', startTime: at };
  const revision = (digest: string) => ({ digest, at, by: 'me', cause: 'update' as const });

  test('are numbered from 1; the same document again is not a new revision', () => {
    const { revisions } = withRevision(withRevision(withRevision(record, revision('a')), revision('b')), revision('b'));
    expect(revisions.map(({ number, digest }) => [number, digest])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('are limited to 50, except those in use and the newest one that was ready', () => {
    let long = record;
    for (let number = 1; number <= 60; number++) long = withRevision(long, revision(`d${number}`));
    const proven = long.revisions.map((each) => (each.number === 7 ? { ...each, isProven: true as const } : each));
    const kept = withoutOldRevisions(proven, [3, 60]).map(({ number }) => number);
    expect(kept).toEqual([3, 7, ...Array.from({ length: 50 }, (_, index) => index + 11)]);
  });
});
