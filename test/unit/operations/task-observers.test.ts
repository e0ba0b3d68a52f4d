import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { TaskSpanRecorder } from '../../../runtime/adapters/opentelemetry/task-span-recorder';
import { Operation, Result, Task, useMetrics, useTracer } from '../../../runtime/operations';
import { useLog } from '../../../runtime/operations/observe/task-log';
import { PrometheusMetrics } from '../../../runtime/operations/observe/task-metrics';

class Login extends Task {
  override run() {
    return new Result({ uuid: this.uuid, retval: { user: 'ada', password: 'p', nested: { apiToken: 't', n: 1 } } });
  }
}
class Failing extends Task {
  override run(): Result {
    throw new Error('no entry');
  }
}
class Visit extends Operation {
  override buildTasks() {
    return [new Login(), new Failing()];
  }
}

beforeAll(() => useLog(() => undefined));

test('KS-26: the page has the tasks that were started, and how they ended', async () => {
  const metrics = await PrometheusMetrics.open('127.0.0.1', 0);
  try {
    useMetrics(metrics);
    await new Visit().execute();
    const page = await (await fetch(`http://127.0.0.1:${metrics.port}/metrics`)).text();
    expect(page).toContain('kflow_task_count{name="__main__.Login"} 1');
    expect(page).toMatch(/kflow_task_result_total\{hostname=".+",name="__main__\.Login",status="SUCCESS"\} 1/);
    expect(page).toMatch(/kflow_task_result_total\{hostname=".+",name="__main__\.Failing",status="FAILED"\} 1/);
    expect(page).not.toContain('Visit');
  } finally {
    await metrics.close();
  }
});

test('KS-28: the spans of tasks are children of that of their operation, without what looks like a secret', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  useTracer(new TaskSpanRecorder(provider.getTracer('test')));
  const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await new Visit({ uuid: 'o1', metadata: { traceparent: caller } }).execute();
  const spans = exporter.getFinishedSpans();
  const operation = spans.find(({ name }) => name === '__main__.Visit');
  expect(operation?.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(operation?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  expect(operation?.attributes).toMatchObject({ uuid: 'o1', 'result.retcode': 500, 'result.stderr': 'no entry' });
  const tasks = spans.filter((span) => span !== operation);
  expect(tasks.map(({ name }) => name)).toEqual(['__main__.Login', '__main__.Failing']);
  for (const { parentSpanContext } of tasks)
    expect(parentSpanContext).toMatchObject({ spanId: operation?.spanContext().spanId });
  expect(tasks[0]?.attributes).toMatchObject({ 'result.retval.user': 'ada', 'result.retval.nested.n': 1 });
  expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toMatch(/password|apiToken/);
});
