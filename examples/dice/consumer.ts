/** Rolls dice, as `consumer.py` does: the tasks of one operation may run on consumers of either language. */
import { Consumer, Operation, OperationRegistry, Result, Task } from 'kflow/tasks';

const registry = new OperationRegistry();

class DiceRoll extends Task {
  override run(): Result {
    const launch = 1 + Math.floor(Math.random() * 6);
    return new Result({ uuid: this.uuid, stdout: `You made a ${launch}` });
  }
}
registry.subscribe(DiceRoll);

class DiceLaunch extends Operation {
  override buildTasks(): Task[] {
    return [new DiceRoll(), new DiceRoll(), new DiceRoll()];
  }
}
registry.subscribe(DiceLaunch);

async function main(): Promise<void> {
  await registry.initApp();
  const consumer = new Consumer('dice');
  consumer.registry = registry.controller;
  process.exitCode = await consumer.run();
}

void main();
