import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { deadLetterStream } from '../../../lib/plan/names';
import { readLetters } from '../../../runtime/adapters/jetstream/letters/read-letters';
import { readRecentIds } from '../../../runtime/adapters/jetstream/read-ids';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, numbersIn, sorted, startReplica } from './replica-run';

let place: JetStreamPlace;
let folder: CodeFolder;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => folder.remove());
afterAll(() => place.close());

type Language = 'javascript' | 'python';

async function planned(language: Language, code: string): Promise<{ plan: FlowPlan; stream: string }> {
  const jobId = `letters-${++flows}`;
  const source = {
    id: 'source',
    type: 'raw-source',
    schema: numbered,
    meta: { language, code, ...(code.includes('NatsSink') ? {} : { name: 'run' }) },
    out: ['leaf'],
  };
  const leaf = { id: 'leaf', type: 'raw', meta: { language: 'javascript', name: 'run', code: 'function run() {}' } };
  const plan = planOf(JSON.stringify({ jobId, mode: 'batch', dag: [source, leaf] }));
  await place.streams.provision(plan);
  return { plan, stream: `kflow_default_${jobId}_source` };
}

async function lettersOf(plan: FlowPlan): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { function: id, stream, errorType, payload } of readLetters(place.connection, {
    stream: deadLetterStream(plan),
    after: 0,
    headersOnly: false,
  })) {
    found.push(`${id}${stream} ${errorType} ${Buffer.from(payload).toString().replace(/\s/g, '')}`);
  }
  return found;
}

const shapes: readonly (readonly [string, Language, string])[] = [
  [
    'a list in JavaScript',
    'javascript',
    'let calls = 0; const run = () => calls++ > 0 ? null : [{ n: 1 }, { n: "two" }, { n: 3 }];',
  ],
  [
    'a generator in JavaScript',
    'javascript',
    'function* run() { yield { n: 1 }; yield { n: "two" }; yield { n: 3 }; }',
  ],
  [
    'a list in Python',
    'python',
    'calls = 0\ndef run():\n    global calls\n    calls += 1\n    return [{"n": 1}, {"n": "two"}, {"n": 3}] if calls == 1 else None',
  ],
  ['a generator in Python', 'python', 'def run():\n    yield {"n": 1}\n    yield {"n": "two"}\n    yield {"n": 3}'],
];

test.each(shapes)(
  'a record of a source that does not fit is a letter, and the source goes on to its end: %s',
  async (_, language, code) => {
    const { plan, stream } = await planned(language, code);
    const replica = startReplica(place, plan, 'source');
    await waitFor(
      'its end',
      async () =>
        (await numbersIn(place, stream)).length === 2 && replica.logs.some((line) => line.includes('dead letter')),
    );
    await replica.stop();
    expect(await numbersIn(place, stream)).toEqual([1, 3]);
    expect(await lettersOf(plan)).toEqual([expect.stringMatching(/^source \w+Error \{"n":"two"\}$/)]);
    expect(replica.logs).toContainEqual(
      expect.stringMatching(/^ERROR a record is a dead letter: .*\bn: expected long/),
    );
  },
);

test.each(shapes.filter(([name]) => name.includes('generator')))(
  'a record that became a letter is one of those that are not emitted again, however late a source starts again: %s',
  async (_, language, code) => {
    const { plan } = await planned(language, code);
    const replica = startReplica(place, plan, 'source');
    await waitFor('its letter', async () => (await lettersOf(plan)).length === 1);
    await replica.stop();
    const ids = await readRecentIds(place.connection, specOf(plan, 'source'));
    expect(sorted(ids.map((id) => Number(id.split(':').at(-1))))).toEqual([0, 1, 2]);
  },
);

/** A program that writes the numbers of a queue that are not acked, acks each when it is stored, and ends at 400. */
const programs: { readonly [Each in Language]: (acked: string) => string } = {
  javascript: (acked) => `const fs = require('node:fs');
const { loadTopology, NatsSink } = require('kflow/function');
const sink = loadTopology().dag.find((each) => each.out.length === 0);
const acked = ${JSON.stringify(acked)};
async function main() {
  const pub = await NatsSink.build(sink);
  const start = fs.existsSync(acked) ? fs.readFileSync(acked, 'utf8').split('\\n').length - 1 : 0;
  for (let n = start; n < 400; n++) {
    await pub.write(sink.topics, { n });
    fs.appendFileSync(acked, n + '\\n');
  }
  await pub.close();
}
main();`,
  python: (acked) => `import asyncio, os
from kfbasicpy.runtime.config import loadTopology
from kfbasicpy.sink.nats_sink import NatsSink
sink = next(each for each in loadTopology().dag if len(each.out) == 0)
acked = ${JSON.stringify(acked)}
async def main():
    pub = await NatsSink.build(sink)
    start = sum(1 for _ in open(acked)) if os.path.exists(acked) else 0
    for n in range(start, 400):
        await pub.write(topics=sink.topics, event_dic={"n": n})
        with open(acked, "a") as file:
            file.write(f"{n}\\n")
asyncio.run(main())`,
};

test.each(['javascript', 'python'] as const)(
  'a program in %s that acks what is stored loses nothing through stops, and repeats at most the write under way',
  async (language) => {
    const { plan, stream } = await planned(language, programs[language](folder.file('acked')));
    const acked = () => folder.numbers('acked').length;
    for (const until of [50, 150, 250]) {
      const replica = startReplica(place, plan, 'source');
      await waitFor(`${until} acks`, () => acked() >= until);
      await replica.stop();
    }
    const last = startReplica(place, plan, 'source');
    await waitFor('the last ack', () => acked() === 400);
    await last.stop();
    const stored = await numbersIn(place, stream);
    expect(sorted([...new Set(stored)])).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(stored.length).toBeLessThanOrEqual(403);
  },
);
