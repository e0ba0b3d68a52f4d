import { readTopology } from '../../../../lib/topology/read-topology';

const schema = { type: 'record', name: 'n', fields: [] };

function messagesFor(code: string): readonly string[] {
  const dag = [
    { id: 'in', type: 'raw-source', schema, meta: { code }, out: ['out'] },
    { id: 'out', type: 'nats-sink', topics: 'a.b' },
  ];
  const { problems } = readTopology(JSON.stringify({ jobId: 'j', dag }), { file: 'f', defaultJobId: 'j' });
  return problems.map(({ message }) => message);
}

test.each(['pub = await NatsSink.build(sink)', 'runtime = BasicRuntime()\nruntime.run()'])(
  'code that is a program needs no name of a function: %s',
  (code) => {
    expect(messagesFor(code)).toEqual([]);
  },
);

test('other code does', () => {
  expect(messagesFor('def run(): return None')).toEqual([
    'meta.code needs meta.name, the name of the function to call',
  ]);
});
