import path from 'node:path';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { manifestOptions, topologyFiles } from '../../frame/shared-options';
import { option, text, withDefault } from '../../frame/values';

export const synth = defineCommand({
  name: 'synth',
  summary: 'write Kubernetes manifests, for GitOps',
  details: `Writes one file per flow. If any topology has an error, writes nothing and exits
with ${ExitStatus.Failed}.`,
  arguments: { files: topologyFiles },
  options: {
    ...manifestOptions,
    output: withDefault(option('<dir>', 'directory for the manifests', { parse: text, short: '-o' }), 'dist/manifests'),
  },
  async run({ files, output, ...options }) {
    const { renderFlows } = await import('./render-flows.js');
    const { renderYaml } = await import('../../../../lib/constructs/manifest.js');
    const { ManifestFolder } = await import('./manifest-folder.js');
    const flows = renderFlows(files, options);
    if (flows === undefined) {
      process.stderr.write('nothing was written\n');
      return ExitStatus.Failed;
    }
    const folder = new ManifestFolder(output);
    for (const flow of flows) folder.assertOwned(flow.fileName, flow);
    for (const { fileName, objects } of flows) {
      const isChanged = folder.write(fileName, renderYaml(objects));
      const file = path.join(output, fileName);
      process.stdout.write(`${file}  ${objects.length} objects${isChanged ? '' : ', unchanged'}\n`);
    }
    for (const note of new Set(flows.flatMap(({ notes }) => notes))) process.stderr.write(note);
    return ExitStatus.Done;
  },
});
