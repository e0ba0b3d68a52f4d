// Writes avro-vectors.jsonl: values and their encodings as made by avsc, for test_avro.py.
// Run it in the repository: node sdk/python/tests/avro-vectors.js
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const avro = require('avsc');

const tree = {
  type: 'record',
  name: 'org.example.Tree',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'children', type: { type: 'array', items: 'Tree' } },
  ],
};
const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } },
    { name: 'before', type: ['null', 'State'] },
    { name: 'prices', type: { type: 'map', values: 'double' } },
    { name: 'rate', type: 'float' },
    { name: 'ok', type: 'boolean' },
    { name: 'any', type: ['null', 'boolean', 'long', 'string', { type: 'array', items: 'string' }] },
  ],
};
const whole = {
  id: 1,
  at: 1700000000000,
  note: 'ü€',
  state: 'PAID',
  before: 'NEW',
  prices: { a: 1.5 },
  rate: 0.5,
  ok: true,
  any: 7,
};

const cases = [
  ['null', [null]],
  ['boolean', [true, false]],
  ['int', [0, -1, 1, 63, 64, -64, -65, 8191, 8192, 2147483647, -2147483648]],
  ['long', [0, 4095, 4096, 1700000000000, -1700000000000, 2 ** 52, -(2 ** 52)]],
  ['float', [0.5, -2.25]],
  ['double', [0.1, -1e300]],
  ['string', ['', 'a', 'é€𝄞', 'x'.repeat(63), 'x'.repeat(64), 'y'.repeat(8192)]],
  [{ type: 'array', items: 'long' }, [[], [1, -2, 300]]],
  [{ type: 'map', values: ['null', 'int'] }, [{}, { a: null, b: 5 }]],
  [
    tree,
    [
      {
        value: 1,
        children: [
          { value: 2, children: [] },
          { value: -3, children: [{ value: 4, children: [] }] },
        ],
      },
    ],
  ],
  [
    order,
    [
      whole,
      { ...whole, note: null, before: null, any: null },
      { ...whole, any: 'text' },
      { ...whole, any: ['p', 'q'] },
      { ...whole, any: false },
    ],
  ],
];

const vectors = cases.map(([schema, values]) => {
  const type = avro.Type.forSchema(schema, { wrapUnions: false });
  return `${JSON.stringify({ schema, values: values.map((value) => [value, type.toBuffer(value).toString('hex')]) })}\n`;
});
writeFileSync(join(__dirname, 'avro-vectors.jsonl'), vectors.join(''));
