import { z } from 'zod';
import type { ReplicaState } from '../../controller/ports/cluster';

const endSchema = z.object({
  number: z.int(),
  /** ISO time. */
  at: z.string(),
  restarts: z.int(),
  /** `exit 1`, `SIGKILL`. */
  exit: z.string(),
  /** That, with the last it said. */
  message: z.string(),
});

/** What is kept of a Job beside its manifest, as its status. */
export const jobRecordSchema = z.object({
  /** Numbers that have done their work: they are not started again. */
  succeeded: z.array(endSchema).default([]),
  /** Ends that were not well, of all numbers. */
  failures: z.int().default(0),
  outcome: z.enum(['succeeded', 'failed']).optional(),
  message: z.string().optional(),
  /** The one with which the Job failed. */
  failed: endSchema.optional(),
});

export type JobRecord = Readonly<z.infer<typeof jobRecordSchema>>;

type ReplicaEnd = Readonly<z.infer<typeof endSchema>>;

/** How a replica of a Job ended by itself. */
export type EndedReplica = ReplicaEnd & { readonly code: number | null };

interface Terms {
  readonly completions: number;
  readonly backoffLimit: number;
  readonly hopelessCodes: readonly number[];
}

/** The record after a replica's end: it has done its work, is started again, or the Job has failed with it. */
export function recordEnd(record: JobRecord, { code, ...end }: EndedReplica, terms: Terms): JobRecord {
  if (code === 0) return concluded({ ...record, succeeded: [...record.succeeded, end] }, terms);
  if (record.outcome !== undefined) return record;
  const failures = record.failures + 1;
  const isHopeless = code !== null && terms.hopelessCodes.includes(code);
  if (!isHopeless && failures <= terms.backoffLimit) return { ...record, failures };
  const why = isHopeless ? 'which another start would not mend' : `after ${failures} failures`;
  const message = `replica ${end.number} ended with ${end.message}, ${why}`;
  return { ...record, failures, outcome: 'failed', message, failed: end };
}

/** The record with its outcome, if every number has succeeded. */
export function concluded(record: JobRecord, { completions }: Pick<Terms, 'completions'>): JobRecord {
  const { succeeded } = record;
  const isDone =
    record.outcome === undefined && succeeded.filter(({ number }) => number < completions).length >= completions;
  return isDone ? { ...record, outcome: 'succeeded' } : record;
}

/** Replicas that have ended for good, as the cluster shows them. */
export function endedReplicas(record: JobRecord, of: { readonly function: string; readonly specHash?: string }) {
  const stateOf = (phase: 'succeeded' | 'failed', { number, restarts, at, message }: ReplicaEnd): ReplicaState => ({
    name: `${of.function}-${number}`,
    phase,
    ...(phase === 'failed' ? { reason: 'Error', message } : {}),
    restarts,
    since: at,
    ...(of.specHash === undefined ? {} : { specHash: of.specHash }),
  });
  const succeeded = record.succeeded.map((end) => ({ end, state: stateOf('succeeded', end) }));
  const failed = record.failed === undefined ? [] : [record.failed];
  return [...succeeded, ...failed.map((end) => ({ end, state: stateOf('failed', end) }))];
}
