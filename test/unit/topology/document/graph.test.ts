import { inTopologicalOrder, renderMermaid, upstreamsOf } from '../../../../lib/topology/document/graph';
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

describe('renderMermaid', () => {
  test('draws sources as rounded shapes and side outputs as dotted edges', () => {
    expect(renderMermaid(topologyOf('side-outs.yaml'))).toBe(
      [
        'flowchart LR',
        '  f0(["messages<br/><small>raw-source</small>"])',
        '  f1["forward<br/><small>raw</small>"]',
        '  f2["print-main<br/><small>raw</small>"]',
        '  f3["print-sideout<br/><small>raw</small>"]',
        '  f0 --> f1',
        '  f1 --> f2',
        '  f1 -. "mysideout" .-> f3',
        '',
      ].join('\n'),
    );
  });
});
