import type { FlowPlan } from '../plan/flow-plan';

export interface FlowNotesProps {
  /** Image of functions that name none. */
  readonly image: string;
  /** The functions create the buckets that they write. */
  readonly makesBuckets: boolean;
}

/** What the manifests of a flow need in the cluster, and what may surprise there; each text ends with a line break. */
export function flowNotes(plan: FlowPlan, { image, makesBuckets }: FlowNotesProps): readonly string[] {
  return [...secretNotes(plan), ...bucketNotes(plan, makesBuckets), ...imageNotes(plan, image)];
}

/** The commands that create the Secrets. Those that the document names exist already. */
function secretNotes({ namespace, secrets }: Pick<FlowPlan, 'namespace' | 'secrets'>): readonly string[] {
  return secrets
    .filter((secret) => secret.isGiven !== true)
    .map(({ name, entries, addr }) => {
      const literals = Object.keys(entries).map((key) => `--from-literal=${key}=${key.toUpperCase()}`);
      const purpose = addr === undefined ? '' : ` for ${addr}`;
      return (
        `the manifests need the Secret ${namespace}/${name}${purpose}; create it once:\n` +
        `  kubectl create secret generic ${name} --namespace ${namespace} ${literals.join(' ')}\n`
      );
    });
}

const uses = {
  source: 'read',
  sink: 'written',
  'message-store': 'large messages',
  'dev-store': 'records of steps',
} as const;

/** The buckets that nobody creates: of each server on one line. */
function bucketNotes({ namespace, jobId, buckets }: FlowPlan, makesBuckets: boolean): readonly string[] {
  const needed = new Map<string, Set<string>>();
  for (const { addr, bucket, role } of buckets) {
    if (makesBuckets && role !== 'source') continue;
    needed.set(addr, (needed.get(addr) ?? new Set()).add(`${bucket} (${uses[role]})`));
  }
  return [...needed].map(
    ([addr, names]) =>
      `the flow ${namespace}/${jobId} needs these buckets at ${addr}, which its manifests do not create: ${[...names].join(', ')}\n`,
  );
}

/** Images whose tag may name another image later. */
function imageNotes({ workloads }: FlowPlan, image: string): readonly string[] {
  const images = new Set(
    workloads.flatMap((workload) => [
      workload.image ?? image,
      ...workload.container.sidecars.map((sidecar) => String(sidecar.image)),
    ]),
  );
  return [...images]
    .filter(hasNoVersion)
    .map(
      (name) =>
        `warning: the image ${name} has no version, so pods that start later may run other code; name one with --image, or "image" in the topology\n`,
    );
}

function hasNoVersion(image: string): boolean {
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return !image.includes('@') && (tag === undefined || tag === 'latest');
}
