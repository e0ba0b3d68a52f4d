import { z } from 'zod';
import { ConfigError } from '../../../../lib/errors';
import { restoreExecution } from '../../../../lib/tasks/advance/restore-execution';
import { type ExecutionArchive, executionArchiveSchema } from '../../../api-contract/execution-changes';
import type { ExecutionSnapshot } from '../ports/execution-workflow';

/** An execution as one document that can be restored anywhere. */
export function archiveOf(snapshot: ExecutionSnapshot): ExecutionArchive {
  return { kind: 'kflow-execution', version: 1, execution: snapshot };
}

/** Throws ConfigError `config-invalid` for what is no archive. */
export function snapshotOf({ execution }: ExecutionArchive): ExecutionSnapshot {
  const snapshot = execution as ExecutionSnapshot | undefined;
  try {
    if (snapshot?.v !== 1) throw new Error('it has no execution of version 1');
    restoreExecution(snapshot.graph, snapshot.state);
    return snapshot;
  } catch (cause) {
    throw new ConfigError('config-invalid', `not an archive of an execution: ${(cause as Error).message}`, { cause });
  }
}

/** The archive in a text: alone, or beside the matrix and vectors of a workflow. Throws ConfigError `config-invalid`. */
export function archiveIn(text: string, where: string): ExecutionArchive {
  const archive = executionArchiveSchema.or(z.object({ execution: executionArchiveSchema }));
  try {
    const read = archive.parse(JSON.parse(text));
    return 'kind' in read ? (read as ExecutionArchive) : (read.execution as ExecutionArchive);
  } catch (cause) {
    throw new ConfigError('config-invalid', `${where}: not an archive of an execution`, { cause, where });
  }
}
