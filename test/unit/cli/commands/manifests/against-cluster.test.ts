import type { Manifest } from '../../../../../lib/constructs/manifest';
import { ConfigError, type KFlowError } from '../../../../../lib/errors';
import type { Applied, ApplyOptions } from '../../../../../runtime/adapters/kubernetes/kubernetes-objects';
import { changesAgainstCluster } from '../../../../../runtime/cli/commands/manifests/against-cluster';

const metadata = { name: 'words--map', namespace: 'default' };
const job = (replicas: number): Manifest => ({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { replicas } });
const flowOf = (...objects: readonly Manifest[]) => ({
  ...{ namespace: 'default', jobId: 'words', fileName: 'words.k8s.yaml', notes: [] },
  objects,
});

/** A cluster with some live objects, whose server may reject every apply. */
class LiveCluster {
  /** Options of each apply. */
  readonly applied: ApplyOptions[] = [];

  constructor(
    private readonly live: readonly Manifest[],
    private readonly rejection?: KFlowError,
  ) {}

  async read({ kind }: Pick<Manifest, 'kind'>): Promise<Manifest | undefined> {
    return this.live.find((object) => object.kind === kind);
  }

  async list({ kind }: Pick<Manifest, 'kind'>): Promise<Manifest[]> {
    return this.live.filter((object) => object.kind === kind);
  }

  async apply(object: Manifest, options: ApplyOptions = {}): Promise<Applied> {
    this.applied.push(options);
    if (this.rejection !== undefined) throw this.rejection;
    return { object: { ...object, status: { active: 1 } } as Manifest, warnings: [] };
  }
}

test('an object that the cluster does not have is created, one that is no longer rendered is removed', async () => {
  expect(await changesAgainstCluster(flowOf(job(1)), new LiveCluster([]))).toEqual([{ after: job(1) }]);
  expect(await changesAgainstCluster(flowOf(), new LiveCluster([job(1)]))).toEqual([{ before: job(1) }]);
});

test('the result of a dry run is compared with the live object, without status and server-side metadata', async () => {
  const live = { ...job(1), metadata: { ...metadata, resourceVersion: '7' }, status: { active: 0 } } as Manifest;
  expect(await changesAgainstCluster(flowOf(job(1)), new LiveCluster([live]))).toEqual([]);
  const changes = await changesAgainstCluster(flowOf(job(2)), new LiveCluster([live]));
  expect(changes).toEqual([{ before: job(1), after: job(2) }]);
});

test('every apply is a dry run', async () => {
  const cluster = new LiveCluster([job(1)]);
  await changesAgainstCluster(flowOf(job(1), job(2), { ...job(1), kind: 'Service' }), cluster);
  expect(cluster.applied).toEqual([
    { dryRun: true, force: true },
    { dryRun: true, force: true },
  ]);
});

test('an object is replaced when the rejection has the code object-immutable, whatever its text', async () => {
  const cluster = new LiveCluster([job(1)], new ConfigError('object-immutable', 'no'));
  expect(await changesAgainstCluster(flowOf(job(2)), cluster)).toEqual([
    { before: job(1), after: job(2), replacedBecause: 'immutable fields differ' },
  ]);
});

test('any other rejection is thrown, even one that mentions an immutable field', async () => {
  const error = new ConfigError('config-invalid', 'Job is invalid: field is immutable');
  await expect(changesAgainstCluster(flowOf(job(2)), new LiveCluster([job(1)], error))).rejects.toBe(error);
});
