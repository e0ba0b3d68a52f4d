import { ExecutionQuestions } from '../../../../runtime/adapters/temporal/execution-questions';
import type { Answer, Question } from '../../../../runtime/controller/executions/ports/execution-workflow';

const key = { namespace: 'team', execution: 'e' };
const marks = (number: number) => ({ kind: 'unreceived', marks: [{ sender: 's', number }] }) as const;

/** Answers with the numbers of the signals that it is asked about. */
function answersOf(questions: readonly Question[]): readonly Answer[] {
  return questions.map((question) =>
    question.kind === 'unreceived' ? question.marks.map(({ number }) => number) : true,
  );
}

test('what is asked of an execution while it is being asked goes with the next request', async () => {
  const requests: number[] = [];
  const questions = new ExecutionQuestions(async (_key, asked) => {
    requests.push(asked.length);
    return answersOf(asked);
  });
  const numbers = Array.from({ length: 150 }, (_, at) => at);
  expect(await Promise.all(numbers.map((at) => questions.ask(key, marks(at))))).toEqual(numbers.map((at) => [at]));
  expect(requests).toEqual([1, 100, 49]);
  expect(await questions.ask(key, marks(7))).toEqual([7]);
  expect(requests).toEqual([1, 100, 49, 1]);
});

test('each execution is asked by itself', async () => {
  const asked: string[] = [];
  const questions = new ExecutionQuestions(async ({ execution }, list) => {
    asked.push(execution);
    return answersOf(list);
  });
  await Promise.all(['a', 'b'].map((execution) => questions.ask({ ...key, execution }, marks(1))));
  expect(asked).toEqual(['a', 'b']);
});

test('a request that fails rejects what was asked with it, and no more; a workflow that does not run has no answers', async () => {
  const answers = [Promise.reject(new Error('away')), Promise.resolve(undefined), Promise.resolve([[3]])];
  const questions = new ExecutionQuestions(() => answers.shift() ?? Promise.reject(new Error('asked too often')));
  const first = questions.ask(key, marks(1));
  const second = questions.ask(key, marks(2));
  await expect(first).rejects.toThrow('away');
  expect(await second).toBeUndefined();
  expect(await questions.ask(key, marks(3))).toEqual([3]);
});
