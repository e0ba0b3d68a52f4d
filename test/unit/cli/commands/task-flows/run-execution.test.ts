import { ControllerConnection } from '../../../../../runtime/cli/client/controller-connection';
import { ExecutionsClient } from '../../../../../runtime/cli/client/executions-client';
import { runExecution } from '../../../../../runtime/cli/commands/task-flows/run-execution';
import { TaskRunView } from '../../../../../runtime/cli/commands/task-flows/task-run-view';
import { Interrupts } from '../../../../../runtime/cli/frame/interrupts';
import { TestController } from '../flows/support';

/** Counts how often somebody waits for an interrupt. */
class CountedInterrupts extends Interrupts {
  waits = 0;

  override async waitAtMost(): Promise<void> {
    this.waits += 1;
    await new Promise(setImmediate);
  }
}

test('an execution that is deleted meanwhile fails the run, after which nothing waits for interrupts', async () => {
  const controller = await TestController.start();
  const interrupts = new CountedInterrupts();
  const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const client = new ExecutionsClient(new ControllerConnection({ url: controller.url }));
    const view = await TaskRunView.open();
    const run = { namespace: 'default', text: 'A → B', input: {}, timeout: undefined };
    const ended = runExecution(client, run, { view, interrupts });
    while (!written.mock.calls.some(([line]) => String(line).includes('A  running'))) {
      await new Promise(setImmediate);
    }
    const [execution] = (await controller.executions.list('default', { limit: 1 })).executions;
    if (execution === undefined) throw new Error('nothing runs');
    void controller.executions.terminate(execution, { by: 'eva' });
    void controller.executions.delete(execution, { by: 'eva' });
    await expect(ended).rejects.toMatchObject({ code: 'execution-missing' });
    const { waits } = interrupts;
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    expect(interrupts.waits).toBe(waits);
  } finally {
    written.mockRestore();
    interrupts.close();
    await controller.close();
  }
});

test('Ctrl-C cancels the execution, a second one terminates it, and the run ends with 130', async () => {
  const controller = await TestController.start();
  const interrupts = new CountedInterrupts();
  const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const until = async (text: string) => {
    while (!written.mock.calls.some(([line]) => String(line).includes(text))) await new Promise(setImmediate);
  };
  try {
    const client = new ExecutionsClient(new ControllerConnection({ url: controller.url }));
    const view = await TaskRunView.open();
    const run = { namespace: 'default', text: 'A → B', input: {}, timeout: undefined };
    const ended = runExecution(client, run, { view, interrupts });
    await until('A  running');
    interrupts.count = 1;
    await until('canceling');
    interrupts.count = 2;
    expect(await ended).toBe(130);
  } finally {
    written.mockRestore();
    interrupts.close();
    await controller.close();
  }
});
