import { inTopologicalOrder, upstreamsOf } from '../../../../lib/topology/document/graph';
import { readFixture, readText } from '../topology-fixtures';

function topologyOf(file: string) {
  const { topology } = readFixture('topologies', file);
  if (topology === undefined) throw new Error(`${file} has errors`);
  return topology;
}

describe('upstreamsOf', () => {
  test('lists the upstream functions, with the side output if the edge has one', () => {
    const topology = topologyOf('side-outs.yaml');
    expect(upstreamsOf(topology, 'print-main')).toEqual([{ from: 'forward' }]);
    expect(upstreamsOf(topology, 'print-sideout')).toEqual([{ from: 'forward', side: 'mysideout' }]);
    expect(upstreamsOf(topology, 'messages')).toEqual([]);
  });
});

describe('inTopologicalOrder', () => {
  test('places each function after the functions that it reads from', () => {
    const { topology } = readText(`
dag:
  - { id: sink, type: s3-sink, topics: "s3a://out" }
  - { id: c, type: raw, image: i, out: [sink] }
  - { id: b, type: raw, image: i, out: [c, sink] }
  - { id: a, type: fs-source, format: list, topics: "s3a://docs", out: [c, b] }
`);
    expect(topology && inTopologicalOrder(topology).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'sink']);
  });
});
