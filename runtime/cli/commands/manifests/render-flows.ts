import { Flow } from '../../../../lib/constructs/flow';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { ConfigError } from '../../../../lib/errors';
import type { PlannedSecret } from '../../../../lib/plan/flow-plan';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { loadTopology } from '../../load-topology';

export interface RenderOptions {
  readonly set: readonly string[];
  readonly image?: string;
  readonly natsUrl?: string;
  readonly strictSecrets?: true;
}

/** A flow's manifests, and the secrets that they refer to. */
export interface RenderedFlow {
  readonly namespace: string;
  readonly jobId: string;
  /** `<job>.k8s.yaml` */
  readonly fileName: string;
  readonly objects: readonly Manifest[];
  readonly secrets: readonly PlannedSecret[];
}

/**
 * Renders topologies, all or none: undefined when one of them has an error. Every problem of every file goes to stderr.
 * Throws ConfigError when two are the same flow, or when a module or an object cannot be made.
 */
export function renderFlows(files: readonly string[], options: RenderOptions): readonly RenderedFlow[] | undefined {
  const purpose = options.strictSecrets === true ? 'manifests-without-secrets' : 'manifests';
  const loaded = files.map((file) => ({ file, ...loadTopology(file, options.set, purpose) }));
  for (const problem of loaded.flatMap(({ problems }) => problems)) process.stderr.write(`${formatProblem(problem)}\n`);
  const app = new FlowApp();
  const flows = loaded.map(({ file, topology, baseDir }) => {
    if (topology === undefined) return undefined;
    if (app.node.tryFindChild(topology.jobId) !== undefined) {
      throw new ConfigError(
        'config-invalid',
        `${file}: another of these files is the flow "${topology.jobId}" too; give them one by one, each a folder of its own`,
      );
    }
    const { image, natsUrl } = options;
    return new Flow(app, topology.jobId, topology, { image, natsUrl, baseDir });
  });
  if (flows.includes(undefined)) return undefined;
  const manifests = [...app.manifests()];
  return flows.flatMap((flow, index) => {
    const [fileName, objects] = manifests[index] ?? [];
    if (flow?.plan === undefined || fileName === undefined || objects === undefined) return [];
    const { namespace, jobId, secrets } = flow.plan;
    return [{ namespace, jobId, fileName, objects, secrets }];
  });
}
