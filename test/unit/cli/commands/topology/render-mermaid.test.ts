import { renderMermaid } from '../../../../../runtime/cli/commands/topology/render-mermaid';
import { readFixture, readText } from '../../../topology/topology-fixtures';

test('draws each kind of function in its shape, and side outputs as dotted edges', () => {
  const { topology } = readFixture('topologies', 'side-outs.yaml');
  expect(topology && renderMermaid(topology)).toBe(
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

test('draws a sink as a store', () => {
  const { topology } = readText(`
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://docs", out: [copy] }
  - { id: copy, type: s3-sink, topics: "s3a://copies" }
`);
  expect(topology && renderMermaid(topology)).toContain('\n  f1[("copy<br/><small>s3-sink</small>")]\n');
});
