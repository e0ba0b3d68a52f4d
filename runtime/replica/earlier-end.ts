import { writeTermination } from './incomplete-end';
import { partOf, type ReplicaContext, writerOf } from './replica-context';

/**
 * Reports that the function, or this replica's part of it, ended in an earlier start of the same run: a replica that processes
 * nothing says why. Returns the text; undefined if there is something to process.
 */
export async function reportEarlierEnd(context: ReplicaContext): Promise<string | undefined> {
  const { spec, environment, links, log } = context;
  if (spec.mode === 'stream' || !(await links.state.hasEnded(writerOf(context), partOf(context)))) return undefined;
  const text = `${spec.function} had already ended in run ${await links.state.run()} of the flow: nothing is left to process`;
  if (environment.isWatched) {
    log('INFO', text);
    return text;
  }
  const reason = `${text}; to process the input again, set a higher "run" in the topology`;
  log('WARNING', reason);
  writeTermination(reason);
  return text;
}
