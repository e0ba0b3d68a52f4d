import { Workplace } from '../support/kflow-cli';

const place = new Workplace();
afterAll(() => place.remove());

const schema = { type: 'record', name: 'fake', fields: [{ name: 'n', type: 'long' }] };

/** A raw-source by image, as documents have it; the image's program stands beside the topology. */
const topology = (jobId: string) =>
  JSON.stringify({
    jobId,
    mode: 'batch',
    dag: [
      {
        id: 'myraw-source',
        type: 'raw-source',
        addr: 'host.docker.internal:9000',
        topics: 'testtopics',
        image: 'myimage:latest',
        schema,
        out: ['sink'],
      },
      { id: 'sink', type: 's3-sink', addr: 's3:9000', user: 'u', password: 'p', topics: 's3a://results' },
    ],
  });

const programs: { readonly [file: string]: string } = {
  'main.py': `from kfbasicpy.runtime.basic import Function, SinkFunction
from kfbasicpy.sink.nats_sink import NatsSink
from kfbasicpy.runtime.config import loadTopology
from dataclasses import dataclass, asdict
from asyncio import gather, run

@dataclass
class FakeData:
    n: int

t = loadTopology()

def get_sink() -> Function:
    for f in t.dag:
        if len(f.out) == 0:
            return f
    raise RuntimeError("kflow bad dag generation")

async def event_generator() -> None:
    pub: SinkFunction = await NatsSink.build(get_sink())
    await gather(*[pub.write(topics=get_sink().topics, event_dic=asdict(FakeData(n))) for n in range(300)])
    await pub.write(topics=get_sink().topics, event_dic={"n": "many"})
    await pub.write(topics=get_sink().topics, event_dic=asdict(FakeData(300)))

run(event_generator())
`,
  'main.ts': `import { loadTopology, NatsSink } from 'kflow/function';

const sink = loadTopology().dag.find(({ out }) => out.length === 0)!;

async function generateEvents(): Promise<void> {
  const pub = await NatsSink.build(sink);
  await Promise.all(Array.from({ length: 300 }, (_, n) => pub.write(sink.topics!, { n })));
  await pub.write(sink.topics!, { n: 'many' });
  await pub.write(sink.topics!, { n: 300 });
  await pub.close();
}
void generateEvents();
`,
};

test.each(Object.keys(programs))(
  'kflow run runs the program of a raw-source in place of its image, and says which record does not fit: %s',
  async (file) => {
    const jobId = file.replace('.', '-');
    place.write(`${jobId}.json`, topology(jobId));
    place.write(file, programs[file] ?? '');
    const language = file.endsWith('.ts') ? 'typescript' : 'python';
    const set = Object.entries({ language, module: file }).flatMap(([key, value]) => [
      '--set',
      `dag.myraw-source.meta.${key}=${value}`,
    ]);
    const { status, stderr } = await place.ran('run', `${jobId}.json`, ...set, '--save', `results=${jobId}`);
    expect({ status, stderr }).toMatchObject({ status: 1 });
    expect(stderr).toMatch(/^myraw-source: 1 record sent to the dead letters; last error: \w+: .*\bn: expected long/m);
    const numbers = place.records<{ n: number }>(jobId).map(({ n }) => n);
    expect(numbers.sort((one, other) => one - other)).toEqual(Array.from({ length: 301 }, (_, n) => n));
  },
);
