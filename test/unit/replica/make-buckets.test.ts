import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { ReplicaLinks } from '../../../runtime/replica/links';
import { makeBuckets } from '../../../runtime/replica/make-buckets';
import { planOf, specOf } from '../plan/planned';

const document = `
jobId: j
globalConfig: { store: { addr: "s3:1", user: u, password: p } }
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://texts", out: [map] }
  - id: map
    type: raw
    image: "i:1"
    out: [write]
    globalConfig: { messageStore: { enabled: true, topics: big, addr: "s3:1", user: u, password: p } }
  - { id: write, type: s3-sink, topics: "s3a://results/of" }
`;

async function bucketsMadeBy(id: string, settings: { makesBuckets?: true }): Promise<readonly string[]> {
  const buckets: string[] = [];
  const ensureBucket = async (bucket: string) => void buckets.push(bucket);
  const objectStore = () => ({ ensureBucket, close: async () => undefined });
  const spec: FunctionSpec = specOf(planOf(document, settings), id);
  await makeBuckets({ spec, links: { objectStore } as unknown as ReplicaLinks, log: () => undefined });
  return buckets;
}

test.each([
  ['list', []],
  ['map', ['big']],
  ['write', ['results']],
])('%s creates the buckets that it writes: %j', async (id, buckets) => {
  expect(await bucketsMadeBy(id, { makesBuckets: true })).toEqual(buckets);
  expect(await bucketsMadeBy(id, {})).toEqual([]);
});
