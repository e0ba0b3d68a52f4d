import { edgesOf, graphOf } from './support';

describe('edges', () => {
  test.each([
    ['A → B → C', '0>A1 A1>B2 B2>C3 C3>4'],
    ['A → B → D  C → D', '0>A1 0>C4 A1>B2 B2>D3 D3>6 C4>D5 D5>6'],
    ['A :x → B → C; :x → D', '0>A1 A1>B2 A1>D4 B2>C3 C3>5 D4>5'],
    ['A → :x C; B → :x;', '0>A1 0>B3 A1>C2 C2>4 B3>C2'],
    ['A → :x > B  C → :x', '0>A1 0>C3 A1>B2 B2>4 C3>B2'],
    ['A :x → B → C → :x D', '0>A1 A1>B2 A1>D4 B2>C3 C3>D4 D4>5'],
    ['A → { B → C D } → E', '0>A1 A1>2 2>B3 2>D5 B3>C4 C4>6 D5>6 6>E7 E7>8'],
    ['A|B|C → D', '0>1 1>A2 1>B3 1>C4 A2>5 B3>5 C4>5 5>D6 D6>7'],
    ['D → A|B|C', '0>D1 D1>2 2>A3 2>B4 2>C5 A3>6 B4>6 C5>6 6>7'],
    ['A → ? `$[?(@.status=0)]` B → C', '0>A1 A1>B2 B2>C3 C3>4'],
    ['<- customer: C123 -> → A → B', '0>1 1>A2 A2>B3 B3>4'],
    ['A → :x; B → :y; :x :y → C; :start :x → D', '0>A1 0>B2 0>D4 A1>C3 A1>D4 B2>C3 C3>5 D4>5'],
    // its own statement begins at the start, too
    ['A → :x; B → :x; :x C', '0>A1 0>B2 0>C3 A1>C3 B2>C3 C3>4'],
  ])('%s', (text, edges) => {
    expect(edgesOf(graphOf(text))).toBe(edges);
  });

  test('LF-02: A->B is the graph of A → B', () => {
    expect(edgesOf(graphOf('A->B'))).toBe(edgesOf(graphOf('A → B')));
    expect(edgesOf(graphOf('a-b->c-d:e->F'))).toBe('0>a-b1 a-b1>c-d:e2 c-d:e2>F3 F3>4');
  });

  test('LF-10: A|B → C is the graph of {A B} → C', () => {
    expect(edgesOf(graphOf('A|B → C'))).toBe(edgesOf(graphOf('{A B} → C')));
  });

  test.each([
    ['D → :before; :before → A', ':before → A; D → :before', ['0>D1 D1>A2 A2>3', '0>D2 A1>3 D2>A1']],
    ['A → :m; B → :m; :m → C', ':m → C; A → :m; B → :m', ['0>A1 0>B2 A1>C3 B2>C3 C3>4', '0>A2 0>B3 C1>4 A2>C1 B3>C1']],
    ['A :x → B; :x → C', ':x → C; A :x → B', ['0>A1 A1>B2 A1>C3 B2>4 C3>4', '0>A2 C1>4 A2>C1 A2>B3 B3>4']],
  ])('LF-20: %s and %s connect the same steps', (one, other, edges) => {
    expect([edgesOf(graphOf(one)), edgesOf(graphOf(other))]).toEqual(edges);
  });

  test('labels are possible at subflows, and known only in their flow', () => {
    expect(edgesOf(graphOf('{A B} :x → C; :x → D'))).toBe('0>1 1>A2 1>B3 A2>4 B3>4 4>C5 4>D6 C5>7 D6>7');
    expect(edgesOf(graphOf('A → :x {B}; C → :x'))).toBe('0>A1 0>C5 A1>2 2>B3 B3>4 4>6 C5>2');
    expect(edgesOf(graphOf('{A :x → B; :x → C} D :x → E; :x → F'))).toBe(
      '0>1 0>D6 1>A2 A2>B3 A2>C4 B3>5 C4>5 5>9 D6>E7 D6>F8 E7>9 F8>9',
    );
  });

  test(':start and :end are the start and the end of the flow around', () => {
    expect(edgesOf(graphOf(':start → A → :end'))).toBe('0>A1 A1>2');
    expect(edgesOf(graphOf('{ :start → A → > :end }'))).toBe('0>1 1>A2 A2>3 3>4');
    expect(graphOf('{ :start → A → > :end }').nodes.map((node) => 'merge' in node)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });
});

describe('nodes', () => {
  const kinds = (text: string) => graphOf(text).nodes.map(({ kind }) => kind);

  test('have the position of what they were compiled from', () => {
    expect(graphOf('A\n  → B').nodes.map(({ at }) => at)).toEqual([
      { line: 1, col: 1 },
      { line: 1, col: 1 },
      { line: 2, col: 5 },
      { line: 1, col: 1 },
    ]);
  });

  test('LF-03: every mention of a task is a node', () => {
    const names = graphOf('A → B  C → B').nodes.flatMap((node) => (node.kind === 'task' ? [node.name] : []));
    expect(names).toEqual(['A', 'B', 'C', 'B']);
  });

  test('a map has a region with one step, a catch a region of its own', () => {
    expect(kinds('A → * B')).toEqual(['start', 'task', 'map', 'task', 'sink', 'sink']);
    expect(edgesOf(graphOf('A → * B → C'))).toBe('0>A1 A1>2 2>B3 B3>4 4>C5 C5>6');
    expect(kinds('A catch B → C')).toEqual(['start', 'task', 'catch', 'task', 'sink', 'task', 'sink']);
    expect(edgesOf(graphOf('A catch B → C'))).toBe('0>A1 A1>C5 2>B3 B3>4 C5>6');
    expect(graphOf('A catch B → C').nodes[1]).toMatchObject({ catch: 2 });
    expect(graphOf('A catch B → C').nodes[2]).toMatchObject({ of: 1, end: 4, region: 0 });
    expect(graphOf('A @finally B|C').finally).toBe(2);
  });

  test('resources load first and store last', () => {
    expect(graphOf('<https://in/a.json> (- content-type: json -) → A → <https://out/{input[id]}>').nodes).toMatchObject(
      [
        { kind: 'start' },
        { kind: 'load', uri: 'https://in/a.json', parameters: { 'content-type': 'json' }, from: [0], to: [2] },
        { kind: 'task' },
        { kind: 'store', uri: 'https://out/{input[id]}', from: [2], to: [4] },
        { kind: 'sink' },
      ],
    );
  });

  test.each([
    ['<>', {}],
    ['<{"a": [1, {"b": 2}]}>', { a: [1, { b: 2 }] }],
    ['<[1, "]>"]>', [1, ']>']],
    ['<- hello ->', 'hello'],
    ["<- arrow: '->' ->", { arrow: '->' }],
    ['<-\n  - a\n  - b\n->', ['a', 'b']],
    ['<- ->', {}],
  ])('the constant %s', (text, value) => {
    expect(graphOf(`${text} → A`).nodes[1]).toMatchObject({ kind: 'source', value });
  });

  test.each([
    ['()', undefined],
    ['({})', {}],
    ['({"o":{"p":1}})', { o: { p: 1 } }],
    ['([1,[2]])', [1, [2]]],
    ['(- msg: "-)" -)', { msg: '-)' }],
    ["(- msg: it's -)", { msg: "it's" }],
    ["(- it's -)", "it's"],
    ['(- 5 -)', 5],
    ['(-\n  a: 1\n  b:\n    - 2\n-)', { a: 1, b: [2] }],
    ['(- a: 1\n   b: 2 -)', { a: 1, b: 2 }],
    ['(- a: 1\n b: 2 -)', { a: 1, b: 2 }],
    ['(-\n  code: |\n    print("-)")\n  more: 1\n-)', { code: 'print("-)")\n', more: 1 }],
    ["(- # a comment, it's fine\n  a: 1\n-)", { a: 1 }],
    ['(- {x:1, y: {z:two}} -)', { x: 1, y: { z: 'two' } }],
  ])('LF-15: the parameters %s are kept', (text, parameters) => {
    expect((graphOf(`A${text} → B`).nodes[1] as { parameters?: unknown }).parameters).toEqual(parameters);
  });
});

describe('declarations', () => {
  test('LF-16: parameters of a declaration are defaults, key by key; lists are replaced', () => {
    expect(graphOf('@task A (- {x:1,y:2} -) A(- {y:3} -)').nodes[1]).toMatchObject({ parameters: { x: 1, y: 3 } });
    expect(graphOf('A([3]) @task A ([1, 2]);').nodes[1]).toMatchObject({ parameters: [3] });
    expect(graphOf('@task A (- {x:1} -) A').nodes[1]).toMatchObject({ parameters: { x: 1 } });
  });

  test('LF-17: an alias keeps its name and has the task of its target as base', () => {
    const graph = graphOf('@task X = A (- a: 1 -) @task A (- a: 0\n b: 0 -) with (- retry: {attempts: 3} -) X');
    expect(graph.nodes[1]).toMatchObject({
      name: 'X',
      base: 'A',
      parameters: { a: 1, b: 0 },
      policy: { retry: { attempts: 3 } },
    });
  });

  test('LF-18: a task with a subflow is replaced by its steps', () => {
    const graph = graphOf('@task X { A → B } X → C');
    expect(edgesOf(graph)).toBe('0>1 1>A2 A2>B3 B3>4 4>C5 C5>6');
    expect(graph.nodes[1]).toMatchObject({ kind: 'flow', name: 'X' });
    expect(edgesOf(graphOf('X|X @task X {A}'))).toBe('0>1 1>2 1>5 2>A3 A3>4 4>8 5>A6 A6>7 7>8 8>9');
  });

  test('the policy of a call overrides that of the declaration key by key', () => {
    const graph = graphOf(`
      @task call (- a: 1 -) with (- retry: {attempts: 5, backoff: 2s}
                                    timeout: {run: 1m, start: 1.5h} -) '''calls'''
      call with ({"retry": {"attempts": 2}, "rate": {"limit": 3, "per": "1m", "key": "{input[id]}"}, "concurrency": 4})`);
    expect(graph.nodes[1]).toMatchObject({
      doc: 'calls',
      policy: {
        retry: { attempts: 2, backoffMs: 2_000, factor: 2, capMs: 60_000, jitter: true, except: [] },
        timeout: { runMs: 60_000, startMs: 5_400_000 },
        optional: 'fail',
        rate: { limit: 3, perMs: 60_000, key: '{input[id]}' },
        concurrency: { limit: 4 },
      },
    });
  });

  test('@flow names and documents the flow; the last one counts', () => {
    const { name, doc, parameters } = graphOf('@flow one; A; @flow two (- attributes: {team: x} -) """what it does"""');
    expect({ name, doc, parameters }).toEqual({
      name: 'two',
      doc: 'what it does',
      parameters: { attributes: { team: 'x' } },
    });
  });

  test('the duration of a delay is in seconds, however it is written', () => {
    const durations = graphOf('wait:delay(- duration: 60 -) → wait:delay(- duration: 1.5m -)').nodes.map(
      (node) => 'parameters' in node && node.parameters,
    );
    expect(durations).toEqual([false, { duration: 60 }, { duration: 90 }, false]);
  });

  test('an approval is a node with its form and deadline', () => {
    const graph = graphOf(`@task sign-off = approve (- title: Release?
      form: {reason: {type: string, required: true}, level: {type: enum, enum: [low, high]}}
      deadline: 2d
      otherwise: reject -)
      A → sign-off`);
    expect(graph.nodes[2]).toMatchObject({
      kind: 'approval',
      name: 'sign-off',
      title: 'Release?',
      form: {
        reason: { type: 'string', required: true },
        level: { type: 'enum', required: false, enum: ['low', 'high'] },
      },
      deadline: { afterMs: 172_800_000, otherwise: 'reject' },
    });
  });
});

test('the attributes of a flow are text', () => {
  const { attributes } = graphOf('@flow f (- attributes: {team: billing, level: 3, isUrgent: true} -) A');
  expect(attributes).toEqual({ team: 'billing', level: '3', isUrgent: 'true' });
  expect(graphOf('@flow f (- [1] -) A').attributes).toBeUndefined();
});
