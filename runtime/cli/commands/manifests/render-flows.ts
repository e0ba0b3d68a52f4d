import { Flow } from '../../../../lib/constructs/flow';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { loadTopology } from '../../documents/load-topology';
import type { Values } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import type { manifestOptions } from '../../frame/shared-options';

export type RenderOptions = Values<typeof manifestOptions>;

/** The manifests of a flow, and what they need. */
export interface RenderedFlow {
  readonly namespace: string;
  readonly jobId: string;
  /** `<job>.k8s.yaml` */
  readonly fileName: string;
  readonly objects: readonly Manifest[];
  /** What the manifests need in the cluster, as texts for people. */
  readonly notes: readonly string[];
}

/**
 * Renders all topologies, or none: undefined when one of them has an error. Prints every problem of every file to stderr.
 * Throws CommandError when two files define the same flow, ConfigError when a module or an object is invalid.
 */
export function renderFlows(files: readonly string[], options: RenderOptions): readonly RenderedFlow[] | undefined {
  const purpose = options.strictSecrets ? 'manifests-without-secrets' : 'manifests';
  const loaded = files.map((file) => ({ file, ...loadTopology(file, options.set, purpose) }));
  for (const problem of loaded.flatMap(({ problems }) => problems)) process.stderr.write(`${formatProblem(problem)}\n`);
  const app = new FlowApp();
  const flows = loaded.map(({ file, topology, baseDir }) => {
    if (topology === undefined) return undefined;
    if (app.node.tryFindChild(topology.jobId) !== undefined) {
      throw usageError(
        `${file}: another of these files also defines the flow "${topology.jobId}"; render them into separate directories`,
      );
    }
    const { image, imagePullSecret: imagePullSecrets, imagePullPolicy } = options;
    const { natsUrl, natsSecret: natsSecrets, natsDomain, nackAccount } = options;
    const { makeBuckets: makesBuckets, jobTtl } = options;
    return new Flow(app, topology.jobId, topology, {
      ttlSecondsAfterFinished: jobTtl,
      makesBuckets,
      ...{ image, imagePullSecrets, imagePullPolicy, natsUrl, natsSecrets, natsDomain, nackAccount },
      baseDir,
    });
  });
  if (flows.includes(undefined)) return undefined;
  const manifests = [...app.manifests()];
  return flows.flatMap((flow, index) => {
    const [fileName, objects] = manifests[index] ?? [];
    if (flow?.plan === undefined || fileName === undefined || objects === undefined) return [];
    const { namespace, jobId } = flow.plan;
    return [{ namespace, jobId, fileName, objects, notes: flow.notes }];
  });
}
