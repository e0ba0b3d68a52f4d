import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Message } from '../../../runtime/operations';
import { waitFor } from '../../support/wait-for';
import { OperationPlace } from './operation-place';

let place: OperationPlace;
beforeAll(async () => {
  place = await OperationPlace.start();
});

const programs = 'test/fixtures/operations/programs';
const languages = [
  ['Python', `${programs}/worker.py`],
  ['TypeScript', `${programs}/worker.ts`],
] as const;

let count = 0;
const marks = (name: string) => path.join(place.folder, `${name}-${++count}`);
const lengthOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);

const send = async (topic: string, entrypoint: string, params: object = {}) => {
  const uuid = randomUUID();
  const message = new Message({
    uuid,
    entrypoint: `__main__.${entrypoint}`,
    params: { ...params },
    metadata: { k: 'v' },
  });
  expect(await place.producer.send(topic, message)).toMatchObject({ retcode: 0 });
  return uuid;
};

const worker = (name: string, file: string, topic: string, classes: string, more = {}) =>
  place.consumer(name, file, { WORKER_TOPIC: topic, WORKER_CLASSES: classes, ...more });

describe('the dice', () => {
  test('KS-16: roll on consumers of both languages, each roll of a launch on another one', async () => {
    const consumers = await Promise.all([
      place.consumer('dice-1', 'examples/dice/consumer.py'),
      place.consumer('dice-2', 'examples/dice/consumer.py'),
      place.consumer('dice-3', 'examples/dice/consumer.ts'),
    ]);
    const rollers = (rolls: readonly string[]) =>
      rolls.map((uuid) =>
        consumers.find(({ output }) => output.includes(`DiceRoll.Success: __main__.DiceRoll[${uuid}]`)),
      );
    await waitFor('three rolls on three consumers', async () => {
      const launch = await send('dice', 'DiceLaunch');
      const answer = await place.answer('dice', launch);
      expect(answer.result).toMatchObject({ retcode: 0, stdout: expect.stringMatching(/^You made a [1-6]$/) });
      const rolls = (await place.answers('dice')).filter((each) => isPartOf(each.metadata, launch));
      expect(rolls.map(({ entrypoint }) => entrypoint)).toEqual(Array(3).fill('__main__.DiceRoll'));
      return new Set(rollers(rolls.map(({ uuid }) => uuid))).size === 3;
    });
    for (const consumer of consumers) consumer.kill('SIGTERM');
    expect(await Promise.all(consumers.map((each) => each.ended()))).toEqual([0, 0, 0]);
  });

  test('KS-01: roll in the program of the documentation, as it is written, with Flask', async () => {
    const consumer = await place.consumer('document', `${programs}/document.py`);
    const uuid = await send('documented', 'DiceRoll');
    expect(await place.answer('documented', uuid)).toMatchObject({
      result: { stdout: expect.stringMatching(/^You made a [1-6]$/) },
    });
    const line = (text: string) =>
      new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3} INFO     ${text}`, 'm');
    await consumer.says('Controller.Success');
    for (const text of [
      'Operation registry: loaded __main__.DiceRoll$',
      'Operation registry: loaded __main__.DiceLaunch$',
      'Consumer.Starting\\.\\.\\.',
      `DiceRoll.Success: __main__.DiceRoll\\[${uuid}\\]: You made a [1-6]$`,
      `Controller.Success: __main__.DiceRoll\\[${uuid}\\]: You made a [1-6]$`,
    ]) {
      expect(consumer.output).toMatch(line(text));
    }
    const launch = await send('documented', 'DiceLaunch');
    expect(await place.answer('documented', launch)).toMatchObject({ result: { retcode: 0 } });
    consumer.kill('SIGINT');
    expect(await consumer.ended()).toBe(0);
  });

  test.each(['py', 'ts'])('are asked for by the producer of the example: producer.%s', async (language) => {
    const consumer = await place.consumer(`dice-${language}`, 'examples/dice/consumer.py');
    const producer = place.start('asks', `examples/dice/producer.${language}`);
    expect([await producer.ended(), producer.output]).toEqual([
      0,
      expect.stringMatching(/Message __main__\.DiceLaunch\[.+\] sent in dice/),
    ]);
    await consumer.says('DiceLaunch.Success: ');
    consumer.kill('SIGTERM');
    expect(await consumer.ended()).toBe(0);
  });
});

describe('an operation of one language', () => {
  beforeAll(async () => {
    await worker('p', `${programs}/worker.py`, 'python', 'First FromPython');
    await worker('t', `${programs}/worker.ts`, 'typescript', 'Second FromTypeScript');
  });

  test('KS-16: a Python operation runs its tasks on consumers of both, with the results and metadata of those before', async () => {
    const uuid = await send('python', 'FromPython', { price: 3 });
    expect(await place.answer('python', uuid)).toMatchObject({
      result: { retcode: 0, stdout: 'first', retval: { ran: ['p:First', 't:Second', 'p:First', 't:Second'], seen: 3 } },
      metadata: { k: 'v' },
    });
  });

  test('KS-16: a TypeScript operation runs its tasks on consumers of both', async () => {
    const uuid = await send('typescript', 'FromTypeScript', { price: 4 });
    expect(await place.answer('typescript', uuid)).toMatchObject({
      result: { retcode: 0, retval: { ran: ['t:Second', 'p:First', 't:Second'], seen: 4 } },
      metadata: { k: 'v' },
    });
  });
});

describe.each(languages)('a consumer in %s', (language, file) => {
  const topic = `held-${language}`;

  test('KS-22 KS-24: is paused by its flag after the current message, whose name is in its file meanwhile, and goes on without the flag', async () => {
    const [started, until] = [marks('started'), marks('until')];
    const name = `pauses-${language}`;
    const flag = (kind: string) => path.join(place.folder, `kflow-${name}-${kind}.lock`);
    const consumer = await worker(name, file, topic, 'Held');
    const first = await send(topic, 'Held', { started, until });
    await waitFor('the first one runs', () => lengthOf(started) === 1);
    expect(readFileSync(flag('run'), 'utf8')).toBe(`__main__.Held[${first}]`);
    writeFileSync(flag('pause'), '');
    const second = await send(topic, 'Held', { started, until });
    writeFileSync(until, '');
    expect(await place.answer(topic, first)).toMatchObject({ result: { stdout: 'held' } });
    await waitFor('it is idle', () => readFileSync(flag('run'), 'utf8') === '');
    const stream = await place.place.manager.streams.info('kflow_default__operations', {
      subjects_filter: `kflow.default.operation.${topic}`,
    });
    expect(stream.state.subjects).toEqual({ [`kflow.default.operation.${topic}`]: 1 });
    expect(lengthOf(started)).toBe(1);
    rmSync(flag('pause'));
    await place.answer(topic, second);
    expect(lengthOf(started)).toBe(2);
    consumer.kill('SIGTERM');
    expect(await consumer.ended()).toBe(0);
  });

  test('KS-23: ends by its flag after the current message, which is acked, with the exit status 0', async () => {
    const [started, until] = [marks('started'), marks('until')];
    const name = `ends-${language}`;
    const consumer = await worker(name, file, topic, 'Held');
    const uuid = await send(topic, 'Held', { started, until });
    await waitFor('it runs', () => lengthOf(started) === 1);
    writeFileSync(path.join(place.folder, `kflow-${name}-terminate.lock`), '');
    writeFileSync(until, '');
    expect(await consumer.ended()).toBe(0);
    expect(await place.answer(topic, uuid)).toMatchObject({ result: { stdout: 'held' } });
    expect(await place.place.ackPending('kflow_default__operations', topic)).toBe(0);
  });

  test('KS-22 KS-23: is paused by SIGUSR1 until SIGUSR2, and ended by SIGTERM after the current message', async () => {
    const [started, until] = [marks('started'), marks('until')];
    const consumer = await worker(`listens-${language}`, file, topic, 'Held');
    const first = await send(topic, 'Held', { started, until });
    await waitFor('the first one runs', () => lengthOf(started) === 1);
    consumer.kill('SIGUSR1');
    const second = await send(topic, 'Held', { started, until });
    writeFileSync(until, '');
    await place.answer(topic, first);
    await waitFor(
      'the first one is acked',
      async () => (await place.place.ackPending('kflow_default__operations', topic)) === 0,
    );
    expect(lengthOf(started)).toBe(1);
    rmSync(until);
    consumer.kill('SIGUSR2');
    await waitFor('the second one runs', () => lengthOf(started) === 2);
    consumer.kill('SIGTERM');
    writeFileSync(until, '');
    expect(await consumer.ended()).toBe(0);
    expect(await place.answer(topic, second)).toMatchObject({ result: { stdout: 'held' } });
    expect(await place.place.ackPending('kflow_default__operations', topic)).toBe(0);
  });

  test('runs as many messages at once as its concurrency; is paused and ended after all of them', async () => {
    const own = `several-${language}`;
    const [started, until] = [marks('started'), marks('until')];
    const consumer = await worker(own, file, own, 'Held', { WORKER_CONCURRENCY: '3' });
    const uuids: string[] = [];
    for (let at = 0; at < 6; at++) uuids.push(await send(own, 'Held', { started, until }));
    await waitFor('three run', () => lengthOf(started) === 3);
    const running = () =>
      readFileSync(path.join(place.folder, `kflow-${own}-run.lock`), 'utf8')
        .split('\n')
        .sort();
    expect(running()).toEqual(
      uuids
        .slice(0, 3)
        .map((uuid) => `__main__.Held[${uuid}]`)
        .sort(),
    );
    consumer.kill('SIGUSR1');
    writeFileSync(until, '');
    const acked = async () => (await place.place.ackPending('kflow_default__operations', own)) === 0;
    await waitFor('the acks', acked);
    expect(lengthOf(started)).toBe(3);
    rmSync(until);
    consumer.kill('SIGUSR2');
    await waitFor('the others run', () => lengthOf(started) === 6);
    consumer.kill('SIGTERM');
    writeFileSync(until, '');
    expect(await consumer.ended()).toBe(0);
    expect((await place.answers(own)).map(({ uuid }) => uuid).sort()).toEqual([...uuids].sort());
    expect(await acked()).toBe(true);
  });

  test('a consumer that dies within a task delays its operation: the task is run again, those before are not', async () => {
    const own = `doomed-${language}`;
    const [started, steps, dies] = [marks('started'), marks('steps'), marks('dies')];
    writeFileSync(dies, '');
    const consumer = await worker(own, file, own, 'Doomed Step Mortal');
    const uuid = await send(own, 'Doomed', { started, steps, dies });
    expect(await consumer.ended()).toBe(9);
    rmSync(dies);
    await worker(`${own}-2`, file, own, 'Doomed Step Mortal');
    const { result } = await place.answer(own, uuid);
    expect(result).toMatchObject({ retcode: 0, retval: { ran: [`${own}:Step`, `${own}-2:Mortal`, `${own}-2:Step`] } });
    expect([lengthOf(started), lengthOf(steps)]).toEqual([2, 2]);
  });
});

function isPartOf(metadata: { readonly [key: string]: unknown }, operation: string): boolean {
  return (metadata.__operation__ as { readonly uuid?: string } | undefined)?.uuid === operation;
}
