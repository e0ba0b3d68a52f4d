/** A task worker that listens to events: the tasks of the namespace `sleep`, such as `sleep:nap(- for: 5 -)`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventListener, message, receiptFor, type StartTaskEvent } from 'kflow/tasks';

class SleepListener extends EventListener {
  constructor(key: string, group = 'sleep') {
    super(key, group, { select: ['start-task'] });
  }

  async process(eventId: string, { workflow, name, index, parameters, input }: StartTaskEvent): Promise<boolean> {
    const { for: seconds = 60 } = parameters as { readonly for?: number };
    await this.append(receiptFor(eventId));
    await sleep(seconds * 1_000);
    await this.append(message({ name, index, workflow, status: 'SUCCESS', output: input }, 'end-task'));
    return true;
  }
}

if (require.main === module) void new SleepListener('workflow:run').listen();
