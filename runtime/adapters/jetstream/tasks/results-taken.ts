import type { JetStreamManager } from 'nats';
import { resultStream, resultSubject } from '../../../../lib/plan/task-names';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import { pause } from '../../../async/pause';
import { emptyUpTo } from '../partitions/empty-up-to';

const everyMs = 100;

/** Whether the results of an execution that are stored by now have been passed on; waits for that, up to a time. */
export async function areResultsTaken(
  manager: JetStreamManager,
  { namespace, execution }: ExecutionKey,
  atMostMs: number,
): Promise<boolean> {
  const stream = resultStream(namespace);
  const { state } = await manager.streams.info(stream);
  const part = { stream, subject: resultSubject(namespace, execution), after: 0, last: state.last_seq };
  for (const end = Date.now() + atMostMs; Date.now() < end; await pause(everyMs)) {
    if ((await emptyUpTo(manager, part)) === part.last) return true;
  }
  return false;
}
