import { Flow, type FlowProps } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';

function notesOf(document: object, props: FlowProps = {}): readonly string[] {
  return Flow.fromTopology(new FlowApp(), 'flow', JSON.stringify(document), { image: 'kflow:1.2', ...props }).notes;
}

const store = { addr: 's3:9000', secret: 'minio' };
const document = {
  jobId: 'words',
  globalConfig: { store },
  dag: [
    { id: 'list', type: 'fs-source', format: 'list', topics: 's3a://texts/in', out: ['map'] },
    {
      id: 'map',
      type: 'raw',
      out: ['write'],
      globalConfig: { messageStore: { enabled: true, topics: 'big', addr: 's3:9001', secret: 'minio' } },
      meta: { name: 'f', code: 'def f(ctx, e): return e' },
    },
    { id: 'write', type: 's3-sink', topics: 's3a://results' },
  ],
};
const noted = 'the flow default/words needs these buckets at';

test('names the buckets that must exist, of each server', () => {
  expect(notesOf(document)).toEqual([
    `${noted} s3:9000, which its manifests do not create: texts (read), results (written)\n`,
    `${noted} s3:9001, which its manifests do not create: big (large messages)\n`,
  ]);
});

test('names only the buckets that are read where the functions create those that they write', () => {
  const props = { makesBuckets: true };
  expect(notesOf(document, props)).toEqual([`${noted} s3:9000, which its manifests do not create: texts (read)\n`]);
  const flow = Flow.fromTopology(new FlowApp(), 'flow', JSON.stringify(document), props);
  const making = flow.plan?.workloads.filter(({ spec }) => spec.makesBuckets === true).map((each) => each.function);
  expect(making).toEqual(['map', 'write']);
});

describe('warns of an image without a version', () => {
  const withImage = (image: string) => ({
    jobId: 'words',
    dag: [
      { id: 'list', type: 'raw-source', schema: { type: 'record', name: 'r', fields: [] }, image, out: ['map'] },
      { id: 'map', type: 'raw', image },
    ],
  });

  test.each(['kflow:latest', 'kflow', 'registry.example.org:5000/kflow', 'registry.example.org:5000/kflow:latest'])(
    '%s',
    (image) => {
      const warning = `warning: the image ${image} has no version, so pods that start later may run other code`;
      expect(notesOf(withImage(image))).toEqual([expect.stringContaining(warning)]);
    },
  );

  test.each([
    'kflow:1.2',
    'registry.example.org:5000/kflow:1',
    `kflow@sha256:${'0'.repeat(64)}`,
    'kflow:latest@sha256:0',
  ])('not of %s', (image) => {
    expect(notesOf(withImage(image))).toEqual([]);
  });

  test('also of sidecars', () => {
    const sidecars = [{ name: 'proxy', image: 'proxy' }];
    const flow = { ...withImage('kflow:1'), globalConfig: { container: { sidecars } } };
    expect(notesOf(flow)).toEqual([expect.stringContaining('the image proxy has no version')]);
  });

  test('also of the default image of the runtime', () => {
    expect(notesOf(document, { image: undefined })).toContainEqual(
      expect.stringContaining('the image kflow:latest has'),
    );
  });
});
