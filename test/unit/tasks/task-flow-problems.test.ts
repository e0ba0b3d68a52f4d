import { problemsOf } from './support';

test.each([
  ['', ['1:1  the flow has no step']],
  ['# nothing', ['1:1  the flow has no step']],
  ['@flow x', ['1:1  the flow has no step']],
  ['{ }', ['1:1  a subflow needs a step']],
  [';;', ['1:1  expected']],
  ['A → ', ['1:5  expected']],
  ['A | {B}', ['1:5  a list has only tasks; put subflows side by side in braces, got "{"']],
  ['A → <- 1 -> → B', ['1:5  a constant can only begin a statement']],
  ['<x', ['1:1  expected <uri>, or a constant']],
  ['A(1)', ['1:2  parameters are written as']],
  ['A({"a": 1)', ['1:2  the JSON has no end']],
  ['A(- a: 1', ['1:2  the YAML has no closing "-)"']],
  ['A(- a: [1 -)', ['1:11  ']],
  ['A [B]', ['1:3  unexpected "["; a subflow is written in braces: { A B }', '1:5  unexpected "]"']],
  ['A ⇒ B', ['1:3  unexpected "⇒"']],
  ['A → { B', ['1:5  the subflow has no closing brace']],
  ['A } B', ['1:3  this closing brace has no opening one']],
  ['A => B', ['1:3  unexpected "=>"; an arrow is → or ->']],
  ['A --> B', ['1:3  unexpected "-"; an arrow is → or ->']],
  ['A –> B', ['1:3  unexpected "–"; an arrow is → or ->']],
  ['A ⟶ B', ['1:3  unexpected "⟶"; an arrow is → or ->']],
  ['A, B', ['1:2  unexpected ","; statements end with ";", and a list is written as A|B']],
  ['A // text', ['1:3  unexpected "//"; a comment begins with #']],
  ['A\u200b', ['1:2  unexpected "U+200B"']],
  ['A → (B → C)', ['1:5  parameters are written as (- YAML -), ({…}) or ([…]), and a subflow as { A B }']],
  ['A → <s3://x', ['1:5  expected <uri>, or a constant']],
  ['<{"a": 1} → A', ['1:11  expected ">" after the JSON']],
  ['{ A(- x: 1 }', ['1:4  the YAML has no closing "-)"']],
  ['A → ? `$.x B → C', ['1:7  the guard has no closing backquote']],
  ['A → ? $.x B', ['1:7  unexpected "$."; a guard is a JSONPath in backquotes']],
  ['A ? `$.x` → B', ['1:11  a guard stands before its step, got "→"']],
  ['A\n* → B', ['2:3  "*" stands before its step, got "→"']],
  ['A catch → B', ['1:9  expected a task, a list (A|B) or a subflow in braces, got "→"']],
  ['A :x catch B', ['1:6  "catch" stands between two steps, before labels: A catch B :x']],
  ['catch → A', ['1:1  "catch" stands between two steps']],
  [
    'A with retry',
    ['1:8  "with" follows a step, and a policy follows it: A with (- retry: {attempts: 3} -), got "retry"'],
  ],
  ['A with (- optional: skip -) with (- map: {} -)', ['1:29  "with" follows a step, and a policy follows it']],
  ['@task catch {A}', ['1:7  "catch" stands between two steps']],
  ['@taks A', ['1:1  expected @flow, @task or @finally, got "@taks"']],
  ['@finally A → B', ['1:12  @finally has a single step; write several in braces: { A → B }, got "→"']],
  ['A → B → :x → C; :x → D', ['1:12  nothing follows a destination']],
  ['* > A', ['1:3  a step either merges its input (>) or runs for each item (*)']],
  ['A → > :x; :x → * B', ['1:11  the step that the label leads to runs for each item (*)']],
  ['? A', ['1:3  a guard is a JSONPath in backquotes']],
  ['@foo A', ['1:1  expected @flow, @task or @finally, got "@foo"']],
  ['{ @task A {B} }', ['1:3  declarations are not possible in a subflow']],
  ['@task X = A { B } X', ['1:13  "X" stands either for another task or for a subflow']],
  ['@finally A; @finally B; C', ['1:13  there is a @finally already']],
])('the syntax of %j', (text, expected) => {
  const found = problemsOf(text);
  expect(found.map((problem, index) => problem.slice(0, expected[index]?.length))).toEqual(expected);
});

test('every problem is reported at once, after a fault from the next statement on', () => {
  expect(
    problemsOf(`@flow broken
A → → B
C → ? \`$.x[\` D
wait:dely(- duration: 5 -) → wait:delay
E with (- retry: {attempts: 0} -)
F(- a: [ -)
{ G → ] H }
`),
  ).toEqual([
    '2:5  expected a task, a list (A|B) or a subflow in braces, got "→"',
    '3:12  D  invalid guard: expected a key in quotes, an index, a slice or *, got the end',
    '4:1  wait:dely  unknown task "wait:dely"; did you mean "wait:delay"?',
    '4:30  wait:delay  the key "duration" is missing; it must be a duration in seconds, or with a unit, as in 90s, 5m or 2d',
    '5:29  E.with.retry.attempts  must be a positive integer, got 0',
    '6:10  flow sequence in block collection must be sufficiently indented and end with a ]',
    '7:7  unexpected "]"',
  ]);
});

test.each([
  ['wait:delay(- duration: 999999999d -)', '1:24  wait:delay.duration  must be at most 36500d'],
  ['A with (- retry: {cap: 1e300} -)', '1:24  A.with.retry.cap  must be at most 36500d'],
])('a duration ends within a hundred years: %s', (text, expected) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining(expected)]);
});

test.each([
  [
    'approve(- title: x, deadline: 1d -)',
    ['1:18  a value contains ": "; put several keys in braces, {a: 1, b: 2}, or on a line each, or a text in quotes'],
  ],
  ['wait:delay(- duration:5\n   x: 1 -)', ['1:14  a key ends with a colon and a space, as in a: 1']],
  ['@task A(- a: 1 -) A(- [1 -)', ['1:26  ']],
  ['A with (- retry: {attempts: 0, backoff: [ -)', ['1:43  ']],
])('data with a fault has no other problems: %s', (text, expected) => {
  const found = problemsOf(text);
  expect(found.map((problem, index) => problem.slice(0, expected[index]?.length))).toEqual(expected);
});

test.each([
  ['A > B', '1:3  warning: ">" begins another statement here; an arrow is → or ->, and ";" ends the statement before'],
  ['A; > B', undefined],
  ['A\n> B', undefined],
])('%j is no edge, which a warning says', (text, warning) => {
  expect(problemsOf(text)).toEqual(warning === undefined ? [] : [warning]);
});

describe('texts that only attack', () => {
  test.each([
    ['unclosed YAML', 'A(- x: "y\n', 'the YAML has no closing "-)"'],
    ['unclosed JSON', 'A({"x\n', 'the JSON has no end'],
    ['what is no token', '% ', 'unexpected "%"'],
  ])('%s is reported a hundred times', (_, part, message) => {
    const found = problemsOf(part.repeat(5_000));
    expect(found).toHaveLength(101);
    expect(found[0]).toContain(message);
    expect(found[100]).toContain('there are too many faults before to read on');
  });

  test.each([
    ['catch', `A${' catch B'.repeat(5_000)}`, 'nested too deep for a task flow'],
    ['braces', `${'{'.repeat(5_000)}A${'}'.repeat(5_000)}`, 'nested too deep for a task flow'],
    ['aliases', `${declared((n) => `= T${n + 1}`)} T0`, 'more than 100 aliases lead here'],
    [
      'declared subflows',
      `${declared((n) => `{ T${n + 1} }`)} T0`,
      'the flow has more than 500 subflows within each other',
    ],
  ])('%s without end are refused', (_, text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });

  function declared(body: (index: number) => string): string {
    return Array.from({ length: 5_000 }, (_, index) => `@task T${index} ${body(index)}`).join('\n');
  }
});

test('LF-14: an invalid guard is reported at the position of its fault', () => {
  expect(problemsOf('A →\n  ? `$[?(@.a = )]` B')).toEqual([
    '2:16  B  invalid guard: expected a path (@.key), text in quotes, a number, true, false or null, got ")"',
  ]);
  expect(problemsOf('? `a` B')).toEqual(['1:4  B  invalid guard: a guard begins with "$", the input of the step']);
});

describe('LF-19: labels', () => {
  test.each([
    ['A :x → B; C :x → D', ['1:13  :x  the output label already exists in line 1, column 3; use ":x →" to read it']],
    ['A → :x B; C → :x D', ['1:15  :x  the input label already exists in line 1, column 5; use "→ :x" to lead there']],
    [
      'A :sorted → B; :sortd → C',
      [
        '1:16  :sortd  unknown output label: no step has it as its output (A :sortd), and nothing leads to it; did you mean "sorted"?',
      ],
    ],
    ['A → :x', ['1:5  :x  unknown input label: no step has it as its input (:x A), and nothing reads it']],
    ['A :start → B', ['1:3  :start  the label is reserved; it is only possible as in ":start → A"']],
    ['A → :end B', ['1:5  :end  the label is reserved; it is only possible as in "A → :end"']],
    ['A → :start', ['1:5  :start  nothing leads back to the start; only "→ :end" ends a statement']],
    [':end → A', ['1:1  :end  the end has no output; only ":start →" begins a statement']],
    ['{A :x} B → :x', ['1:12  :x  unknown input label: no step has it as its input (:x A), and nothing reads it']],
  ])('%s', (text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  test('an edge is written once', () => {
    expect(problemsOf('A :x → :x B')).toEqual(['1:8  these two steps are connected already; remove one of the edges']);
  });
});

describe('LF-21: cycles', () => {
  test.each([
    ['A → :loop B → C → :loop', ['1:11  cycle: B -> C -> B; remove one of the edges']],
    ['A :a → B; :a → :b C → {D} → :b', ['1:19  cycle: C -> flow -> D -> C; remove one of the edges']],
    ['@task X { A → Y } @task Y { X } Y', ['1:15  Y  the task contains itself: Y -> X -> Y']],
    ['@task X { X } A', ['1:11  X  the task contains itself: X -> X']],
    ['@task X = Y @task Y = X; X', ['1:13  @task Y  the aliases form a cycle: X -> Y -> X']],
  ])('%s', (text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });
});

test.each([
  [
    '@task A (- {x:1} -) A([1])',
    ['1:23  A  the parameters and their defaults are of different kinds; write both as a map, or both as a list'],
  ],
  ['@task A @task A; A', ['1:9  @task A  the task is declared in line 1 already; remove one of the declarations']],
  [
    '@task X (- a: 1 -) {A} X',
    ['1:1  @task X  a task that stands for a subflow has no parameters; give them to the tasks in the subflow'],
  ],
  [
    'A with (- retries: 3 -)',
    [
      '1:11  A.with.retries  unknown key "retries"; known here: retry, timeout, optional, concurrency, rate, memoize, map',
    ],
  ],
  [
    'A with (- timeout: {run: soon} -)',
    ['1:26  A.with.timeout.run  must be a duration in seconds, or with a unit, as in 90s, 5m or 2d, got "soon"'],
  ],
  ['A with (- optional: maybe -)', ['1:21  A.with.optional  must be one of fail, skip, skip-rest, got "maybe"']],
  [
    'A with (- map: {limit: 2} -)',
    ['1:11  A.with.map  only a step that runs for each item of a list (* X) has limits of a map'],
  ],
  [
    '{A} with (- retry: {attempts: 2} -)',
    ['1:13  subflow.with  a subflow has no retry; give it to the tasks in the subflow'],
  ],
  [
    '@task X {A} X with (- rate: {limit: 1, per: 1s} -)',
    ['1:23  X.with  a subflow has no rate; give it to the tasks in the subflow'],
  ],
  ['@task unused with (- retry: 3 -) A', ['1:29  @task unused.with.retry  must be a map, got 3']],
  [
    '@task unused { wait:x } A',
    [
      '1:16  wait:x  unknown task "wait:x"; known here: wait:delay, wait:event, wait:acquire, wait:release, wait:countdown',
    ],
  ],
  ['request:get', ['1:1  request:get  the key "url" is missing; it must be text']],
  ['request:head(- url: x -)', ['1:1  request:head  unknown task "request:head"; did you mean "request:get"?']],
  [
    'wait:acquire(- nam: x -)',
    [
      '1:16  wait:acquire  the key "name" is missing; it must be text',
      '1:16  wait:acquire.nam  unknown key "nam"; did you mean "name"?',
    ],
  ],
  [
    '<s3://a> → A → <b.json>',
    [
      '1:16  <b.json>  warning: this version loads and stores only http:, https: and s3: resources, got: relative; the step will fail',
    ],
  ],
  ['approve', ['1:1  approve  the key "title" is missing; it must be text']],
  ['approve(- title: x\n   deadline: 2d -)', ['1:1  approve.deadline  a deadline needs "otherwise": reject or fail']],
  [
    'approve(- {title: x, form: {a: {type: enum}}} -)',
    ['1:1  approve.form.a  an enum needs its choices: enum: [low, high]'],
  ],
  [
    'approve(- title: x -) with (- retry: {attempts: 2} -)',
    ['1:31  approve.with  an approval has no retry; its deadline is a parameter'],
  ],
])('%s', (text, expected) => {
  expect(problemsOf(text)).toEqual(expected);
});

test.each([
  ['@flow f (- attributes: [a] -) A', ['1:24  @flow.attributes  must be a map of names to values']],
  ['@flow f (- attributes: {a: {b: 1}} -) A', ['1:28  @flow.attributes.a  must be text of at most 256 characters']],
  ['@flow f (- attributes: {"a b": 1} -) A', ['1:']],
])('the attributes of %j', (text, expected) => {
  const found = problemsOf(text);
  expect(found.map((problem, index) => problem.slice(0, expected[index]?.length))).toEqual(expected);
});
