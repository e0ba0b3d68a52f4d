import { z } from 'zod';
import { isoTime, listLimit } from './flow-status';
import { taskErrorSchema } from './task-message';

const eventKindName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9_][\w-]*$/, 'must consist of letters, digits, underscores and dashes');

/** Body of an event for the executions of a namespace. */
export const publishEventSchema = z
  .strictObject({
    kind: eventKindName,
    data: z.record(z.string(), z.unknown()).default({}).describe('what `wait:event` matches with the input of a step'),
    output: z.unknown().optional().describe('becomes the output of the steps that wait for the event'),
    id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe(
        'an event with the kind and id of an earlier one is not stored again within two minutes; default: the Idempotency-Key, else a new id',
      ),
  })
  .meta({ id: 'PublishEvent', examples: [{ kind: 'start-experiment', data: { id: 7 } }] });

const receiptSchema = z
  .object({
    at: isoTime,
    execution: z.string().optional(),
    step: z.string().optional(),
    action: z.string().describe('processed'),
  })
  .meta({ id: 'EventReceipt' });

/** An event with the receipts of those that have processed it. */
export const taskEventSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    at: isoTime,
    by: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
    output: z.unknown().optional(),
    receipts: z.array(receiptSchema),
  })
  .meta({ id: 'TaskEvent' });

export const taskEventQuerySchema = z.strictObject({
  kind: eventKindName.optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  limit: listLimit.default(100).describe('how many of the latest events'),
});

/** Body of the report that an attempt of a task has ended. */
export const endTaskSchema = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(2_000)
      .describe('that of the attempt: `kflow-token`, or the `token` of a task message'),
    output: z.unknown().optional().describe('any JSON; left out when there is none'),
    error: taskErrorSchema.optional().describe('the attempt has failed'),
  })
  .meta({ id: 'EndTask', examples: [{ token: '…', output: { ok: true } }] });

/** A task that a worker offers. */
const offeredTaskSchema = z.object({
  name: z.string(),
  parameters: z.unknown().optional().describe('defaults'),
  policy: z.unknown().optional(),
});

/** A live worker. */
export const taskWorkerSchema = z
  .object({
    worker: z.string().describe('its id'),
    taskNamespace: z.string(),
    tasks: z.array(offeredTaskSchema),
    version: z.string().optional(),
    language: z.string().optional(),
    slots: z.int().describe('tasks that it runs at a time'),
    running: z.int(),
    since: isoTime,
    lastSeen: isoTime,
  })
  .meta({ id: 'TaskWorkerView' });

export type EndTask = z.infer<typeof endTaskSchema>;
export type PublishEvent = z.infer<typeof publishEventSchema>;
export type TaskEventView = z.infer<typeof taskEventSchema>;
export type TaskEventQuery = z.infer<typeof taskEventQuerySchema>;
export type TaskWorkerView = z.infer<typeof taskWorkerSchema>;
