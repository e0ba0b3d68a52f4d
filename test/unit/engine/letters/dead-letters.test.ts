import { decodeLetter } from '../../../../runtime/engine/letters/letter-headers';
import type { Attempt } from '../../../../runtime/engine/letters/letter-history';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';
import { failure, open, stage, turn } from '../loop-stage';

/** Notes in memory, and what was asked of them. */
class MemoryNotes {
  readonly noted: Attempt[] = [];
  readonly forgotten: number[] = [];
  constructor(readonly earlier: readonly Attempt[] = []) {}
  note(_delivery: Delivery, attempt: Attempt): void {
    this.noted.push(attempt);
  }
  async of(): Promise<readonly Attempt[]> {
    return this.earlier;
  }
  forget({ sequence }: Delivery): void {
    this.forgotten.push(sequence);
  }
}

const earlier: Attempt = {
  number: 1,
  at: '2026-01-31T08:00:00.000Z',
  replica: 'map-1',
  reason: 'crashed',
  type: 'crashed',
  message: 'killed',
  stored: '0-1',
};

function lastLetter() {
  const { headers = {} } = stage.publisher.sent.at(-1) ?? {};
  return decodeLetter((name) => headers[name] ?? '');
}

test('notes a failed attempt with the outputs that it stored, and no attempt of a record that succeeds', async () => {
  const notes = new MemoryNotes();
  const { loop, publisher } = open({ letters: { notes, replica: 'map-0' } });
  await stage.begin(1);
  loop.done(stage.last);
  await stage.begin(2);
  stage.output(stage.last);
  loop.failed(stage.last, failure);
  publisher.store(0);
  expect(notes.noted).toMatchObject([{ number: 1, replica: 'map-0', type: 'ValueError', message: 'no', stored: '0' }]);
  expect(notes.forgotten).toEqual([]);
});

test('a letter has the attempts of other replicas, and names every stored output', async () => {
  const notes = new MemoryNotes([earlier]);
  const { loop, publisher } = open({ spec: { maxDeliver: 2 }, letters: { notes, replica: 'map-0' } });
  const answers = await stage.begin(2, { deliveries: 2 });
  for (const _ of [0, 1, 2]) stage.output(stage.last);
  loop.failed(stage.last, failure);
  for (const index of [0, 1, 2]) publisher.store(index);
  await turn();
  expect(lastLetter()).toMatchObject({ stored: '0-2', replica: 'map-0', deliveries: 2 });
  expect(lastLetter().history.attempts.map(({ replica, reason }) => [replica, reason])).toEqual([
    ['map-1', 'crashed'],
    ['map-0', 'exception'],
  ]);
  expect(answers).toEqual([]);
  publisher.store(3);
  expect([answers, notes.forgotten]).toEqual([['ack'], [2]]);
});

test('outputs of an attempt that ended with its replica are looked up', async () => {
  const origins = { publishedFor: async () => new Set([0, 4]) };
  const { loop } = open({ spec: { maxDeliver: 3 }, letters: { notes: new MemoryNotes(), origins } });
  await stage.begin(2, { deliveries: 3 });
  loop.failed(stage.last, failure);
  await turn();
  expect(lastLetter().stored).toBe('0,4');
  expect(lastLetter().history.attempts.map(({ reason }) => reason)).toEqual(['unknown', 'exception']);
});

test('an output that was refused is not among the stored ones', async () => {
  const { loop, publisher } = open({ spec: { maxDeliver: 1 } });
  await stage.begin(2);
  stage.output(stage.last);
  void loop.output(stage.last, Buffer.alloc(2_000), '');
  loop.done(stage.last);
  publisher.store(0);
  await turn();
  expect(lastLetter()).toMatchObject({ reason: 'too large', stored: '0' });
});

describe('a redriven letter', () => {
  const redriven = {
    letter: 12,
    id: 'r1',
    writer: 'map@3',
    storedAt: '2026-01-31T07:00:00.000Z',
    stored: new Set([0]),
    history: { attempts: [earlier], redrives: [{ id: 'r1', by: 'eva', at: '2026-01-31T09:00:00.000Z' }] },
  };

  test('has the output ids of its first attempt, and does not send what is stored', async () => {
    const { publisher } = open();
    await stage.begin(2, { redriven });
    stage.output(stage.last);
    stage.output(stage.last);
    expect(publisher.sent.map(({ id }) => id)).toEqual(['map@3:in-0:2:1']);
  });

  test('is another letter when it fails, with both histories', async () => {
    const { loop, publisher } = open({ spec: { maxDeliver: 1 }, letters: { replica: 'map-0' } });
    await stage.begin(2, { redriven });
    loop.failed(stage.last, failure);
    expect(publisher.sent[0]?.id).toBe('dead:map@3:in-0:2:12');
    expect(lastLetter()).toMatchObject({ redrive: 'r1', writer: 'map@3', storedAt: redriven.storedAt, stored: '0' });
    expect(lastLetter().history).toMatchObject({
      attempts: [earlier, { number: 1, replica: 'map-0', redrive: 'r1' }],
      redrives: [{ id: 'r1', by: 'eva' }],
    });
  });
});

test('a record whose letter is stored is acked, and not processed', async () => {
  const letters = { has: async ({ sequence }: Delivery) => sequence === 1 };
  const { host } = open({ ports: { letters } });
  const answers = await stage.begin(1, { deliveries: 2 });
  await stage.begin(2, { deliveries: 2 });
  await stage.begin(3);
  await turn();
  expect(answers).toEqual(['ack']);
  expect(host.records.map(({ origin }) => origin.sequence).sort()).toEqual([2, 3]);
});
