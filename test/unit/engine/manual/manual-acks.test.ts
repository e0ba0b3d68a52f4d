import { MemoryGroupLog } from '../../../../runtime/adapters/memory/memory-group-log';
import { lastCallId } from '../../../../runtime/engine/manual/manual-acks';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';
import { failure, noRoom, open, stage, turn } from '../loop-stage';

/** Delivers messages, and lets the function return one output for each. Returns their answers. */
async function process(...sequences: readonly number[]): Promise<string[][]> {
  const answers: string[][] = [];
  for (const sequence of sequences) {
    answers.push(await stage.begin(sequence));
    stage.output(stage.idOf(sequence));
    stage.loop.done(stage.idOf(sequence));
  }
  await turn();
  return answers;
}

/** The function returns from the record that it runs, and requests acks. */
async function request(id = stage.last): Promise<void> {
  stage.loop.ackRequested(id);
  stage.output(id);
  stage.loop.done(id);
  await turn();
}

describe('the outputs of a function that requests acks itself', () => {
  test('are kept until it does, and sent together; the records are acked when the last one is stored', async () => {
    const { publisher, loop } = open({ acksManually: true });
    const answers = await process(1, 2);
    answers.push(await stage.begin(3));
    expect([stage.ids, answers.flat()]).toEqual([[], []]);
    await request();
    expect(stage.ids).toEqual(['map:in-0:1:0', 'map:in-0:2:0', 'map:in-0:3:0']);
    publisher.store(1);
    publisher.store(0);
    expect(answers.flat()).toEqual([]);
    publisher.store(2);
    expect(answers).toEqual([['ack'], ['ack'], ['ack']]);
    expect([loop.idle, stage.counters.in]).toEqual([true, 3]);
  });

  test('of records that have ended are sent at once if none runs, and none of later ones', async () => {
    const { publisher, loop } = open({ acksManually: true });
    const answers = await process(1);
    loop.ackRequested(12345); // an ended record: from a thread, or a timer
    await process(2);
    publisher.store(0);
    expect([answers, stage.ids]).toEqual([[['ack']], ['map:in-0:1:0']]);
    expect(loop.onlyWaits).toBe(true);
  });

  test('are in the log before one is sent', async () => {
    open({ acksManually: true });
    await process(1);
    await stage.begin(2);
    stage.groupLog.failure = new Error('away');
    await request();
    expect(stage.ids).toEqual([]);
    expect(stage.logs).toContain('WARNING a group of 2 records runs again: away');
    stage.groupLog.failure = undefined;
    await process(1);
    await stage.begin(2);
    await request(stage.idOf(2));
    expect(
      stage.groupLog.shared.groups.map(({ records, outputs }) => [records.length, outputs.map(({ id }) => id)]),
    ).toEqual([[2, ['map:in-0:1:0', 'map:in-0:2:0']]]);
    expect(stage.ids).toEqual(['map:in-0:1:0', 'map:in-0:2:0']);
  });

  test('are not sent if a record of theirs is in a group of another replica: all run again', async () => {
    open({ acksManually: true });
    const answers = await process(1);
    answers.push(await stage.begin(2));
    const other = new MemoryGroupLog(stage.groupLog.shared);
    await other.write({ records: [{ stream: 'in-0', sequence: 2 } as Delivery], outputs: [] });
    await request();
    expect([answers, stage.ids, stage.host.isKilled]).toEqual([[['nak 0'], ['nak 0']], [], true]);
  });

  test('of records that ended after the request wait for the next one', async () => {
    const { loop } = open({ acksManually: true, concurrency: 2 });
    const first = await stage.begin(1);
    const requester = stage.idOf(1);
    loop.ackRequested(requester);
    await process(2);
    stage.output(requester);
    loop.done(requester);
    await turn();
    expect(stage.ids).toEqual(['map:in-0:1:0']);
    stage.publisher.store(0);
    expect([first, loop.onlyWaits]).toEqual([['ack'], true]);
  });

  test('may be none: the records are acked at once', async () => {
    const { loop } = open({ acksManually: true });
    const answers = [await stage.begin(1), await stage.begin(2)];
    loop.done(stage.idOf(1));
    loop.ackRequested(stage.idOf(2));
    loop.done(stage.idOf(2));
    expect(answers).toEqual([['ack'], ['ack']]);
  });

  test('that cannot be stored fail every record of the group, in a new host', async () => {
    const { publisher, loop } = open({ acksManually: true });
    const answers = await process(1);
    answers.push(await stage.begin(2));
    await request();
    publisher.store(0);
    publisher.refuse(1, noRoom);
    expect(answers).toEqual([['nak 1000'], ['nak 1000']]);
    expect([loop.idle, stage.host.isKilled]).toEqual([true, true]);
  });

  test('that no stream takes fail their record', async () => {
    const { loop } = open({ acksManually: true });
    const answers = await stage.begin(1);
    void loop.output(stage.last, Buffer.alloc(2_000), '');
    loop.ackRequested(stage.last);
    loop.done(stage.last);
    expect([answers, stage.ids]).toEqual([['nak 1000'], []]);
    expect(stage.counters.lastFailure).toContain('output is 2000 bytes, limit is 1000');
  });
});

describe('records that wait', () => {
  test('run again in a new host when another fails, and then count once', async () => {
    const { publisher, loop } = open({ acksManually: true });
    const answers = await process(1, 2);
    const failed = await stage.begin(3);
    loop.ackRequested(stage.last);
    loop.failed(stage.last, failure);
    await turn();
    expect([failed, answers.flat(), stage.hosts.length]).toEqual([['nak 1000'], [], 2]);
    expect(stage.sequencesIn(1)).toEqual([1, 2]);
    for (const sequence of [1, 2]) stage.output(stage.idOf(sequence));
    loop.done(stage.idOf(1));
    loop.ackRequested(stage.idOf(2));
    loop.done(stage.idOf(2));
    await turn();
    publisher.store(0);
    publisher.store(1);
    expect([answers, stage.ids]).toEqual([
      [['ack'], ['ack']],
      ['map:in-0:1:0', 'map:in-0:2:0'],
    ]);
  });

  test('run again, before those that were in the host, when it crashes', async () => {
    const { loop } = open({ acksManually: true });
    await process(1, 2);
    await stage.begin(3);
    await stage.crash();
    await turn();
    expect(stage.sequencesIn(1).sort()).toEqual([1, 2]); // 3 was charged: it was alone in the host
    expect(loop.onlyWaits).toBe(false);
  });

  test('do not take the room of others', async () => {
    open({ acksManually: true, concurrency: 1 });
    for (let sequence = 1; sequence <= 50; sequence++) await process(sequence);
    await turn();
    expect(stage.sources[0]?.demands.at(-1)?.messages).toBeGreaterThan(0);
  });

  test('are an error when a replica can hold no more', async () => {
    open({ acksManually: true, spec: { replicas: 5_000 } }); // 5 records each
    await process(1, 2, 3, 4);
    expect(stage.broken).toEqual([]);
    await process(5);
    expect(stage.broken.map(({ message }) => message)).toEqual([
      'map: 5 records (1 MiB) wait for an ack that the function has not requested; a replica holds 5 records, or 64 MiB; call ctx.request_ack() (TypeScript: ctx.requestAck()) for fewer records at a time',
    ]);
  });

  test('are given back when the replica stops', async () => {
    const { loop } = open({ acksManually: true });
    const answers = await process(1, 2);
    await loop.stop(5_000);
    expect([answers, loop.leftWaiting, stage.ids]).toEqual([[['nak 0'], ['nak 0']], 2, []]);
  });

  test('are given back once when the replica stops while their group is being written, and that fails then', async () => {
    const { groupLog, loop } = open({ acksManually: true });
    const answers = await process(1);
    answers.push(await stage.begin(2));
    const away = groupLog.holdWrites();
    await request();
    await loop.stop(0);
    expect(answers).toEqual([['nak 0'], ['nak 0']]);
    away(new Error('away'));
    await turn();
    expect([answers, stage.ids]).toEqual([[['nak 0'], ['nak 0']], []]);
  });

  test('are acked in the last call of a function that requests it there, with the outputs of its finish', async () => {
    const { publisher, loop } = open({ acksManually: true, hasFinish: true });
    const answers = await process(1, 2);
    const stopped = loop.stop(5_000);
    await turn();
    expect(stage.host.finishes).toEqual([lastCallId]);
    stage.output(lastCallId);
    loop.ackRequested(lastCallId);
    loop.done(lastCallId);
    await turn();
    publisher.store(0);
    publisher.store(1);
    publisher.store(2);
    await stopped;
    expect(stage.ids).toEqual(['map:in-0:1:0', 'map:in-0:2:0', 'map:in-0:2:1']);
    expect([answers, loop.leftWaiting]).toEqual([[['ack'], ['ack']], 0]);
  });

  test('are given back when the last call fails', async () => {
    const { loop } = open({ acksManually: true, hasFinish: true });
    const answers = await process(1);
    const stopped = loop.stop(5_000);
    await turn();
    loop.ackRequested(lastCallId);
    loop.failed(lastCallId, failure);
    await stopped;
    expect([answers, stage.ids]).toEqual([[['nak 0']], []]);
    expect(stage.logs).toContain('ERROR finish failed: ValueError: no');
  });
});

describe('a last call before the end', () => {
  /** One record waits, and the last call is going on. */
  async function callLast(): Promise<string[]> {
    const { loop } = open({ acksManually: true, hasFinish: true });
    const [answers = []] = await process(1);
    void loop.callLast(5_000);
    await turn();
    expect(stage.host.finishes).toEqual([lastCallId]);
    return answers;
  }

  test('is the only one of its host: a record that comes later runs in a new one, which gets another', async () => {
    const answers = await callLast();
    const late = await stage.begin(2);
    expect(stage.sequencesIn(0)).toEqual([1]);
    stage.loop.ackRequested(lastCallId);
    stage.loop.done(lastCallId);
    await turn();
    stage.publisher.store(0);
    expect([answers, stage.host.isKilled, stage.sequencesIn(1)]).toEqual([['ack'], true, [2]]);
    stage.loop.done(stage.idOf(2));
    void stage.loop.callLast(5_000);
    await turn();
    expect(stage.hostAt(1).host.finishes).toEqual([lastCallId]);
    stage.loop.ackRequested(lastCallId);
    stage.loop.done(lastCallId);
    await turn();
    expect([late, stage.loop.idle]).toEqual([['ack'], true]);
  });

  test('that goes on when the replica stops is not repeated', async () => {
    const answers = await callLast();
    const stopped = stage.loop.stop(5_000);
    stage.loop.ackRequested(lastCallId);
    stage.loop.done(lastCallId);
    await turn();
    stage.publisher.store(0);
    await stopped;
    expect([answers, stage.host.finishes, stage.loop.leftWaiting]).toEqual([['ack'], [lastCallId], 0]);
  });

  test('that ends its host ends the replica: no record is charged', async () => {
    const answers = await callLast();
    await stage.crash();
    expect(stage.broken.map(({ message }) => message)).toEqual(['Python was killed by SIGKILL']);
    expect([answers, stage.counters.failed]).toEqual([[], 0]);
  });
});

describe('a redelivered record', () => {
  const records = [1, 2].map((sequence) => ({ stream: 'in-0', sequence }) as Delivery);
  const outputs = [
    { id: 'map:in-0:1:0', payload: Buffer.from('one') },
    { id: 'map:in-0:2:0', payload: Buffer.from('two') },
  ];

  test('of a group is acked when the missing outputs of the group are stored, and does not run', async () => {
    const { groupLog, publisher } = open({ acksManually: true });
    await groupLog.write({ records, outputs });
    groupLog.storedIds.add('map:in-0:1:0');
    const answers = [await stage.begin(2, { deliveries: 2 }), await stage.begin(1, { deliveries: 2 })];
    await stage.begin(3, { deliveries: 2 });
    expect([answers, publisher.sent.map(({ id, payload }) => [id, String(payload)])]).toEqual([
      [[], []],
      [['map:in-0:2:0', 'two']],
    ]);
    publisher.store(0);
    await turn();
    expect(answers).toEqual([['ack'], ['ack']]);
    expect(stage.sequencesIn(0)).toEqual([3]);
    expect(groupLog.shared.groups.map(({ isStored }) => isStored)).toEqual([true]);
  });

  test('of a group whose outputs cannot be stored is tried again', async () => {
    const { groupLog, publisher } = open({ acksManually: true });
    await groupLog.write({ records, outputs });
    const answers = await stage.begin(1, { deliveries: 2 });
    publisher.refuse(0, noRoom);
    publisher.store(1);
    await turn();
    expect([answers, stage.host.records]).toEqual([['nak 2000'], []]);
    const again = await stage.begin(1, { deliveries: 3 });
    publisher.store(2);
    publisher.store(3);
    await turn();
    expect(again).toEqual(['ack']);
  });
});

describe('a downloaded file', () => {
  function openWithFiles(): { readonly discarded: string[] } {
    const discarded: string[] = [];
    let count = 0;
    const downloads = {
      fetch: async () => ({ path: `/tmp/file-${++count}`, metadata: {} }),
      discard: async ({ path }: { readonly path: string | null }) => void discarded.push(path ?? ''),
    };
    open({ acksManually: true, ports: { downloads } });
    return { discarded };
  }

  test('of a record that the function has acked is the function’s; that of a failed one is deleted', async () => {
    const { discarded } = openWithFiles();
    await stage.begin(1);
    stage.loop.ackRequested(stage.last);
    stage.loop.done(stage.last);
    await stage.begin(2);
    stage.loop.failed(stage.last, failure);
    await turn();
    expect(discarded).toEqual(['/tmp/file-2']);
  });

  test('of a record that waits when the host crashes is deleted, and downloaded again at the next delivery', async () => {
    const { discarded } = openWithFiles();
    const answers = await process(1);
    await stage.begin(2);
    await stage.crash();
    await turn();
    expect([answers, discarded.includes('/tmp/file-1'), stage.sequencesIn(1)]).toEqual([[['nak 0']], true, []]);
    await stage.begin(1, { deliveries: 2 });
    expect(stage.hostAt(1).host.records.map(({ download }) => download?.path)).toEqual(['/tmp/file-3']);
  });

  test('of a record that waits is deleted when the replica stops', async () => {
    const { discarded } = openWithFiles();
    await process(1);
    await stage.loop.stop(5_000);
    expect(discarded).toEqual(['/tmp/file-1']);
  });
});
