import { streamName } from '../../../lib/plan/names';
import {
  formatTaskName,
  parseTaskName,
  resultSubject,
  taskNamespaceSubjects,
  taskStream,
  taskSubject,
} from '../../../lib/plan/task-names';

test.each([
  ['sleep', { taskNamespace: 'default', name: 'sleep' }],
  ['mail:send', { taskNamespace: 'mail', name: 'send' }],
  ['mail:send:now', { taskNamespace: 'mail', name: 'send:now' }],
])('%s is a task of its first part', (task, parsed) => {
  expect(parseTaskName(task)).toEqual(parsed);
  expect(parseTaskName(formatTaskName(parsed))).toEqual(parsed);
});

test('a task goes to a subject of its namespace and task namespace', () => {
  expect(taskSubject('prod', parseTaskName('mail:send'))).toBe('kflow.prod.task.mail.send');
  expect(taskNamespaceSubjects('prod', 'mail')).toBe('kflow.prod.task.mail.>');
  expect(resultSubject('prod', 'e1')).toBe('kflow.prod.result.e1');
});

test('the stream of tasks is no stream of a flow, whatever the flow is called', () => {
  expect(taskStream('prod')).toBe('kflow_prod__tasks');
  expect(streamName({ namespace: 'prod', jobId: 'x' }, 'tasks')).not.toBe(taskStream('prod'));
});
