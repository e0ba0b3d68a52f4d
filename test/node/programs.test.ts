import { readFileSync } from 'node:fs';
import { importExtended } from './cluster/images';
import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { ControlledRun, type FlowRun, GitOpsRun } from './stage/flow-run';
import { containerPid, readNode } from './stage/node';
import type { NumberFlow, NumberRecord } from './stage/number-document';

const count = 400;
/** Writes of the program that wait at a time. */
const atOnce = 10;

/** Programs that note what is stored, and continue after that. The `owner` of a record says where its start has continued. */
const python = `import asyncio, os, uuid
from kfbasicpy.runtime.config import loadTopology
from kfbasicpy.sink.nats_sink import NatsSink

topology = loadTopology()
sink = next(function for function in topology.dag if len(function.out) == 0)

def note(number):
    with open("/state/new", "w") as file:
        file.write(str(number))
    os.replace("/state/new", "/state/next")

async def main():
    pub = await NatsSink.build(sink)
    first = int(open("/state/next").read()) if os.path.exists("/state/next") else 0
    owner = f"{first} {uuid.uuid4()}"
    for start in range(first, ${count}, ${atOnce}):
        numbers = range(start, start + ${atOnce})
        await asyncio.gather(*(pub.write(topics=sink.topics, event_dic={"number": n, "key": 0, "owner": owner}) for n in numbers))
        note(start + ${atOnce})
        await asyncio.sleep(0.3)

asyncio.run(main())
`;
const typescript = `import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { loadTopology, NatsSink } from 'kflow/function';

const sink = loadTopology().dag.find(({ out }) => out.length === 0)!;

function note(number: number): void {
  writeFileSync('/state/new', String(number));
  renameSync('/state/new', '/state/next');
}

async function main(): Promise<void> {
  const pub = await NatsSink.build(sink);
  const first = existsSync('/state/next') ? Number(readFileSync('/state/next', 'utf8')) : 0;
  const owner = first + ' ' + randomUUID();
  for (let start = first; start < ${count}; start += ${atOnce}) {
    const numbers = Array.from({ length: ${atOnce} }, (_, index) => start + index);
    await Promise.all(numbers.map((number) => pub.write(sink.topics!, { number, key: 0, owner })));
    note(start + ${atOnce});
    await delay(300);
  }
  await pub.close();
}
void main();
`;

/** Images as the documents make them: by their command in Python, else by a variable. */
const images = {
  python: { files: { '/app/main.py': python }, command: ['python3', '/app/main.py'] },
  typescript: { files: { '/app/main.ts': typescript }, env: ['KFLOW_PROGRAM=/app/main.ts'] },
} as const;
type Language = keyof typeof images;
const programOf = (language: Language) => `docker.io/library/${language}-program:1`;

beforeAll(async () => {
  for (const language of ['python', 'typescript'] as const) {
    await importExtended(readNode().image, { name: programOf(language), ...images[language] });
  }
});

const flowOf = (namespace: string, language: Language): NumberFlow => ({
  namespace,
  mode: 'batch',
  count,
  rate: 0,
  program: programOf(language),
});

async function makeRun(by: 'manifests' | 'the controller', language: Language): Promise<FlowRun> {
  if (by === 'manifests') return new GitOpsRun(flowOf(`program-${language}-gitops`, language));
  return new ControlledRun(flowOf(`program-${language}-controlled`, language), await InstalledController.open());
}

async function untilStored(run: FlowRun, wanted: number): Promise<void> {
  await eventually(
    `${run.namespace} stores ${wanted} records`,
    () => run.stored(),
    (stored) => stored >= wanted,
  );
}

/** The replica of the source is the first process of its container; the program is a child of it. */
async function sourcePid(run: FlowRun): Promise<number> {
  const read = async () => {
    const [pod] = await run.pods('source');
    return pod && containerPid(pod);
  };
  return (await eventually('the source runs', read)) as number;
}

async function programPid(run: FlowRun): Promise<number> {
  const pid = await sourcePid(run);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  // another child is the shell that ends the program with its replica
  const programs = children.filter((child) => !readFileSync(`/proc/${child}/cmdline`, 'utf8').startsWith('/bin/sh'));
  expect(programs).toEqual([expect.any(Number)]);
  return programs[0] as number;
}

/** Each start has stored each number up to where the next one continues once, and of those that it was writing then, each at most once. */
function expectLedger(records: readonly NumberRecord[], starts: number): void {
  const owners = [...new Set(records.map(({ owner }) => owner))];
  const firstOf = (owner: string) => Number(owner.split(' ')[0]);
  owners.sort((one, other) => firstOf(one) - firstOf(other));
  expect(owners).toHaveLength(starts);
  expect(firstOf(owners[0] as string)).toBe(0);
  for (const [index, owner] of owners.entries()) {
    const numbers = records.filter((each) => each.owner === owner).map(({ number }) => number);
    numbers.sort((one, other) => one - other);
    const next = owners[index + 1];
    const end = next === undefined ? count : firstOf(next);
    const noted = Array.from({ length: end - firstOf(owner) }, (_, at) => firstOf(owner) + at);
    expect(numbers.filter((number) => number < end)).toEqual(noted);
    const writing = numbers.filter((number) => number >= end);
    expect(writing).toEqual([...new Set(writing)]);
    expect(writing.every((number) => number < end + atOnce)).toBe(true);
  }
}

test.each([
  ['python', 'manifests'],
  ['python', 'the controller'],
  ['typescript', 'manifests'],
  ['typescript', 'the controller'],
] as const)(
  'a %s program in an image, by %s, whose container and process are killed loses no record and repeats none that it noted',
  async (language, by) => {
    const run = await makeRun(by, language);
    try {
      await run.start();
      await untilStored(run, 60);
      process.kill(await sourcePid(run), 'SIGKILL');
      await untilStored(run, 160);
      process.kill(await programPid(run), 'SIGKILL');
      await untilStored(run, count);
      await run.untilSettled(0);
      expectLedger(await run.records(), 3);
      expect(await run.letters()).toEqual([]);
    } finally {
      await run.close();
    }
  },
);
