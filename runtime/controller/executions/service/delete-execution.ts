import { StateError } from '../../../../lib/errors';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { pause } from '../../../async/pause';
import type { ExecutionStore, ListedExecution } from '../ports/execution-store';
import type { TaskValues } from '../ports/task-values';
import { assertPhase, type FindExecutionProps, findClosed, findListed } from './find-execution';

interface DeleteProps extends FindExecutionProps {
  readonly store: FindExecutionProps['store'] & Pick<ExecutionStore, 'add' | 'removeSnapshot'>;
  readonly values: Pick<TaskValues, 'remove'>;
}

/** A removal that takes longer is taken over: its controller was killed. */
const deletingForMs = 30_000;
const lookEveryMs = 200;
const deletable = { is: 'closed', todo: 'cancel it first' } as const;

/**
 * Removes an ended execution with its record. Throws StateError `execution-missing`, and `state-invalid` for one that runs.
 *
 * D1. An execution is resumed or removed, not both: each begins with an exchange of its entry in the list.
 * D2. Its id is free when nothing of it is left, so that another execution with the id loses nothing.
 */
export async function deleteExecution(props: DeleteProps, key: ExecutionKey): Promise<void> {
  const listed = await findClosed(props, key);
  assertPhase(listed.view, key, deletable);
  const deleting = { ...listed, deletingMs: Date.now() };
  if (await props.store.exchange(listed, deleting)) return remove(props, deleting); // D1
  const name = executionName(key);
  assertPhase((await findListed(props, key)).view, key, deletable);
  throw new StateError('state-invalid', `${name} has changed meanwhile; delete it again`, { where: name });
}

/** Lists an execution; returns the one that has its id instead. One that is being removed is waited for: D2. */
export async function addExecution(props: DeleteProps, entry: ListedExecution): Promise<ListedExecution | undefined> {
  for (;;) {
    const found = await props.store.add(entry);
    if (found?.deletingMs === undefined) return found;
    if (Date.now() - found.deletingMs > deletingForMs) await remove(props, found);
    else await pause(lookEveryMs);
  }
}

async function remove({ store, values }: DeleteProps, deleting: ListedExecution): Promise<void> {
  const { namespace, execution } = deleting.view;
  await values.remove(namespace, `${execution}/`);
  await store.removeSnapshot(deleting.view);
  await store.exchange(deleting, undefined);
}
