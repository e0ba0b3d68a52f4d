import path from 'node:path';
import { renderYaml } from '../../../../lib/constructs/render-yaml';
import { secretNotes } from '../../../../lib/constructs/secret-notes';
import { ManifestFolder } from './manifest-folder';
import { type RenderOptions, renderFlows } from './render-flows';

export interface SynthOptions extends RenderOptions {
  readonly output: string;
}

/** `kflow synth`: topologies as manifests, a file for each. With an error in any of them nothing is written: exit status 1. */
export function synth(files: readonly string[], options: SynthOptions): number {
  const flows = renderFlows(files, options);
  if (flows === undefined) {
    process.stderr.write('nothing was written\n');
    return 1;
  }
  const folder = new ManifestFolder(options.output);
  for (const flow of flows) folder.assertOurs(flow.fileName, flow);
  for (const { fileName, objects } of flows) {
    const isNew = folder.write(fileName, renderYaml(objects));
    const file = path.join(options.output, fileName);
    process.stdout.write(`${file}  ${objects.length} objects${isNew ? '' : ', unchanged'}\n`);
  }
  for (const note of secretNotes(flows)) process.stderr.write(note);
  return 0;
}
