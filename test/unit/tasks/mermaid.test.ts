import { renderTaskMermaid } from '../../../lib/tasks/graph/render-mermaid';
import { graphOf } from './support';

test('a flow is a state diagram from left to right, with its conditions, branches and notes', () => {
  const graph = graphOf(`@task get-it (- x: 1 -) '''
    Gets it: now; at once.
    More.'''
    ns:get → get-it → ? \`$[?(@.a = 1)]\` { B → C D } → * E catch F
    <- {a: 1} -> → approve(- title: Release? -) → <https://a/b>
    @finally G`);
  expect(renderTaskMermaid(graph)).toBe(`stateDiagram-v2
  direction LR
  state flow.3 <<fork>>
  state sink.7 <<join>>
  state map.8 <<fork>>
  state sink.10 <<join>>
  state sink.13 <<join>>
  source.14: {"a"#colon;1}
  approve.15: Release?
  store.16: https#colon;//a/b
  state sink.19 <<join>>
  [*] --> ns_COLON_get.1
  [*] --> source.14
  ns_COLON_get.1 --> get_HYPHEN_it.2
  get_HYPHEN_it.2 --> flow.3: ? $[?(@.a = 1)]
  flow.3 --> B.4
  flow.3 --> D.6
  B.4 --> C.5
  C.5 --> sink.7
  D.6 --> sink.7
  sink.7 --> map.8: *
  map.8 --> E.9
  E.9 --> sink.10
  sink.10 --> [*]
  map.8 --> F.12: catch
  F.12 --> sink.13
  sink.13 --> [*]
  source.14 --> approve.15
  approve.15 --> store.16
  store.16 --> [*]
  [*] --> G.18: finally
  G.18 --> sink.19
  sink.19 --> [*]
  note left of get_HYPHEN_it.2: Gets it#colon; now, at once.
`);
});

test('it is drawn from top to bottom on request, and in the colors of states', () => {
  const text = renderTaskMermaid(graphOf('A → B'), {
    isVertical: true,
    statuses: { 0: 'succeeded', 1: 'succeeded', 2: 'failed' },
  });
  expect(text).toBe(`stateDiagram-v2
  direction TB
  [*] --> A.1
  A.1 --> B.2
  B.2 --> [*]
  classDef succeeded fill:#d6e6fb,stroke:#1c5fb0
  classDef failed fill:#fbd9d7,stroke:#b3261e
  class A.1 succeeded
  class B.2 failed
`);
});
