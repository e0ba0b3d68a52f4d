import { kflow } from '../../support';

test.each([
  [['simulate', 'mail:send'], 'want a task namespace, as mail of mail:send, got "mail:send"'],
  [['simulate', 'mail', 'wait'], 'the controller itself runs the tasks of wait'],
  [['simulate', '--failures', '101'], '--failures: want a number from 0 to 100, got "101"'],
  [['simulate', '--wait-period', 'soon'], '--wait-period: want 0 or a duration in seconds'],
  [['simulate', '--seed', '-1'], '--seed: want a whole number, 0 or more'],
  [['simulate', '--namespace', 'A B'], '--namespace: want the name of a namespace'],
  [['worker'], 'the worker that advances executions is the controller, which kflow up starts'],
])('kflow %j is refused', async (words, message) => {
  expect(await kflow(...words)).toMatchObject({ status: 64, stdout: '', stderr: expect.stringContaining(message) });
});
