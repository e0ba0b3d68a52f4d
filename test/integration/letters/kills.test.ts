import { nanos } from 'nats';
import { redriveStream } from '../../../lib/plan/names';
import { waitFor } from '../../support/wait-for';
import { recordOf, textOf, type Work } from '../engine/engine-replica';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder } from '../replica/replica-run';
import { LetterFlow } from './letter-flow';
import { type Death, MortalReplica } from './mortal-replica';

let place: JetStreamPlace;
const folder = new CodeFolder();
const replicas: MortalReplica[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.kill()));
});
afterAll(async () => {
  await place.close();
  folder.remove();
});

/** Outputs the record twice; a broken one fails in between. */
function outputTwice(isBroken: boolean): Work {
  return ({ id, payload }, events) => {
    void events.output(id, recordOf(`${textOf(payload)} a`), '');
    if (isBroken) throw new TypeError('broken');
    void events.output(id, recordOf(`${textOf(payload)} b`), '');
  };
}

class Ledger {
  private constructor(private readonly flow: LetterFlow) {}

  /** A flow with three records in the input of `map`, whose streams forget ids at once and redeliver after a second. */
  static async open(jobId: string): Promise<{ ledger: Ledger; flow: LetterFlow }> {
    const flow = await LetterFlow.open(place, folder, { jobId });
    await flow.forgetIds();
    await place.manager.consumers.update(flow.stream('source'), 'map', { ack_wait: nanos(1_000) });
    for (const text of ['one', 'two', 'three']) {
      await place.connection.jetstream().publish(`kflow.default.${jobId}.source.out`, recordOf(text));
    }
    return { ledger: new Ledger(flow), flow };
  }

  async outputs(): Promise<string[]> {
    return (await place.payloads(this.flow.stream('map'))).map(textOf).sort();
  }

  async letters(): Promise<string[]> {
    return (await this.flow.letters()).map(({ payload }) => textOf(payload)).sort();
  }

  async untilAcked(): Promise<void> {
    await waitFor('the input is acked', async () => (await place.ackFloor(this.flow.stream('source'), 'map')) === 3);
  }

  /** Each record has its first output, and is one letter or has its second output. */
  async expectEach(): Promise<void> {
    const letters = await this.letters();
    const done = all.filter((text) => !letters.includes(text));
    expect(new Set(letters).size).toBe(letters.length);
    expect(await this.outputs()).toEqual([...firsts, ...done.map((text) => `${text} b`)].sort());
  }
}

async function start(flow: LetterFlow, work: Work, death?: Death): Promise<MortalReplica> {
  const replica = await MortalReplica.start(place.url, flow, { work, ...(death === undefined ? {} : { death }) });
  replicas.push(replica);
  return replica;
}

/** A replica that is killed, and the next one. */
async function startTwice(flow: LetterFlow, death: Death, [work, next]: readonly [Work, Work]): Promise<void> {
  const killed = await start(flow, work, death);
  await waitFor('it is killed', () => killed.isDead);
  await start(flow, next);
}

const works = outputTwice(false);
const fails = outputTwice(true);

const all = ['one', 'three', 'two'];
const firsts = all.map((text) => `${text} a`);
const both = all.flatMap((text) => [`${text} a`, `${text} b`]);

let count = 0;

/** A flow whose three records are letters, each with its first output stored. */
async function givenUp() {
  const { ledger, flow } = await Ledger.open(`killed-${++count}`);
  const replica = await start(flow, fails);
  await ledger.untilAcked();
  await replica.kill();
  expect([await ledger.letters(), await ledger.outputs()]).toEqual([all, firsts]);
  await flow.redrive();
  await place.manager.consumers.update(redriveStream(flow.flow), 'map', { ack_wait: nanos(1_000) });
  return { ledger, flow };
}

const moments: readonly (readonly [string, Death])[] = [
  ['before its output is stored', { at: 'output stored', when: 'before' }],
  ['when its output is stored and it does not know', { at: 'output stored', when: 'after' }],
  ['before it removes the letter', { at: 'letter removed', when: 'before' }],
  ['when the letter is removed and it does not know', { at: 'letter removed', when: 'after' }],
  ['before it acks', { at: 'ack', when: 'before' }],
];

test.each(moments)(
  'a replica that is killed in a redrive %s leaves every output once and no letter',
  async (_, death) => {
    const { ledger, flow } = await givenUp();
    await startTwice(flow, death, [works, works]);
    await flow.untilRedriven();
    expect([await ledger.letters(), await ledger.outputs()]).toEqual([[], both]);
  },
);

const failures: typeof moments = [
  ['before its new letter is stored', { at: 'letter stored', when: 'before' }],
  ['when its new letter is stored and it does not know', { at: 'letter stored', when: 'after' }],
  ['before it removes the old letter', { at: 'letter removed', when: 'before' }],
  ['when the old letter is removed and it does not know', { at: 'letter removed', when: 'after' }],
  ['before it acks', { at: 'ack', when: 'before' }],
];

test.each(failures)(
  'a redriven record that fails again is one letter, though its replica is killed %s',
  async (_, death) => {
    const { ledger, flow } = await givenUp();
    await startTwice(flow, death, [fails, fails]);
    await flow.untilRedriven();
    expect([await ledger.letters(), await ledger.outputs()]).toEqual([all, firsts]);
  },
);

test.each(failures)(
  'a record that fails and then would succeed is a letter or an output, though its replica is killed %s',
  async (_, death) => {
    const { ledger, flow } = await givenUp();
    await startTwice(flow, death, [fails, works]);
    await flow.untilRedriven();
    await ledger.expectEach();
  },
);

test.each(failures.filter(([, { at }]) => at !== 'letter removed'))(
  'a record that is given up on is a letter once, and no output, though its replica is killed %s',
  async (_, death) => {
    const { ledger, flow } = await Ledger.open(`given-${++count}`);
    await startTwice(flow, death, [fails, works]);
    await ledger.untilAcked();
    await ledger.expectEach();
  },
);
