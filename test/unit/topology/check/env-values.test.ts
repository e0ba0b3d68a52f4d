import { errorsOf } from '../topology-fixtures';

const document = (name: string, value: string) => `
jobId: j
dag:
  - id: in
    type: raw-source
    image: i:1
    schema: { type: record, name: n, fields: [] }
    meta: { container: { env: [{ name: ${name}, value: "${value}" }] } }
    out: [leaf]
  - { id: leaf, type: raw, image: i:1 }
`;

test.each([
  ['KFLOW_DL_UP_PROGRESS', '1'],
  ['KFLOW_DL_UP_PROGRESS', '100'],
  ['KFLOW_LOG_FORMAT', 'json'],
  ['KFLOW_LOG_FORMAT', 'text'],
  ['KFLOW_SHUTDOWN_TIMEOUT', '60'],
  ['toString', 'x'],
])('%s may be %s', (name, value) => expect(errorsOf(document(name, value))).toEqual([]));

test.each([
  ['KFLOW_DL_UP_PROGRESS', '0', 'must be a whole percentage, "1" to "100"'],
  ['KFLOW_DL_UP_PROGRESS', '12.5', 'must be a whole percentage, "1" to "100"'],
  ['KFLOW_LOG_FORMAT', 'xml', 'must be "json" or "text"'],
  ['KFLOW_SHUTDOWN_TIMEOUT', '1m', 'must be whole seconds, "1" to "86400"'],
])('%s must not be %s', (name, value, message) => {
  expect(errorsOf(document(name, value))).toEqual([expect.stringContaining(message)]);
});
