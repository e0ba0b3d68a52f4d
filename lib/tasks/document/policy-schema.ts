import { z } from 'zod';
import { durationPattern, maxDurationMs, parseDuration } from '../../duration';
import { isPlainMap } from '../../plain-map';
import { field } from '../../topology/document/document-field';
import {
  defaultMapLimit,
  defaultPolicy,
  type FailureMode,
  type TaskPolicy,
  type TaskTimeouts,
} from '../graph/task-policy';

const durationError = 'a duration in seconds, or with a unit, as in 90s, 5m or 2d';

/** A duration, above 0 unless `least` is 0. */
export const durationField = (description: string, least?: 0) =>
  z
    .union(
      [
        least === 0 ? z.number().min(0, { error: durationError }) : z.number().positive({ error: durationError }),
        z.string().regex(durationPattern, { error: durationError }),
      ],
      { error: durationError },
    )
    .refine((duration) => (durationOf(duration) ?? 0) <= maxDurationMs, { error: 'at most 36500d, a hundred years' })
    .describe(`${description} Seconds, or with a unit: 90s, 5m, 2d.`);

const limitError = 'a positive integer, or a map with limit and key';

const key = field.word('A template, as in {input[customer]}; the limit applies to each value.');

/** The policy of a task, as in `with (- retry: {attempts: 3} -)`. The only definition of its fields. */
export const policySchema = field.section(
  {
    retry: field
      .section(
        {
          attempts: field.count('Runs at most; 1 by default, which is no retry.').optional(),
          backoff: durationField('Delay before the second attempt; 1s by default.').optional(),
          factor: z
            .number({ error: 'a number, 1 or more' })
            .min(1, { error: 'a number, 1 or more' })
            .describe('Each delay is that many times the one before; 2 by default.')
            .optional(),
          cap: durationField('The longest delay; 1m by default.').optional(),
          jitter: field
            .flag('Spread delays at random between half and all of their length; true by default.')
            .optional(),
          except: field.list(field.word('A code.'), 'Codes of errors that are not retried.').optional(),
        },
        'How often a failed task runs again.',
      )
      .optional(),
    timeout: field
      .section(
        {
          start: durationField('Until a worker takes the task.').optional(),
          run: durationField('One run.').optional(),
          heartbeat: durationField('Between two signs of life of a running task.').optional(),
          total: durationField('All attempts with their delays.').optional(),
        },
        'Limits of time.',
      )
      .optional(),
    optional: field
      .oneOf(
        ['fail', 'skip', 'skip-rest'],
        'What a failure means: the flow fails (the default), the step passes its input on, or what follows on the branch is skipped too.',
      )
      .optional(),
    concurrency: z
      .union(
        [
          z.int({ error: limitError }).positive({ error: limitError }),
          field.section(
            { limit: field.count('Runs at a time.'), key: key.optional() },
            'A limit, perhaps for each key.',
          ),
        ],
        { error: limitError },
      )
      .describe('Runs at a time, of all executions.')
      .optional(),
    rate: field
      .section(
        { limit: field.count('Starts in a period.'), per: durationField('The period.'), key: key.optional() },
        'Starts in a period, of all executions.',
      )
      .optional(),
    memoize: field
      .section(
        {
          key: field.word('A template; a result with the same key is taken instead of a run.'),
          maxAge: durationField('Age up to which a result is taken; any by default.').optional(),
        },
        'Results that are taken instead of a run.',
      )
      .optional(),
    map: field
      .section(
        {
          limit: field.count(`Items that run at a time; ${defaultMapLimit} by default.`).optional(),
          tolerate: z
            .int({ error: '0 or a positive integer' })
            .min(0, { error: '0 or a positive integer' })
            .describe('Failed items that do not fail the step; 0 by default.')
            .optional(),
        },
        'How "*" runs the items of a list.',
      )
      .optional(),
  },
  'The policy of a task.',
);

export type PolicyDocument = z.infer<typeof policySchema>;

/** The keys of both; those of `over` win, within maps too. */
export function mergePolicies(base: PolicyDocument, over: PolicyDocument): PolicyDocument {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const before = merged[name];
    merged[name] = isPlainMap(before) && isPlainMap(value) ? { ...before, ...value } : value;
  }
  return merged;
}

/** The policy with its defaults. */
export function completePolicy({ retry = {}, timeout = {}, ...policy }: PolicyDocument): TaskPolicy {
  const { concurrency, rate, memoize } = policy;
  const defaults = defaultPolicy.retry;
  const limit = typeof concurrency === 'number' ? { limit: concurrency } : concurrency;
  return {
    retry: {
      attempts: retry.attempts ?? defaults.attempts,
      backoffMs: durationOf(retry.backoff) ?? defaults.backoffMs,
      factor: retry.factor ?? defaults.factor,
      capMs: durationOf(retry.cap) ?? defaults.capMs,
      jitter: retry.jitter ?? defaults.jitter,
      except: retry.except ?? defaults.except,
    },
    timeout: timeoutsOf(timeout),
    optional: failureModeOf(policy),
    ...(limit === undefined ? {} : { concurrency: limit }),
    ...(rate === undefined
      ? {}
      : { rate: withoutUndefined({ limit: rate.limit, perMs: durationOf(rate.per) ?? 0, key: rate.key }) }),
    ...(memoize === undefined
      ? {}
      : { memoize: withoutUndefined({ key: memoize.key, maxAgeMs: durationOf(memoize.maxAge) }) }),
  };
}

export function failureModeOf({ optional = 'fail' }: PolicyDocument): FailureMode {
  return optional;
}

export function mapLimitsOf({ map = {} }: PolicyDocument): { readonly limit: number; readonly tolerate: number } {
  return { limit: map.limit ?? defaultMapLimit, tolerate: map.tolerate ?? 0 };
}

export function durationOf(duration: number | string | undefined): number | undefined {
  return typeof duration === 'string' ? parseDuration(duration) : duration === undefined ? undefined : duration * 1_000;
}

function timeoutsOf({ start, run, heartbeat, total }: NonNullable<PolicyDocument['timeout']>): TaskTimeouts {
  return withoutUndefined({
    startMs: durationOf(start),
    runMs: durationOf(run),
    heartbeatMs: durationOf(heartbeat),
    totalMs: durationOf(total),
  });
}

function withoutUndefined<T extends object>(map: T): T {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as T;
}
