import { executionName } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionStore } from '../ports/execution-store';
import type { ExecutionWorkflows } from '../ports/execution-workflow';
import { type FindExecutionProps, findCurrent } from './find-execution';

/** Executions that are looked at in one sweep; the next one takes the others. */
const maxFound = 100;

interface LostExecutionsProps extends FindExecutionProps {
  readonly store: FindExecutionProps['store'] & Pick<ExecutionStore, 'list'>;
  readonly workflows: FindExecutionProps['workflows'] & Pick<ExecutionWorkflows, 'open'>;
}

/** Stores executions as ended whose workflows ended, or are gone, without a word: the list says so before anybody reads them. */
export class LostExecutions {
  constructor(private readonly props: LostExecutionsProps) {}

  /**
   * One query of Temporal, and a request for each execution that is listed as open and was not found. Throws the first error,
   * after it has tried every execution.
   */
  async sweep(): Promise<void> {
    const { store, workflows } = this.props;
    const listed = (await store.list()).filter(({ status }) => !executionPhases[status].isClosed);
    if (listed.length === 0) return;
    const open = new Set((await workflows.open()).map(executionName));
    const missing = listed.filter((view) => !open.has(executionName(view)));
    const errors: unknown[] = [];
    for (const view of missing.slice(0, maxFound)) {
      await findCurrent(this.props, view).catch((error) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}
