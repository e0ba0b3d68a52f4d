import { findDrift, findMissing } from '../../../../../runtime/controller/flows/health/find-drift';
import type { FunctionProgress } from '../../../../../runtime/controller/ports/streams';
import type { Drift } from '../../../../../runtime/engine/drift/drift';
import { at, start } from '../../flow-states';

const progress: FunctionProgress = { function: 'map', inputs: [], outputs: [], dead: 0 };

function drift(reason: Drift['reason'], changes: Partial<Drift> = {}): Drift {
  return { id: reason, function: 'map', reason, message: `${reason} happened`, at: at(0), ...changes };
}

test('a reconciled change is shown for an hour and leaves the flow healthy', () => {
  const drifts = [drift('ConsumerRecreated')];
  expect(findDrift({ ...progress, drifts }, start + 60_000)).toMatchObject([
    {
      function: 'map',
      reason: 'ConsumerRecreated',
      message: 'ConsumerRecreated happened',
      since: at(0),
      weight: 'info',
    },
  ]);
  expect(findDrift({ ...progress, drifts }, start + 3_700_000)).toEqual([]);
});

test.each([
  drift('RecordsRemoved', { lost: 3 }),
  drift('StreamRecreated', { lost: 1 }),
  drift('LettersRemoved'),
  drift('StreamChanged'),
])('a flow with $reason stays degraded', (one) => {
  expect(findDrift({ ...progress, drifts: [one] }, start + 86_400_000)).toMatchObject([{ weight: 'degraded' }]);
});

test('what is missing makes a running flow unhealthy unless its replicas recreate it at once', () => {
  const missing = ['consumer map of kflow_default_job_in'];
  const message = expect.stringMatching(/^the consumer map of kflow_default_job_in does not exist: .* recreate it/);
  expect(findMissing({ ...progress, missing }, true)).toMatchObject([
    { reason: 'Removed', weight: 'unhealthy', graceMs: 15_000, message },
  ]);
  expect(findMissing({ ...progress, missing }, false)).toMatchObject([{ reason: 'Removed', weight: 'degraded' }]);
});
