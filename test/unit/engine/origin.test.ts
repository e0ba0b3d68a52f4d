import type { PlanSettings } from '../../../lib/plan/plan-connections';
import { originOf } from '../../../runtime/engine/output-writer';
import { planOf, specOf } from '../plan/planned';

const text = `
jobId: job
dag:
  - id: source
    type: raw-source
    schema: { type: record, name: line, fields: [] }
    meta: { language: javascript, name: lines, code: 'function lines() { return []; }' }
    out: [map]
  - { id: map, type: raw, out: [leaf] }
  - { id: leaf, type: raw }
`;

test('an origin names the function, the input stream and the sequence, and the epoch when there is one', () => {
  const message = { stream: 'kflow_default_job_source', sequence: 7 };
  const given: PlanSettings['epochs'][] = [undefined, { map: 0 }, { map: 3, leaf: 2 }];
  const ids = given.map((epochs) => originOf(specOf(planOf(text, { epochs }), 'map'), message));
  expect(ids).toEqual([
    'map:kflow_default_job_source:7',
    'map:kflow_default_job_source:7',
    'map@3:kflow_default_job_source:7',
  ]);
});

test('a plan without epochs does not mention them', () => {
  expect(JSON.stringify(planOf(text))).not.toContain('epoch');
  expect(planOf(text, { epochs: { map: 0 } })).toEqual(planOf(text));
});
