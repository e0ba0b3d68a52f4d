import { defineCommand } from '../../frame/command';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { manifestOptions, topologyFiles } from '../../frame/shared-options';
import { option, text, withDefault } from '../../frame/values';
import type { Style } from '../../render/text';
import type { Change } from './change';
import type { RenderedFlow } from './render-flows';

export const plan = defineCommand({
  name: 'plan',
  summary: 'show what applying topologies would change',
  details: `Changes nothing. Exits with ${ExitStatus.Differs} when something would change.`,
  arguments: { files: topologyFiles },
  options: {
    ...manifestOptions,
    against: withDefault(
      option('<dir|cluster>', 'directory of manifests, or cluster for the cluster of the kubeconfig', { parse: text }),
      'dist/manifests',
    ),
    context: option('<name>', 'context of the kubeconfig (default: the current one)', { parse: text }),
  },
  async run({ files, against, context, ...options }) {
    if (context !== undefined && against !== 'cluster') throw usageError('--context requires --against cluster');
    const { renderFlows } = await import('./render-flows.js');
    const { renderChange } = await import('./change.js');
    const flows = renderFlows(files, options);
    if (flows === undefined) return ExitStatus.Failed;
    const compare = await comparison(against, context);
    const changes: Change[] = [];
    for (const flow of flows) {
      const found = await compare(flow);
      changes.push(...found);
      process.stdout.write(`flow ${flow.namespace}/${flow.jobId}${found.length === 0 ? ': no changes' : ''}\n`);
      for (const change of found) process.stdout.write(await colored(renderChange(change)));
    }
    if (changes.length === 0) return ExitStatus.Done;
    const created = changes.filter(({ before }) => before === undefined).length;
    const removed = changes.filter(({ after }) => after === undefined).length;
    const changed = changes.length - created - removed;
    process.stdout.write(`${created} to create, ${changed} to change, ${removed} to remove\n`);
    return ExitStatus.Differs;
  },
});

type Comparison = (flow: RenderedFlow) => Promise<readonly Change[]>;

async function comparison(against: string, context: string | undefined): Promise<Comparison> {
  if (against === 'cluster') {
    const { changesAgainstCluster } = await import('./against-cluster.js');
    const { KubernetesObjects } = await import('../../../adapters/kubernetes/kubernetes-objects.js');
    const cluster = await KubernetesObjects.open({ context });
    return (flow) => changesAgainstCluster(flow, cluster);
  }
  const { ManifestFolder } = await import('./manifest-folder.js');
  const folder = new ManifestFolder(against);
  folder.assertExists();
  return async (flow) => folder.changes(flow);
}

const colors: { readonly [sign: string]: Style } = { '+': 'green', '-': 'red', '~': 'yellow', '±': 'yellow' };

async function colored(text: string): Promise<string> {
  const { painted } = await import('../../render/text.js');
  const { mediumOf } = await import('../../terminal/output.js');
  const medium = mediumOf(process.stdout);
  // a line of a change has its sign after four spaces; further in, a dash is YAML's
  return text.replace(/^(?: {4}[+-]|[+\-~±] ).*$/gm, (line) => painted(line, colors[line.trim().charAt(0)], medium));
}
