import type { RevisionView } from '../../../api-contract/flow-history';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { controllerDetails, flowOptions, jobArgument } from '../../frame/shared-options';
import { option, revisionNumber } from '../../frame/values';
import type { Column } from '../../render/table';

export const history = defineCommand({
  name: 'history',
  summary: 'list the revisions of a flow, or print the document of one',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: {
    revision: option('<revision>', 'print the document of this revision', { parse: revisionNumber }),
    ...flowOptions,
  },
  async run({ job, revision, output, ...options }) {
    const { flowName } = await import('../../../api-contract/flow-key.js');
    const { openFlow } = await import('../../client/flow-session.js');
    const { say } = await import('../../terminal/output.js');
    const { client, flow } = await openFlow(job, options);
    if (revision !== undefined) {
      process.stdout.write(await client.document(flow, revision));
      return ExitStatus.Done;
    }
    const { mediumOf, writeOutput } = await import('../../terminal/output.js');
    const { renderTable } = await import('../../render/table.js');
    const revisions = await client.history(flow);
    const columns = await historyColumns(Date.now());
    writeOutput(output, revisions, () => renderTable(revisions, columns, mediumOf(process.stdout)));
    if (output === 'table' && revisions.some(({ isCurrent }) => !isCurrent)) {
      const name = flowName(flow);
      say(`\nshow the last change: kflow diff ${name}; return to the previous revision: kflow rollback ${name}`);
    }
    return ExitStatus.Done;
  },
});

async function historyColumns(nowMs: number): Promise<readonly Column<RevisionView>[]> {
  const { age } = await import('../../render/measures.js');
  return [
    { head: 'REVISION', align: 'right', cell: ({ revision }) => String(revision) },
    { head: 'STATE', cell: stateOf },
    { head: 'CAUSE', cell: ({ cause }) => cause },
    { head: 'BY', cell: ({ by }) => by },
    { head: 'AGE', align: 'right', cell: ({ at }) => age(at, nowMs) },
    { head: 'COMMENT', cell: ({ comment = '' }) => comment, isTruncated: true },
  ];
}

/** `was ready`: every replica was ready at this revision at some time. */
function stateOf({ isCurrent, isProven }: RevisionView): string {
  return [isCurrent ? 'current' : undefined, isProven ? 'was ready' : undefined].filter(Boolean).join(', ');
}
