import { writeFileSync } from 'node:fs';
import { countedRecords } from '../../lib/counted';
import { readDrifts } from '../adapters/jetstream/keepers/drift-notes';
import { countLetters } from '../adapters/jetstream/letters/letter-counts';
import { lettersBefore } from '../adapters/jetstream/read-run';
import { retryRequest } from '../adapters/jetstream/retry-request';
import { lostOf } from '../engine/drift/drift';
import type { ReplicaContext } from './replica-context';

/** Kubernetes shows what a container writes there as the reason of its end. */
const terminationFile = '/dev/termination-log';
const maxTerminationBytes = 4_000;

/**
 * Why a function that has processed all of its input is not done: records that it gave up on, counted in the stream of dead
 * letters, and records that somebody removed. One line; undefined when the function is done.
 */
export async function whyIncomplete({
  spec,
  links: { manager },
}: Pick<ReplicaContext, 'spec' | 'links'>): Promise<string | undefined> {
  const { deadLetters, stateBucket } = spec;
  const after = await retryRequest(() => lettersBefore(manager, stateBucket));
  const letters = await retryRequest(() => countLetters(manager, deadLetters, after));
  const drifts = (await retryRequest(() => readDrifts(manager, stateBucket))) ?? [];
  const lost = lostOf(drifts.filter((drift) => drift.function === spec.function));
  const reasons = [
    ...(letters === 0 ? [] : [`${countedRecords(letters)} in the dead letters, stream ${deadLetters.stream}`]),
    ...(lost === 0 ? [] : [`at most ${countedRecords(lost)} removed from outside before being processed`]),
  ];
  return reasons.length === 0 ? undefined : `${spec.function} is incomplete: ${reasons.join('; ')}`;
}

/** Tells Kubernetes the reason of the container's end; has no effect elsewhere. */
export function writeTermination(reason: string): void {
  try {
    writeFileSync(terminationFile, Buffer.from(reason).subarray(0, maxTerminationBytes), { flag: 'r+' });
  } catch {
    // not in a container of Kubernetes: the log has the reason
  }
}
