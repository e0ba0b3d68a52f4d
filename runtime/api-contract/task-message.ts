import { z } from 'zod';

/** The messages between a controller and task workers, as JSON; docs/task-protocol.md is their contract. */

/** In place of an `input` or `output` above 64 KiB: the object of the bucket of values that has it, as JSON. */
const valueClaimSchema = z
  .strictObject({
    $claim: z
      .strictObject({
        key: z.string().min(1).describe('name of the object'),
        bytes: z.int().nonnegative().describe('length of the JSON'),
      })
      .readonly(),
  })
  .readonly();

export type ValueClaim = z.infer<typeof valueClaimSchema>;

/** Whether a value is a claim: an object with the key `$claim` alone. */
export function isValueClaim(value: unknown): value is ValueClaim {
  return valueClaimSchema.safeParse(value).success;
}

const envelope = {
  v: z.literal(1),
  id: z.string().min(1).describe('`<execution>/<run>/<step>/<attempt>`: the same at each delivery'),
  token: z.string().min(1).describe('sent back with each result and heartbeat as it is'),
};

const timeouts = z
  .object({
    runMs: z.int().positive().optional().describe('the worker ends a task that runs for longer'),
    heartbeatMs: z.int().positive().optional().describe('the longest time between two heartbeats'),
  })
  .readonly()
  .optional();

const wantsList = z.boolean().optional().describe('true: the output is the input of a map, and has to be a list');

/** A step that follows: its input is the output of the one before. */
const followingTaskSchema = z
  .object({
    id: z.string().min(1),
    token: z.string().min(1),
    step: z.string().min(1),
    task: z.string().min(1),
    name: z.string().min(1),
    parameters: z.unknown().optional(),
    attempt: z.int().positive(),
    timeouts,
    wantsList,
  })
  .readonly();

export type FollowingTask = z.infer<typeof followingTaskSchema>;

/** One attempt of a step. A worker passes over fields that it does not know. */
export const taskMessageSchema = z
  .object({
    ...envelope,
    execution: z.string().min(1),
    flow: z.string().optional().describe('name of the task flow'),
    step: z.string().min(1).describe('index of the step, with the path of its items: `3`, `3.17`'),
    task: z.string().min(1).describe('`<task namespace>:<name>`, after aliases'),
    name: z.string().min(1).describe('as the flow has it'),
    parameters: z.unknown().optional(),
    input: z.unknown().optional().describe('absent: the step has no input'),
    attempt: z.int().positive(),
    metadata: z.record(z.string(), z.unknown()).readonly().optional(),
    timeouts,
    wantsList,
    wantsReceipt: z.boolean().optional().describe('true: the worker reports when the task begins'),
    next: z
      .array(followingTaskSchema)
      .readonly()
      .optional()
      .describe('steps that the worker may run next, one after the other'),
    sentAt: z.iso.datetime({ offset: true }),
  })
  .readonly();

export type TaskMessage = z.infer<typeof taskMessageSchema>;

export const taskErrorSchema = z
  .object({
    code: z.string().min(1).describe('class of the exception, or a code of docs/task-protocol.md'),
    message: z.string(),
    details: z.unknown().optional(),
    isTerminal: z.boolean().optional().describe('true: no other attempt is made'),
    retryAfterMs: z.int().nonnegative().optional().describe('the next attempt starts after so long'),
  })
  .readonly();

export type TaskError = z.infer<typeof taskErrorSchema>;

const result = { ...envelope, at: z.iso.datetime({ offset: true }), worker: z.string() };

/** What a worker reports of a task: that it has begun, then one of the two ends. */
export const taskResultSchema = z.discriminatedUnion('kind', [
  z.object({ ...result, kind: z.literal('receipt') }).readonly(),
  z
    .object({
      ...result,
      kind: z.literal('succeeded'),
      output: z.unknown().optional(),
      continues: z.boolean().optional().describe('true: the worker runs the first step of `next`'),
    })
    .readonly(),
  z.object({ ...result, kind: z.literal('failed'), error: taskErrorSchema }).readonly(),
]);

export type TaskResult = z.infer<typeof taskResultSchema>;

/** In the entry of a worker: it takes every task of its task namespace. */
export const anyTask = '*';

export const heartbeatSchema = z
  .object({
    ...envelope,
    worker: z.string().optional(),
    progress: z.unknown().optional().describe('shown as it is'),
    lease: z
      .enum(['begins', 'returns'])
      .optional()
      .describe('a task that was delivered before is about to begin; one that had begun is given back'),
  })
  .readonly();

export type Heartbeat = z.infer<typeof heartbeatSchema>;

export const heartbeatAnswerSchema = z
  .object({
    isCanceled: z.boolean().describe('true: the step has ended, or is canceled; stop'),
    begun: z.int().optional().describe('to `begins`: how often it was said of the task, less `returns`'),
  })
  .readonly();

export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>;

export const cancelNoticeSchema = z.object({ v: z.literal(1), id: z.string().min(1) }).readonly();

/** The entry of a live worker in the bucket of workers. */
export const workerEntrySchema = z
  .object({
    v: z.literal(1),
    worker: z.string().min(1).describe('names the process, as one token'),
    taskNamespace: z.string().min(1),
    tasks: z
      .record(
        z.string(),
        z
          .object({
            parameters: z.unknown().optional().describe('defaults'),
            policy: z.record(z.string(), z.unknown()).optional(),
            language: z.string().optional(),
          })
          .readonly(),
      )
      .readonly(),
    version: z.string().optional(),
    language: z.string().optional(),
    slots: z.int().positive(),
    running: z.int().nonnegative(),
    since: z.iso.datetime({ offset: true }),
    lastSeen: z.iso.datetime({ offset: true }),
  })
  .readonly();

export type WorkerEntry = z.infer<typeof workerEntrySchema>;
