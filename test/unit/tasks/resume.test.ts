import type { ExecutionState } from '../../../lib/tasks/advance/execution-state';
import { type ResumeOptions, resumeExecution } from '../../../lib/tasks/advance/resume-execution';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { failure, graphOf, run, type Tasks, TestRun } from './support';

/** Resumes an execution from its stored state, and runs it to its end. */
function resume(
  before: { readonly graph: TaskGraph; readonly execution: { state(): ExecutionState } },
  tasks: Tasks = {},
  options: ResumeOptions = {},
): TestRun {
  const state = JSON.parse(JSON.stringify(before.execution.state()));
  return new TestRun(
    options.definition ?? before.graph,
    undefined,
    tasks,
    resumeExecution(before.graph, state, options),
  ).finish();
}

test('LF-26: only what has not succeeded runs again, with its inputs', () => {
  const first = run('A → B → C; D', 0, { A: 'a', B: failure('x'), D: 'd' });
  const second = resume(first, { B: 'b', C: 'c' });
  expect(second.log).toEqual(['B "a"', 'C "b"']);
  expect(second.execution.outcome).toEqual({ status: 'completed', output: ['c', 'd'] });
});

test('LF-27: after a cancel, the successors of what has ended meanwhile start', () => {
  const first = new TestRun(graphOf('A → B → C'), 0);
  first.event({ kind: 'cancel' });
  expect(first.end('A', 'a').outcome).toEqual({ status: 'canceled' });
  expect(resume(first).log).toEqual(['B "a"', 'C "a"']);
});

test('LF-28: an execution that runs or has completed is not resumed', () => {
  const running = new TestRun(graphOf('A'), 0);
  expect(() => resume(running)).toThrow('the execution has not ended yet; cancel it first');
  expect(() => resume(running.finish())).toThrow('the execution has completed; name the steps to run again');
});

test('of a map, only the failed items and those that did not run are run', () => {
  const flow = '* { A → B } with (- map: {limit: 2} -) → C';
  const first = run(flow, [1, 2, 3, 4], { B: (item: number) => (item === 2 ? failure('x') : item) });
  expect(first.log).toEqual(['A 1', 'A 2', 'B 1', 'B 2', 'A 3']);
  const second = resume(first);
  expect(second.log).toEqual(['B 2', 'B 3', 'A 4', 'B 4', 'C [1,2,3,4]']);
});

test('an edited input is that of the steps that run now', () => {
  const first = run('A → B; C', 0, { A: 'a', B: failure('x'), C: failure('y') });
  expect(resume(first, {}, { input: 5 }).log.sort()).toEqual(['B "a"', 'C 5']);
});

test('steps are run again by name with what follows them, with an input of their own', () => {
  const first = run('A :x → B → C; :x → D', 0);
  expect(first.execution.outcome).toEqual({ status: 'completed', output: [0, 0] });
  expect(resume(first, {}, { inputs: { '2': 7 } }).log).toEqual(['B 7', 'C 7']);
  expect(resume(first, {}, { from: ['1'] }).log).toEqual(['A 0', 'B 0', 'D 0', 'C 0']);
  expect(resume(first, {}, { from: ['4'] }).execution.outcome).toEqual({ status: 'completed', output: [0, 0] });
});

test('a single item of a map is run again', () => {
  const first = run('* { A → B } → C', [1, 2, 3]);
  expect(resume(first, {}, { inputs: { '4[1]': 9 } }).log).toEqual(['B 9', 'C [1,9,3]']);
  expect(resume(first, {}, { inputs: { '1[2]': 9 } }).log).toEqual(['A 9', 'B 9', 'C [1,2,9]']);
});

describe('on another definition', () => {
  const first = () => run('A → { B → C } → * D → E; F', [1, 2], { E: failure('x'), B: [3, 4] });

  const resumed = (text: string, options: ResumeOptions = {}) =>
    resume(first(), {}, { definition: graphOf(text), ...options }).log;

  test('steps keep their results where nothing that leads to them has changed', () => {
    expect(resumed('A → { B → C } → * D → E; F')).toEqual(['E [3,4]']);
    expect(resumed('F; A → { B → C } → * D with (- map: {limit: 1} -) → E2 → E')).toEqual(['E2 [3,4]', 'E [3,4]']);
    expect(resumed('A with (- retry: {attempts: 2} -) → { B → C } → * D → E(- a: 1 -)')).toEqual(['E [3,4]']);
  });

  test('what follows a change runs again', () => {
    expect(resumed('X → A → { B → C } → * D → E; F')).toEqual([
      'X [1,2]',
      'A [1,2]',
      'B [1,2]',
      'C [1,2]',
      'D 1',
      'D 2',
      'E [1,2]',
    ]);
    expect(resumed('A → { B → C(- a: 1 -) } → * D → E; F').slice(0, 3)).toEqual(['C [3,4]', 'D 3', 'D 4']);
    expect(resumed('A → { B → C } → * { D } → E; F')).toEqual(['D 3', 'D 4', 'E [3,4]']);
  });

  test('equal steps are matched in their order; ids are those of the new definition', () => {
    const twice = run('A|A → B', 1, { B: failure('x') });
    expect(resume(twice, {}, { definition: graphOf('C; A|A → B') }).log).toEqual(['C 1', 'B [1,1]']);
    expect(resumed('F; A → { B → C } → * D → E', { inputs: { '5': [9] } })).toEqual(['C [9]', 'D 9', 'E [9]']);
  });

  test('a failure that a changed branch has handled is one again', () => {
    const caught = run('A catch B → C', 0, { A: failure('a'), B: 'b', C: failure('c') });
    expect(resume(caught, {}, { definition: graphOf('A catch B → C(- x: 1 -)') }).log).toEqual(['C "b"']);
    expect(resume(caught, {}, { definition: graphOf('A catch D → C') }).log).toEqual(['A 0', 'C 0']);
  });
});

test('handled failures stay as they are, unless their step is named', () => {
  const tasks = { A: failure('a'), B: 'b', C: failure('c') };
  const first = run('A catch B → C', 0, tasks);
  expect(resume(first, { C: 'c' }).log).toEqual(['C "b"']);
  expect(resume(first, { A: 'a', C: 'c' }, { from: ['1'] }).log).toEqual(['A 0', 'C "a"']);
  // a step of a catch branch stands for the step that failed
  expect(resume(first, { A: 'a', C: 'c' }, { from: ['3'] }).log).toEqual(['A 0', 'C "a"']);
});

test('a resume that fails early keeps what it has not reached for the next one', () => {
  const tasks = (a: unknown) => ({ A: a, B: (item: number) => (item === 1 ? failure('x') : item) });
  const first = run('A → * B with (- map: {limit: 1} -)', 0, tasks([3, 2, 1]));
  expect(first.log).toEqual(['A 0', 'B 3', 'B 2', 'B 1']);
  const second = resume(first, { ...tasks(0), B: failure('y') });
  expect(second.log).toEqual(['B 1']);
  expect(resume(second).log).toEqual(['B 1']);
});

test.each([['99'], ['0'], ['1[0]'], ['x'], ['2[1][0]'], ['4'], ['7']])('there is no step %s to run again', (id) => {
  const first = run('A → * {B} @finally C', [1]);
  expect(() => resume(first, {}, { from: [id] })).toThrow(`the execution has no step "${id}" to run again`);
});

test('what passed its input on in a canceled subflow or map still has it after a resume', () => {
  const texts = ['A → { B with (- optional: skip -); C }', 'A → * { B with (- optional: skip -); C }'];
  for (const [index, text] of texts.entries()) {
    const input = { n: 1 };
    const first = new TestRun(graphOf(text), index === 0 ? input : [input], { B: failure('b'), C: 'c' });
    first.end('A');
    first.end('B');
    first.event({ kind: 'cancel' });
    first.end('C', failure('c'));
    expect(first.execution.outcome).toEqual({ status: 'canceled' });
    const { log, execution } = resume(first, { C: 'c' });
    expect(log).toEqual(['C {"n":1}']);
    const result = [input, 'c'];
    expect(execution.outcome).toEqual({ status: 'completed', output: index === 0 ? result : [result] });
  }
});
