import { z } from 'zod';
import type { ReplicaState } from '../../controller/ports/cluster';

const endSchema = z.object({
  number: z.int(),
  /** ISO time. */
  at: z.string(),
  restarts: z.int(),
  /** `exit 1`, `SIGKILL`. */
  exit: z.string(),
  /** The exit, with the last error in the log. */
  message: z.string(),
});

/** The progress of a Job, stored as the `status` of its object. */
export const jobRecordSchema = z.object({
  /** Completion indexes that have succeeded; they are not restarted. */
  succeeded: z.array(endSchema).default([]),
  /** Failed ends of all indexes. */
  failures: z.int().default(0),
  outcome: z.enum(['succeeded', 'failed']).optional(),
  message: z.string().optional(),
  /** The end that failed the Job. */
  failed: endSchema.optional(),
});

export type JobRecord = Readonly<z.infer<typeof jobRecordSchema>>;

type ReplicaEnd = Readonly<z.infer<typeof endSchema>>;

/** The unrequested end of a Job's replica. */
export type EndedReplica = ReplicaEnd & { readonly code: number | null };

interface Limits {
  readonly completions: number;
  readonly backoffLimit: number;
  readonly fatalCodes: readonly number[];
}

/** The record after a replica's end, which counts as a success, as a failure to retry, or as the failure of the Job. */
export function recordEnd(record: JobRecord, { code, ...end }: EndedReplica, limits: Limits): JobRecord {
  if (code === 0) return concluded({ ...record, succeeded: [...record.succeeded, end] }, limits);
  if (record.outcome !== undefined) return record;
  const failures = record.failures + 1;
  const isFatal = code !== null && limits.fatalCodes.includes(code);
  if (!isFatal && failures <= limits.backoffLimit) return { ...record, failures };
  const why = isFatal ? 'not retried' : `not retried after ${failures} failures`;
  const message = `replica ${end.number} ended with ${end.message}; ${why}`;
  return { ...record, failures, outcome: 'failed', message, failed: end };
}

/** The record with the outcome `succeeded` once every completion index has succeeded. */
export function concluded(record: JobRecord, { completions }: Pick<Limits, 'completions'>): JobRecord {
  const { succeeded } = record;
  const isDone =
    record.outcome === undefined && succeeded.filter(({ number }) => number < completions).length >= completions;
  return isDone ? { ...record, outcome: 'succeeded' } : record;
}

/** Replicas that have ended and are not restarted, as the cluster reports them. */
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
