/** Asks for one roll, and for an operation of three, as `producer.py` does. */
import { randomUUID } from 'node:crypto';
import { Message, Producer } from 'kflow/tasks';

async function main(): Promise<void> {
  const producer = new Producer();
  await producer.send('dice', new Message({ uuid: randomUUID(), entrypoint: '__main__.DiceRoll' }));
  await producer.send('dice', new Message({ uuid: randomUUID(), entrypoint: '__main__.DiceLaunch' }));
  await producer.close();
}

void main();
