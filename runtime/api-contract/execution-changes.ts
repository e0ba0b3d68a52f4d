import { z } from 'zod';
import { executionIdRule } from './execution-key';
import { attributesSchema, executionSchema } from './execution-status';
import { isoTime } from './flow-status';
import { documentProblemSchema } from './problem';
import { taskErrorSchema } from './task-message';

// Requests are strict, so that a misspelled key does not change more, or less, than intended.

const comment = z.string().max(1_000).optional().describe('reason for the audit log');

export const executionId = z
  .string()
  .regex(
    executionIdRule,
    'must have 1 to 128 letters, digits, underscores, dashes and colons, and no dash or colon at an end',
  );

const overlap = z
  .enum(['skip', 'queue', 'cancel'])
  .describe('when the execution before still runs: start none, start after it, or cancel it first');

/** When a schedule starts executions. */
const scheduleSpecSchema = z.strictObject({
  cron: z.string().min(1).max(200).describe('five fields: minute, hour, day of month, month, day of week'),
  timezone: z.string().max(64).default('UTC').describe('as in Europe/Berlin'),
  overlap: overlap.default('skip'),
});

/** Body of a start. */
export const startRequestSchema = z
  .strictObject({
    flow: z.string().min(1).describe('the text of a task flow, or its JSON form'),
    input: z.unknown().optional().describe('default: {}'),
    id: executionId
      .optional()
      .describe('default: the name of the flow and a UUID; an execution with this id is attached to'),
    attributes: attributesSchema.default({}),
    schedule: scheduleSpecSchema
      .optional()
      .describe('starts executions at these times, and none now; `id` names the schedule'),
    comment,
  })
  .meta({ id: 'StartExecution', examples: [{ flow: 'A → B', input: {} }] });

/** Response to a start without a schedule. */
export const startedExecutionSchema = executionSchema
  .extend({
    outcome: z.enum(['started', 'attached']).describe('`attached`: an execution with this id existed'),
    warnings: z.array(documentProblemSchema).optional().describe('warnings about the flow, if any'),
  })
  .meta({ id: 'StartedExecution' });

/** Body of a resume. Steps that have succeeded are not run again, except for those after `from`. */
export const resumeRequestSchema = z
  .strictObject({
    input: z.unknown().optional().describe('replaces the input of the execution, for steps that have not succeeded'),
    inputs: z.record(z.string(), z.unknown()).optional().describe('replaces the input of single steps'),
    from: z.array(z.string()).optional().describe('also run these steps again, and everything after them'),
    flow: z.string().min(1).optional().describe('continue with this text; default: the one it was started with'),
    comment,
  })
  .meta({ id: 'ResumeExecution', examples: [{}] });

export const cancelExecutionSchema = z
  .strictObject({
    graceSeconds: z
      .number()
      .min(0)
      .max(86_400)
      .optional()
      .describe('how long running tasks may take to end; default: 30'),
    comment,
  })
  .meta({ examples: [{}] });

export const terminateExecutionSchema = z.strictObject({ comment }).meta({ examples: [{}] });

/** Body of a decision on an approval. */
export const approveRequestSchema = z
  .strictObject({
    step: z.string().optional().describe('default: the only step that waits for a decision'),
    decision: z.enum(['approve', 'reject']).default('approve'),
    answers: z.record(z.string(), z.unknown()).default({}).describe('by field of the form'),
    comment,
  })
  .meta({ id: 'ApproveStep', examples: [{ decision: 'approve', answers: {} }] });

/** Body of the end of a step that a person sets. */
export const endStepSchema = z
  .strictObject({
    step: z.string().min(1).describe('its id'),
    output: z.unknown().optional().describe('any JSON; default: {} for a task, the input for a wait'),
    error: taskErrorSchema.optional().describe('the step has failed, and is not tried again'),
    comment,
  })
  .meta({ id: 'EndStep', examples: [{ step: '3', output: { ok: true } }] });

/** A whole execution as JSON: definition, input, state of each step, outputs and trace. */
export const executionArchiveSchema = z
  .looseObject({ kind: z.literal('kflow-execution'), version: z.literal(1) })
  .meta({ id: 'ExecutionArchive' });

/** Where an archive is in the object store of the controller. */
export const archiveUri = z
  .string()
  .regex(/^s3:\/\/[^/]+\/.+/, 'must be s3://BUCKET/KEY')
  .meta({ examples: ['s3://archives/order-7.json'] });

export const archiveRequestSchema = z.strictObject({ uri: archiveUri, comment }).meta({ id: 'ArchiveExecution' });

/** Body of a restore. */
export const restoreRequestSchema = z
  .strictObject({
    archive: executionArchiveSchema.optional(),
    uri: archiveUri.optional().describe('where the archive is, in place of `archive`'),
    id: executionId.optional().describe('default: the id in the archive if it is free, else a new one'),
    comment,
  })
  .refine(({ archive, uri }) => (archive === undefined) !== (uri === undefined), 'must have either archive or uri')
  .meta({ id: 'RestoreExecution' });

export const scheduleSchema = z
  .object({
    namespace: z.string(),
    schedule: z.string().describe('its id'),
    name: z.string().optional().describe('name of the task flow'),
    cron: z.string(),
    timezone: z.string(),
    overlap,
    attributes: attributesSchema,
    next: isoTime.optional(),
    last: isoTime.optional().describe('when it started an execution last'),
    by: z.string().optional(),
    comment: z.string().optional(),
  })
  .meta({ id: 'Schedule' });

export type ScheduleSpec = z.infer<typeof scheduleSpecSchema>;
export type StartRequest = Omit<z.infer<typeof startRequestSchema>, 'comment' | 'schedule'>;
export type StartedExecution = z.infer<typeof startedExecutionSchema>;
export type ResumeRequest = Omit<z.infer<typeof resumeRequestSchema>, 'comment'>;
export type CancelRequest = Omit<z.infer<typeof cancelExecutionSchema>, 'comment'>;
export type ApproveRequest = Omit<z.infer<typeof approveRequestSchema>, 'comment'>;
export type EndStepRequest = Omit<z.infer<typeof endStepSchema>, 'comment'>;
export type ExecutionArchive = z.infer<typeof executionArchiveSchema>;
export type ScheduleView = z.infer<typeof scheduleSchema>;
