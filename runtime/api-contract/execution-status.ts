import { z } from 'zod';
import { attributeLimits } from '../../lib/tasks/graph/attribute-limits';
import { type ExecutionPhase, executionPhases } from './execution-phase';
import { isoTime, listLimit } from './flow-status';

const phaseSchema = z.enum(Object.keys(executionPhases) as readonly ExecutionPhase[]);

/** Values by which executions are found. */
export const attributesSchema = z
  .record(z.string().regex(attributeLimits.name), z.string().max(attributeLimits.valueLength))
  .refine(
    (attributes) => Object.keys(attributes).length <= attributeLimits.count,
    `must have at most ${attributeLimits.count} attributes`,
  );

const stepErrorSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    step: z.string().optional().describe('name of the step that failed first'),
    attempts: z.int().optional(),
    details: z.unknown().optional(),
  })
  .meta({ id: 'StepError' });

/** Why a running step does not run right now. */
const waitSchema = z
  .object({
    for: z
      .enum(['worker', 'event', 'approval', 'delay', 'latch', 'limit', 'retry', 'flow', 'report'])
      .describe(
        'a worker that offers the task, an event, a decision, a time, a latch, a place below a limit, the next attempt, the end of a flow, or a report of whoever was called',
      ),
    message: z.string().describe('details, on one line'),
    since: isoTime.optional(),
    until: isoTime.optional().describe('when the wait ends by itself'),
  })
  .meta({ id: 'StepWait' });

/** One step of an execution. */
const executionStepSchema = z
  .object({
    step: z.string().describe('the index of the node, and within maps the index of each item: `3`, `9[17]`'),
    index: z.int(),
    name: z.string(),
    task: z.string().optional().describe('`<task namespace>:<name>` of the task that a worker runs'),
    kind: z.string().describe('task, approval, load, store, map, flow, ...'),
    status: z
      .enum(['waiting', 'running', 'succeeded', 'passed', 'skipped', 'failed', 'canceled'])
      .describe(
        '`waiting`: what precedes has not ended; `passed`: a false guard, the output is the input; `skipped`: what precedes was skipped',
      ),
    attempts: z.int().describe('begun attempts; 0 for steps without a worker'),
    startedAt: isoTime.optional(),
    endedAt: isoTime.optional(),
    waits: waitSchema.optional(),
    worker: z.string().optional().describe('the worker that has, or had, the step'),
    progress: z.unknown().optional().describe('what the task reported last'),
    parameters: z.unknown().optional(),
    input: z.unknown().optional(),
    output: z.unknown().optional(),
    error: stepErrorSchema.optional(),
    items: z
      .object({ total: z.int(), succeeded: z.int(), failed: z.int(), running: z.int() })
      .optional()
      .describe('of a map; its items are steps too'),
  })
  .meta({ id: 'ExecutionStep' });

/** An execution in a list. */
export const executionSchema = z
  .object({
    namespace: z.string(),
    execution: z.string().describe('its id'),
    name: z.string().optional().describe('name of the task flow'),
    status: phaseSchema,
    reason: z.string().optional().describe('why it is in this status'),
    startedAt: isoTime,
    endedAt: isoTime.nullable().describe('null until it has ended'),
    run: z.int().describe('1, and one more after each resume'),
    by: z.string().optional(),
    comment: z.string().optional(),
    schedule: z.string().optional().describe('the schedule that started it'),
    attributes: attributesSchema,
  })
  .meta({ id: 'Execution' });

/** An execution with its steps and values. Values over 64 KiB are `{"$claim": ...}`. */
export const executionDetailSchema = executionSchema
  .extend({
    input: z.unknown(),
    output: z.unknown().optional().describe('of a completed execution'),
    error: stepErrorSchema.optional(),
    steps: z.array(executionStepSchema).describe('in the order of the text; items of maps after their map'),
    omittedSteps: z.int().optional().describe('items of maps beyond the first thousand'),
  })
  .meta({ id: 'ExecutionDetail' });

/** One change of a step or of the execution itself. */
export const traceEntrySchema = z
  .object({
    id: z.string().describe('orders the entries of an execution'),
    at: isoTime,
    step: z.string().optional().describe('absent: the execution itself'),
    name: z.string().optional(),
    what: z
      .string()
      .describe(
        'started, taken, retried, succeeded, passed, skipped, failed, canceled; of the execution also resumed, canceling; with `by`, also decided, ended',
      ),
    attempt: z.int().optional(),
    worker: z.string().optional(),
    by: z.string().optional(),
    message: z.string().optional(),
  })
  .meta({ id: 'TraceEntry' });

/** What executions are listed by. Strict, so that a misspelled key does not select more. */
export const executionQuerySchema = z.strictObject({
  name: z.string().optional().describe('name of the task flow'),
  status: phaseSchema.optional(),
  schedule: z.string().optional(),
  since: z.iso.datetime({ offset: true }).optional().describe('started then or later'),
  until: z.iso.datetime({ offset: true }).optional().describe('started then or earlier'),
  attribute: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('`name=value`; repeatable, and all must match'),
  limit: listLimit.default(50),
  continue: z.string().optional().describe('start of the page: the `Kflow-Continue` header of the page before'),
});

export const waitQuerySchema = z.strictObject({
  seconds: z.coerce.number().min(0).max(60).default(30).describe('how long to wait at most'),
});

export type ExecutionView = z.infer<typeof executionSchema>;
export type ExecutionDetail = z.infer<typeof executionDetailSchema>;
export type ExecutionStep = z.infer<typeof executionStepSchema>;
export type TraceEntry = z.infer<typeof traceEntrySchema>;
export type ExecutionQuery = z.infer<typeof executionQuerySchema>;

/** One page of executions, the newest first. */
export interface ExecutionList {
  readonly executions: readonly ExecutionView[];
  /** Where the next page starts; absent on the last page. */
  readonly continue?: string;
}
