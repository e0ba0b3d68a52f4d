import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { connectCluster, installNackCrds, makeRestrictedNamespace, readManifests } from './support';

const root = path.join(__dirname, '../..');
const files = [
  ...readdirSync(path.join(root, 'test/golden'))
    .filter((name) => name.endsWith('.k8s.yaml'))
    .map((name) => path.join(root, 'test/golden', name)),
  path.join(root, 'examples/gitops/manifests/prod/words.k8s.yaml'),
];

beforeAll(installNackCrds);

/** The objects of a file, moved to the test's namespace. */
async function manifestsOf(file: string): Promise<readonly KubernetesObject[]> {
  const namespace = await makeRestrictedNamespace(`golden-${path.basename(file).split('.')[0]}`);
  return readManifests(file).map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
}

test('there are manifests', () => expect(files.length).toBeGreaterThan(7));

test.each(files.map((file) => [path.relative(root, file), file]))(
  '%s is taken without a warning where Pod Security is restricted, and applied again it changes nothing',
  async (_name, file) => {
    const cluster = await connectCluster();
    const objects = await manifestsOf(file);
    const first = [];
    for (const object of objects) first.push(await cluster.apply(object));
    expect(first.flatMap(({ warnings }) => warnings)).toEqual([]);
    for (const object of objects) {
      const before = await cluster.read(object);
      await cluster.apply(object);
      const after = await cluster.read(object);
      expect([object.kind, object.metadata.name, specOf(after)]).toEqual([
        object.kind,
        object.metadata.name,
        specOf(before),
      ]);
    }
  },
);

/** The fields that an apply could change, including the generation; controllers may write the status meanwhile. */
function specOf(object: KubernetesObject | undefined): object {
  if (object === undefined) throw new Error('the object is not there');
  const { status: _, metadata, ...others } = object;
  const { resourceVersion: _version, ...kept } = metadata;
  return { ...others, metadata: { ...kept, managedFields: undefined } };
}
