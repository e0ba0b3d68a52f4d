import { defineCommand } from '../../frame/command';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { comparedFileHelp, controllerDetails, flowOptions, jobArgument, setOption } from '../../frame/shared-options';
import { option, optionalArgument, revisionNumber } from '../../frame/values';

export const diff = defineCommand({
  name: 'diff',
  summary: 'compare two revisions of a flow, or its document with a file',
  details: `Exits with ${ExitStatus.Differs} when the documents differ.

${controllerDetails}`,
  arguments: { job: jobArgument, file: optionalArgument({ description: comparedFileHelp }) },
  options: {
    from: option('<revision>', 'revision (default: the previous one)', { parse: revisionNumber }),
    to: option('<revision>', 'revision (default: the current one)', { parse: revisionNumber }),
    set: setOption,
    ...flowOptions,
  },
  async run({ job, file, from, to, set, ...options }) {
    if (file !== undefined && (from ?? to) !== undefined) {
      throw usageError('a file is compared with the current revision; omit --from and --to');
    }
    const { flowName } = await import('../../../api-contract/flow-key.js');
    const { openFlow } = await import('../../client/flow-session.js');
    const { paintedPatch } = await import('../../render/patch.js');
    const { mediumOf, say } = await import('../../terminal/output.js');
    const { client, flow } = await openFlow(job, options);
    const patch =
      file === undefined
        ? await client.diff(flow, { from, to })
        : await (await import('./diff-file.js')).diffFile(client, flow, { file, set });
    process.stdout.write(paintedPatch(patch, mediumOf(process.stdout)));
    if (patch !== '') return ExitStatus.Differs;
    say(`${flowName(flow)}: no differences${file === undefined ? '' : ' (values of secrets are not compared)'}`);
    return ExitStatus.Done;
  },
});
