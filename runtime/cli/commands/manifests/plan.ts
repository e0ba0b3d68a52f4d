import { styleText } from 'node:util';
import { changesAgainstFolder } from './against-folder';
import { type Change, renderChange } from './change';
import { ManifestFolder } from './manifest-folder';
import { type RenderedFlow, type RenderOptions, renderFlows } from './render-flows';

export interface PlanOptions extends RenderOptions {
  /** A folder of manifests, or `cluster`. */
  readonly against: string;
  /** Context of the kubeconfig, for a cluster. */
  readonly context?: string;
}

/** Exit status when something would change, as `diff` and others have it; 1 is an error. */
const somethingChanges = 2;

/** `kflow plan`: what would change if these topologies were applied. Nothing is changed. */
export async function plan(files: readonly string[], options: PlanOptions): Promise<number> {
  const flows = renderFlows(files, options);
  if (flows === undefined) return 1;
  const compare = await comparison(options);
  const changes: Change[] = [];
  for (const flow of flows) {
    const found = await compare(flow);
    changes.push(...found);
    process.stdout.write(`flow ${flow.namespace}/${flow.jobId}${found.length === 0 ? ': no changes' : ''}\n`);
    for (const change of found) process.stdout.write(colored(renderChange(change)));
  }
  if (changes.length === 0) return 0;
  const count = (test: (change: Change) => boolean) => changes.filter(test).length;
  const created = count(({ before }) => before === undefined);
  const removed = count(({ after }) => after === undefined);
  process.stdout.write(`${created} to create, ${changes.length - created - removed} to change, ${removed} to remove\n`);
  return somethingChanges;
}

async function comparison({
  against,
  context,
}: PlanOptions): Promise<(flow: RenderedFlow) => Promise<readonly Change[]>> {
  if (against !== 'cluster') {
    const folder = new ManifestFolder(against);
    folder.assertThere();
    return async (flow) => changesAgainstFolder(flow, folder);
  }
  // the client takes half a second to load
  const { changesAgainstCluster } = await import('./against-cluster.js');
  return changesAgainstCluster(context);
}

const colors: { readonly [sign: string]: 'green' | 'red' | 'yellow' } = {
  '+': 'green',
  '-': 'red',
  '~': 'yellow',
  '±': 'yellow',
};

/** Colours on a terminal that has them, by the sign at the start of a line. */
function colored(text: string): string {
  const isPlain = !process.stdout.isTTY || process.env.NO_COLOR !== undefined;
  if (isPlain) return text;
  // a line of a change has its sign after four spaces; further in, a dash is YAML's
  return text.replace(/^(?: {4}[+-]|[+\-~±] ).*$/gm, (line) =>
    styleText(colors[line.trim().charAt(0)] ?? 'yellow', line),
  );
}
