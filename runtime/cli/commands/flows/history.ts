import type { RevisionView } from '../../../api-contract/flow-history';
import { flowName } from '../../../api-contract/flow-key';
import { ExitStatus } from '../../exit-status';
import { age } from '../../render/age';
import { writeOutput } from '../../render/output';
import { type Column, mediumOf, renderTable } from '../../render/table';
import { type FlowOptions, openFlow, say } from './flow-session';

/** `kflow history`: every document that was accepted, the last one at the end; one revision's document with `--revision`. */
export async function history(job: string, options: FlowOptions & { readonly revision?: number }): Promise<number> {
  const { client, flow } = await openFlow(job, options);
  if (options.revision !== undefined) {
    process.stdout.write(await client.document(flow, options.revision));
    return ExitStatus.done;
  }
  const revisions = await client.history(flow);
  writeOutput(options.output, revisions, () => renderHistory(revisions, Date.now()));
  const before = revisions.findLast(({ isCurrent }) => !isCurrent);
  if (before !== undefined && options.output === 'table') {
    say(`\nkflow diff ${flowName(flow)} shows what changed last, kflow rollback ${flowName(flow)} goes back`);
  }
  return ExitStatus.done;
}

function renderHistory(revisions: readonly RevisionView[], nowMs: number): string {
  const columns: readonly Column<RevisionView>[] = [
    { head: 'REVISION', align: 'right', cell: ({ revision }) => String(revision) },
    { head: 'STATE', cell: stateOf },
    { head: 'CAUSE', cell: ({ cause }) => cause },
    { head: 'BY', cell: ({ by }) => by },
    { head: 'AGE', align: 'right', cell: ({ at }) => age(at, nowMs) },
    { head: 'COMMENT', cell: ({ comment = '' }) => comment, isCut: true },
  ];
  return renderTable(revisions, columns, mediumOf(process.stdout));
}

/** `proven`: it was seen with every replica ready. */
function stateOf({ isCurrent, isProven }: RevisionView): string {
  return [isCurrent ? 'in force' : undefined, isProven ? 'proven' : undefined].filter(Boolean).join(', ');
}
