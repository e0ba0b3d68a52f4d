import { restoreExecution } from '../../../lib/tasks/advance/restore-execution';
import { failure, graphOf, run, TestRun } from './support';

const completed = (output: unknown) => ({ status: 'completed', output });

describe('order and inputs', () => {
  test('LF-01: tasks of a chain start one after the other, each with the output of the one before', () => {
    const { log, execution } = run('A → B → C', { x: 1 });
    expect(log).toEqual(['A {"x":1}', 'B {"x":1}', 'C {"x":1}']);
    expect(execution.outcome).toEqual(completed({ x: 1 }));
  });

  test('LF-03: every mention of a task runs', () => {
    expect(run('A → B  C → B', 1).log).toEqual(['A 1', 'C 1', 'B 1', 'B 1']);
  });

  test('LF-04: an output label leads to each statement that begins with it', () => {
    const { log } = run('A :x → B; :x → C', 0, { A: 'a' });
    expect(log).toEqual(['A 0', 'B "a"', 'C "a"']);
  });

  test('LF-05: a step with several predecessors waits for all of them, and gets a list in their order', () => {
    const steps = new TestRun(graphOf('A → :x C; B → :x;'), 0);
    steps.end('B', 'b');
    expect(steps.log).toEqual(['A 0', 'B 0']);
    steps.end('A', 'a');
    expect(steps.log).toEqual(['A 0', 'B 0', 'C ["a","b"]']);
  });

  test('LF-06: a merge makes one object, in which later keys win', () => {
    const { log } = run('A → :x > C; B → :x;', 0, { A: { a: 1, x: 1 }, B: { b: 2, x: 2 } });
    expect(log[2]).toBe('C {"a":1,"x":2,"b":2}');
  });

  test('LF-07: a merge of anything but objects fails the execution, and names the step', () => {
    const { execution } = run('A → :x > C; B → :x;', 0, { A: 1, B: { a: 1 } });
    expect(execution.outcome).toEqual({
      status: 'failed',
      error: {
        code: 'input-invalid',
        message: 'C: only objects can be merged, got a number at 0 of the list',
        step: 'C',
        id: '2',
      },
    });
    expect(run('A|B → > :end', 0).execution.outcome).toMatchObject({ status: 'failed', error: { step: 'end.5' } });
    expect(run('A → > B', [{ a: 1 }, { b: 2 }]).log).toEqual(['A [{"a":1},{"b":2}]', 'B {"a":1,"b":2}']);
    expect(run('A → > B', 'text').log[1]).toBe('B "text"');
  });

  test.each([
    [{ A: {}, B: { b: 1 }, C: {} }, '{"b":1}'],
    [{ A: {}, B: { b: 1 }, C: 3 }, '[{"b":1},3]'],
    [{ A: {}, B: {}, C: {} }, '{}'],
    [{ A: [], B: null, C: undefined }, '[]'],
    [{ A: 1, B: 2, C: 3 }, '[1,2,3]'],
  ])('LF-08: a join of %j is %s', (tasks, input) => {
    expect(run('A|B|C → D', 0, tasks).log.at(-1)).toBe(`D ${input}`);
  });

  test('LF-09: what follows a subflow starts once, when all of its statements have ended', () => {
    const steps = new TestRun(graphOf('A → { B C } → D'), 0);
    steps.end('A', 1);
    steps.end('C', 3);
    expect(steps.log).toEqual(['A 0', 'B 1', 'C 1']);
    steps.end('B', 2);
    expect(steps.log).toEqual(['A 0', 'B 1', 'C 1', 'D [2,3]']);
  });

  test('LF-17: a task message has the name of the step and the base of its alias', () => {
    const { graph, log } = run('@task X = A; X', 1);
    expect([log, graph.nodes[1]]).toMatchObject([['X 1'], { name: 'X', base: 'A' }]);
  });

  test('LF-18: the steps of a declared subflow run in place of the task', () => {
    expect(run('@task X { A → B } X → C', 1).log).toEqual(['A 1', 'B 1', 'C 1']);
  });

  test('a constant takes the place of the input', () => {
    expect(run('<- customer: C123 -> → A → B', { x: 1 }).log[0]).toBe('A {"customer":"C123"}');
  });

  test('a load gives the content of a resource; a store passes its input on', () => {
    const { log, execution } = run('<https://a> → A → <https://b/{input[id]}>', 0, { load: { id: 7 } });
    expect(log).toEqual(['load 0', 'A {"id":7}', 'store {"id":7}']);
    expect(execution.outcome).toEqual(completed({ id: 7 }));
  });
});

describe('guards', () => {
  test('LF-11: behind a false guard, the input goes on', () => {
    const { log } = run('A → ? `$[?(@.go = true)]` B → C', 0, { A: { go: false } });
    expect(log).toEqual(['A 0', 'C {"go":false}']);
    expect(run('A → ? `$[?(@.go = true)]` B → C', 0, { A: { go: true } }).log).toHaveLength(3);
  });

  test('LF-12: behind a false guard, no step of a subflow starts, and none is left running', () => {
    const { log, execution } = run('A → ? `$.go` { B → C D } → E', 0, { A: { x: 1 } });
    expect(log).toEqual(['A 0', 'E {"x":1}']);
    expect(execution.outcome).toEqual(completed({ x: 1 }));
    expect(Object.values(execution.state().steps).filter(({ status }) => status === 'running')).toEqual([]);
  });

  test('LF-13: of several guarded branches, those run whose guard matches, and the join goes on', () => {
    const flow = 'A → { ? `$[?(@.status=0)]` B  ? `$[?(@.status>0)]` C  ? `$[?(@.status>1)]` D } → E';
    expect(run(flow, 0, { A: { status: 2 } }).log).toEqual([
      'A 0',
      'C {"status":2}',
      'D {"status":2}',
      'E [{"status":2},{"status":2},{"status":2}]',
    ]);
  });

  test('a guard tests the merged input', () => {
    expect(run('A|B → > ? `$[?(@.a = 1 and @.b = 2)]` C', 0, { A: { a: 1 }, B: { b: 2 } }).log.at(-1)).toBe(
      'C {"a":1,"b":2}',
    );
  });
});

describe('events', () => {
  test('LF-31: an end that is told twice starts what follows once', () => {
    const steps = new TestRun(graphOf('A → B'), 0);
    const event = { kind: 'succeeded', id: '1', output: 1 } as const;
    steps.event(event);
    expect(steps.event(event)).toEqual({ started: [], stopped: [] });
    expect(steps.event({ kind: 'failed', id: '1', error: { code: 'x', message: 'x' } })).toEqual({
      started: [],
      stopped: [],
    });
    expect(steps.event({ kind: 'succeeded', id: '99[1]' })).toEqual({ started: [], stopped: [] });
    expect(steps.log).toEqual(['A 0', 'B 1']);
  });

  test('LF-36: a template without its value fails the step with a reason', () => {
    const flow = `wait:acquire(- name: 'my-{input["id"]}' -)`;
    expect(run(flow, { id: 7 }).execution.state().steps['1']).toMatchObject({ status: 'succeeded' });
    expect(new TestRun(graphOf(flow), { id: 7 }).open.get('1')).toMatchObject({ parameters: { name: 'my-7' } });
    expect(run(flow, { other: 7 }).execution.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'input-invalid', message: 'wait:acquire: {input["id"]}: input has no "id"', step: 'wait:acquire' },
    });
  });

  test('the keys of a policy are filled in; parameters of other tasks stay as they are', () => {
    const flow = `A(- text: '{input[id]}' -) with (- concurrency: {limit: 1, key: 'c-{input[id]}'}
      memoize: {key: '{parameters[text]}'} -)`;
    expect(new TestRun(graphOf(flow), { id: 7 }).open.get('1')).toEqual({
      id: '1',
      index: 1,
      input: { id: 7 },
      parameters: { text: '{input[id]}' },
      keys: { concurrency: 'c-7', memoize: '{input[id]}' },
    });
  });
});

describe('failures', () => {
  test('LF-25: after a failure nothing more starts, and results of running siblings are kept', () => {
    const steps = new TestRun(graphOf('A → C; B → D'), 0);
    expect(steps.end('A', failure('broken'))).toEqual({ started: [], stopped: [] });
    expect(steps.execution.state()).toMatchObject({ ending: { status: 'failed' } });
    expect(steps.end('B', 2)).toEqual({
      started: [],
      stopped: [],
      outcome: {
        status: 'failed',
        error: { code: 'broken', message: 'broken happened', attempts: 1, step: 'A', id: '1' },
      },
    });
    expect(steps.execution.state().steps).toMatchObject({
      '0': { status: 'failed' },
      '1': { status: 'failed', error: { code: 'broken' } },
      '3': { status: 'succeeded', output: 2 },
      '4': { status: 'canceled' },
    });
  });

  test('steps that only wait are stopped by a failure', () => {
    const steps = new TestRun(graphOf('A; wait:delay(- duration: 2d -); approve(- title: ok? -)'), 0);
    expect(steps.end('A', failure('x'))).toMatchObject({ stopped: ['2', '3'], outcome: { status: 'failed' } });
  });

  test('optional: skip passes the input on', () => {
    const { log, execution } = run('A → B with (- optional: skip -) → C', 0, { A: 1, B: failure('x') });
    expect(log).toEqual(['A 0', 'B 1', 'C 1']);
    expect(execution.state().steps['2']).toMatchObject({ status: 'failed', handled: 'skip' });
  });

  test('optional: skip-rest skips what follows on the branch; a join goes on with the others', () => {
    const tasks = { B: failure('x'), D: 'd' };
    const { log, execution } = run('{ A → B with (- optional: skip-rest -) → C; D } → E', 0, tasks);
    expect(log).toEqual(['A 0', 'D 0', 'B 0', 'E "d"']);
    expect(execution.state().steps).toMatchObject({ '4': { status: 'skipped' } });
    expect(run('B with (- optional: skip-rest -) → C', 0, tasks).execution.outcome).toEqual(completed({}));
    expect(run('{B with (- optional: skip-rest -) → C} → D', 0, tasks).log).toEqual(['B 0']);
  });

  test('catch gets the error, the input and the results of the others; its output is that of the step', () => {
    const steps = new TestRun(graphOf('{ A → B catch C → D; E }'), 0);
    steps.end('E', 'e');
    steps.end('A', 1);
    steps.end('B', failure('broken'));
    expect(JSON.parse(steps.log.at(-1)?.slice(2) ?? '')).toEqual({
      error: { code: 'broken', message: 'broken happened', attempts: 1, step: 'B', id: '3' },
      input: 1,
      results: { A: 1, E: 'e' },
    });
    steps.end('C', 'c');
    expect(steps.log.at(-1)).toBe('D "c"');
    expect(steps.end('D', 'd').outcome).toEqual(completed(['d', 'e']));
  });

  test('a catch that fails fails the execution, or is caught, or skipped', () => {
    const tasks = { A: failure('a'), B: failure('b') };
    expect(run('A catch B', 0, tasks).execution.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'b', step: 'B' },
    });
    expect(run('A catch B catch C → D', 0, { ...tasks, C: 'c' }).log.at(-1)).toBe('D "c"');
    expect(run('A with (- optional: skip -) catch B → C', 5, tasks).log.at(-1)).toBe('C 5');
  });

  test('the catch of a subflow begins when the running steps of the subflow have ended', () => {
    const steps = new TestRun(graphOf('{ A → B; C → D } catch E|F → G'), 0);
    steps.end('A', failure('x'));
    expect(steps.log).toEqual(['A 0', 'C 0']);
    steps.end('C', 'c');
    expect(steps.log.slice(2).map((line) => line.slice(0, 1))).toEqual(['E', 'F']);
    expect(JSON.parse(steps.log[2]?.slice(2) ?? '')).toMatchObject({ input: 0, results: { C: 'c' } });
    steps.finish();
    expect(steps.execution.outcome).toMatchObject({ status: 'completed' });
  });

  test('an uncaught failure in a subflow stops the flow around at once', () => {
    const steps = new TestRun(graphOf('{A B}; C → D'), 0);
    steps.end('A', failure('x'));
    steps.end('C');
    steps.end('B');
    expect(steps.log).toHaveLength(3);
    expect(steps.execution.outcome).toMatchObject({ status: 'failed' });
  });
});

describe('maps', () => {
  test('a map runs once for each item and gives the results in the order of the items', () => {
    const steps = new TestRun(graphOf('A → * B → C'), 0);
    steps.end('A', [1, 2, 3]);
    expect(steps.log.slice(1)).toEqual(['B 1', 'B 2', 'B 3']);
    for (const id of ['3[2]', '3[0]', '3[1]']) steps.event({ kind: 'succeeded', id, output: `b${id}` });
    expect(steps.log.at(-1)).toBe('C ["b3[0]","b3[1]","b3[2]"]');
  });

  test('an empty list gives an empty list at once; anything else fails the step', () => {
    expect(run('* B → C', []).log).toEqual(['C []']);
    expect(run('* B', { a: 1 }).execution.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'input-invalid', message: 'map: "*" needs a list, got an object' },
    });
  });

  test('no more items than the limit run at a time', () => {
    const steps = new TestRun(graphOf('* B with (- map: {limit: 2} -)'), [1, 2, 3, 4]);
    expect(steps.log).toEqual(['B 1', 'B 2']);
    steps.event({ kind: 'succeeded', id: '2[1]', output: 0 });
    expect(steps.log).toEqual(['B 1', 'B 2', 'B 3']);
    expect(steps.finish().execution.outcome).toEqual(completed([1, 0, 3, 4]));
  });

  test('tolerated failures are results; one more fails the map', () => {
    const tasks = { B: (item: number) => (item % 2 === 0 ? failure(`even${item}`) : item) };
    const flow = (tolerate: number) => `* B with (- map: {limit: 1, tolerate: ${tolerate}} -) catch C`;
    expect(run(flow(2), [1, 2, 3, 4], tasks).execution.outcome).toMatchObject({
      status: 'completed',
      output: [1, { error: { code: 'even2', step: 'B', id: '2[1]' } }, 3, { error: { code: 'even4' } }],
    });
    const { log, execution } = run(flow(1), [1, 2, 3, 4, 5], tasks);
    expect(log.map((line) => line.slice(0, 3))).toEqual(['B 1', 'B 2', 'B 3', 'B 4', 'C {']);
    expect(JSON.parse(log[4]?.slice(2) ?? '')).toMatchObject({
      error: { code: 'even4' },
      results: { B: [1, { error: { code: 'even2' } }, 3, null, null] },
    });
    expect(execution.outcome).toMatchObject({ status: 'completed' });
  });

  test('a subflow, a list or a guarded step runs for each item, and maps nest', () => {
    expect(run('* { A → B C } → D', [1, 2]).log.at(-1)).toBe('D [[1,1],[2,2]]');
    expect(run('* A|B → D', [1, 2]).log.at(-1)).toBe('D [[1,1],[2,2]]');
    expect(run('* ? `$[?(@ > 1)]` A → D', [1, 2], { A: 'a' }).log).toEqual(['A 2', 'D [1,"a"]']);
    expect(run('* { * A } → D', [[1, 2], [], [3]], { A: (item: number) => item * 10 }).log.at(-1)).toBe(
      'D [[10,20],[],[30]]',
    );
  });

  test('an item can have a catch of its own within a subflow', () => {
    const tasks = { A: (item: number) => (item === 1 ? failure('one') : item), B: 'caught' };
    expect(run('* { A catch B }', [1, 2], tasks).execution.outcome).toEqual(completed(['caught', 2]));
  });

  test('10000 items may all fail', () => {
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const { execution } = run('* A with (- map: {tolerate: 10000} -)', items, { A: failure('x') });
    expect(execution.outcome).toMatchObject({ status: 'completed' });
  });

  test('10000 items are run with work in proportion to their number', () => {
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const { execution, log } = run('* { A → B } with (- map: {limit: 50} -)', items);
    expect([log.length, execution.outcome]).toEqual([20_000, completed(items)]);
  });
});

describe('cancel', () => {
  test('nothing more starts; the execution ends with the last of its running steps', () => {
    const steps = new TestRun(graphOf('A → B; C; wait:delay(- duration: 1 -)'), 0);
    expect(steps.event({ kind: 'cancel' })).toEqual({ started: [], stopped: ['4'] });
    expect(steps.execution.running()).toEqual(['1', '3']);
    steps.end('A');
    expect(steps.event({ kind: 'canceled', id: '3' })).toEqual({
      started: [],
      stopped: [],
      outcome: { status: 'canceled' },
    });
    expect(steps.log).toHaveLength(3);
    expect(steps.event({ kind: 'cancel' })).toEqual({ started: [], stopped: [] });
  });

  test('@finally runs after the last step, with the input and the results', () => {
    const steps = new TestRun(graphOf('A → B; C; @finally { F → G }'), 7);
    steps.end('A', 'a');
    steps.event({ kind: 'cancel' });
    steps.end('C', 'c');
    steps.end('B', failure('x'));
    expect(steps.log.at(-1)).toBe('F {"input":7,"results":{"A":"a","C":"c"}}');
    steps.end('F');
    expect(steps.end('G')).toMatchObject({ outcome: { status: 'canceled' } });
  });

  test('a finally that fails leaves its error in the outcome', () => {
    const steps = new TestRun(graphOf('A @finally F'), 7);
    steps.event({ kind: 'cancel' });
    steps.event({ kind: 'canceled', id: '1' });
    expect(steps.end('F', failure('x')).outcome).toMatchObject({ status: 'canceled', error: { code: 'x', step: 'F' } });
  });

  test('force ends the execution at once, also while @finally runs', () => {
    const steps = new TestRun(graphOf('A @finally F'), 7);
    steps.event({ kind: 'cancel' });
    steps.event({ kind: 'canceled', id: '1' });
    expect(steps.event({ kind: 'cancel', force: true })).toEqual({
      started: [],
      stopped: ['3'],
      outcome: { status: 'canceled' },
    });
    expect(steps.event({ kind: 'succeeded', id: '3' })).toEqual({ started: [], stopped: [] });
  });

  test('a step that is canceled alone has failed', () => {
    const steps = new TestRun(graphOf('A catch B'), 0);
    steps.event({ kind: 'canceled', id: '1' });
    expect(steps.log.at(-1)).toMatch('B {"error":{"code":"canceled"');
  });
});

describe('large flows run to their end, also from a stored state', () => {
  const many = (count: number, text: (index: number) => string) => Array.from({ length: count }, (_, n) => text(n));

  test.each([
    ['10,000 steps in a line', many(10_000, (n) => `T${n}`).join(' → '), 10_000],
    ['2,000 branches', `S → { ${many(2_000, (n) => `T${n}`).join('; ')} } → E`, 2_002],
    ['100 levels of subflows', `${'{ A → '.repeat(100)}B${' → C }'.repeat(100)}`, 201],
    ['20,000 items', 'S → * A → E', 20_002],
  ])('%s', (_, text, steps) => {
    const graph = graphOf(text);
    const first = new TestRun(graph, { n: 1 }, { S: many(20_000, (n) => `${n}`) });
    first.end([...first.open.values()].map((step) => first.nameOf(step))[0] ?? '');
    const state = JSON.parse(JSON.stringify(first.execution.state()));
    const restored = restoreExecution(graph, state);
    expect(restored.state()).toEqual(state);

    let ended = 1;
    const open = [...first.open.keys()];
    for (const id of open) {
      open.push(...restored.advance({ kind: 'succeeded', id, output: ended }).started.map((step) => step.id));
      ended += 1;
    }
    expect(restored.outcome?.status).toBe('completed');
    expect(ended).toBe(steps);
  });
});

test('thousands of items of a map fail, each in a subflow of its own', () => {
  const input = Array.from({ length: 5_000 }, (_, index) => index);
  const flow = '* { A → B } with (- map: {limit: 2000, tolerate: 5000} -)';
  const { execution } = run(flow, input, { B: failure('x') });
  const { outcome } = execution;
  expect(outcome?.status === 'completed' && (outcome.output as unknown[]).length).toBe(5_000);
});

test.each([['A → > :x; B → :x; :x → C'], ['A → :x C; B → > :x'], [':x → { C } A → > :x; B → :x']])(
  'a label merges what leads to it: %s',
  (text) => {
    expect(run(text, 0, { A: { a: 1 }, B: { b: 2 } }).log.at(-1)).toBe('C {"a":1,"b":2}');
  },
);
