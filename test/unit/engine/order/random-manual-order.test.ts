import { Random, seed } from '../../../support/random';
import { failure, map, noRoom, open, stage, turn } from '../loop-stage';

const [input] = map.inputs;
if (input === undefined) throw new Error('map reads nothing');
const spec = { inputs: [{ ...input, partitions: 16 }], maxDeliver: 3 };
const count = 60;
const keys = ['a', 'b', 'c'];
const concurrency = 4;
const keyOf = (sequence: number) => keys[sequence % keys.length] ?? '';

/** A function that requests acks itself, whose records fail at random, and its server, which stores and delivers again. */
class RandomRun {
  private readonly answers = new Map<number, { deliveries: number; list: string[] }>();
  private readonly returned = new Set<number>();
  private hostIndex = -1;
  private answered = 0;
  private delivered = 0;
  /** Ids of outputs in the order of the stream. */
  readonly stored: string[] = [];
  readonly letters = new Set<number>();

  constructor(
    private readonly random: Random,
    private readonly crashes: number,
  ) {}

  get isDone(): boolean {
    return this.delivered === count && [...this.answers.values()].every(({ list }) => list.includes('ack'));
  }

  /** Numbers of stored records of a key, in the order of the stream. */
  numbersOf(key: string): number[] {
    return this.stored.map((id) => Number(id.split(':')[2])).filter((sequence) => keyOf(sequence) === key);
  }

  async step(): Promise<void> {
    const chance = this.random.next();
    if (chance < 0.3 && this.delivered < count) this.deliver(++this.delivered);
    else if (chance < 0.5) this.store();
    else if (chance < 0.6) this.redeliver();
    else if (chance < 0.6 + this.crashes && this.running().length > 0) await stage.crash();
    else this.process();
    await turn();
  }

  private deliver(sequence: number, deliveries = 1): void {
    const list = stage.sources[0]?.deliver(sequence, { key: keyOf(sequence), deliveries }) ?? [];
    this.answers.set(sequence, { deliveries, list });
  }

  private redeliver(): void {
    const returned = [...this.answers].filter(([, { list }]) => list.some((answer) => answer.startsWith('nak')));
    if (returned.length === 0) return;
    const [sequence, { deliveries }] = this.random.oneOf(returned);
    this.deliver(sequence, deliveries + 1);
  }

  private store(): void {
    const { sent } = stage.publisher;
    if (this.answered === sent.length) return;
    const index = this.answered++;
    if (this.random.next() < 0.03) {
      stage.publisher.refuse(index, noRoom);
      return;
    }
    const { id = '', subject = '' } = sent[index] ?? {};
    const { storedIds } = stage.groupLog;
    const isNew = !storedIds.has(id);
    storedIds.add(id);
    if (isNew && subject.endsWith('.dead')) this.letters.add(Number(id.split(':').at(-1)));
    else if (isNew) this.stored.push(id);
    stage.publisher.store(index, { duplicate: !isNew });
  }

  /** Groups are in the log after a random time. */
  delayGroups(): void {
    const { groupLog } = stage;
    const write = groupLog.write.bind(groupLog);
    groupLog.write = async (group) => {
      for (let turns = this.random.upTo(5); turns > 1; turns--) await turn();
      return write(group);
    };
  }

  /** Ids of the records that the code of the current host has begun. */
  private running(): number[] {
    if (this.hostIndex !== stage.hosts.length - 1) this.returned.clear();
    this.hostIndex = stage.hosts.length - 1;
    const { records } = stage.hostAt(-1).host;
    return records
      .map(({ id }) => id)
      .filter((id) => !this.returned.has(id))
      .slice(0, concurrency);
  }

  private process(): void {
    const running = this.running();
    if (running.length === 0) {
      if (this.delivered === count) stage.loop.ackRequested(-1); // from a timer
      return;
    }
    const id = this.random.oneOf(running);
    this.returned.add(id);
    if (this.random.next() < 0.25) stage.loop.failed(id, failure);
    else {
      if (this.random.next() < 0.3) stage.loop.ackRequested(id);
      stage.output(id);
      stage.loop.done(id);
    }
  }
}

async function run(crashes: number, options: Parameters<typeof open>[0] = {}): Promise<RandomRun> {
  open({ spec, acksManually: true, concurrency, ...options });
  const random = new RandomRun(new Random(seed), crashes);
  random.delayGroups();
  await turn();
  for (let steps = 0; steps < 20_000 && !random.isDone; steps++) await random.step();
  expect(random.isDone).toBe(true);
  const settled = new Set([...random.letters, ...keys.flatMap((key) => random.numbersOf(key))]);
  expect([settled.size, new Set(random.stored).size]).toEqual([count, random.stored.length]);
  return random;
}

test.each([
  ['', {}],
  [' after the end of a replica', { caution: { begin: async () => 0, end: () => undefined } }],
])(
  'stores the records of each key in order%s, while some fail and acks are requested at random',
  async (_, options) => {
    const random = await run(0, options);
    for (const key of keys) {
      // the output of a letter may be stored with its group, later
      const numbers = random.numbersOf(key).filter((sequence) => !random.letters.has(sequence));
      expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    }
  },
);

test('stores every record once, or its letter, while the process crashes at random, too', async () => {
  await run(0.03);
});
