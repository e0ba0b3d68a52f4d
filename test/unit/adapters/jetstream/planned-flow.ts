import { planOf } from '../../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';

/** A source, a function with a side output, and a leaf that reads both outputs of the function. */
export const plannedFlow = planOf(`
jobId: job
globalConfig: { stream: { maxMsgs: 1000 } }
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [map] }
  - { id: map, type: raw, ${code}, out: [leaf], sideOuts: [{ id: odd, schema: '${schema}', out: [leaf] }] }
  - { id: leaf, type: raw, ${code} }
`);
