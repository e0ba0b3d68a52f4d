import { findEmptySources } from '../../../../../runtime/controller/flows/health/empty-sources';
import { planOf, written } from '../../../plan/planned';

const plan = planOf(`
jobId: job
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://inbox/*.txt", ${written}, out: [map] }
  - { id: new, type: fs-source, format: list, topics: "s3a://inbox/new", ${written}, meta: { checkpoint: true }, out: [map] }
  - { id: poll, type: raw-source, schema: { type: record, name: r, fields: [] }, meta: { name: f, code: f }, out: [write] }
  - { id: map, type: raw, image: "map:1" }
  - { id: write, type: s3-sink, topics: "s3a://outbox", ${written} }
`);

test('names the sources that found no objects, and what they looked for', () => {
  const functions = ['list', 'new', 'poll', 'map', 'write'].map((id) => ({ function: id, out: 0 }));
  expect(findEmptySources(plan, functions)).toEqual([
    { function: 'list', message: 'no objects found at s3a://inbox/*.txt' },
    { function: 'new', message: 'no new objects found at s3a://inbox/new' },
  ]);
});

test('leaves out sources with records, and functions whose streams are gone', () => {
  expect(findEmptySources(plan, [{ function: 'list', out: 1 }])).toEqual([]);
});
