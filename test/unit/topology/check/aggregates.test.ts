import { readTopology } from '../../../../lib/topology/read-topology';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';

/** The warnings about a function with this code, in this language, with or without a schema. */
function warningsOf(code: string, { language = 'python', isDeclared = false } = {}): string[] {
  const run = language === 'python' ? 'def run(ctx, event): pass' : 'function run() {}';
  const dag = [
    { id: 'in', type: 'raw-source', schema, meta: { name: 'run', code: 'def run(): pass' }, out: ['sum'] },
    {
      id: 'sum',
      type: 'raw',
      ...(isDeclared ? { schema } : {}),
      meta: { language, name: 'run', code: `${run}\n${code}` },
      out: ['leaf'],
    },
    { id: 'leaf', type: 'raw', meta: { name: 'run', code: 'def run(ctx, event): pass' } },
  ];
  const { problems } = readTopology(JSON.stringify({ jobId: 'j', dag }), { file: 'j.json', defaultJobId: 'j' });
  return problems.map(({ severity, code: id, message }) => `${severity} ${id}: ${message}`);
}

const warning =
  'warning schema-missing: finish gives an aggregate, which has no input to take its schema from; set schema';

test.each([
  ['def finish(ctx):\n    return {}', 'python'],
  ['async def finish():\n    return {}', 'python'],
  ['function finish() { return {}; }', 'javascript'],
  ['function *finish() { yield {}; }', 'javascript'],
  ['export async function* finish(ctx) { yield {}; }', 'typescript'],
])('warns about an aggregate without a schema: %s', (finish, language) => {
  expect(warningsOf(finish, { language })).toEqual([warning]);
  expect(warningsOf(finish, { language, isDeclared: true })).toEqual([]);
});

test.each(['class Other:\n    def finish(self): pass', 'def finished(ctx): pass', '# def finish(ctx)'])(
  'finds no aggregate in other code: %s',
  (code) => {
    expect(warningsOf(code)).toEqual([]);
  },
);
