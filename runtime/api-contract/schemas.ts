import { z } from 'zod';

/** What goes over the wire: requests are checked by these, answers are described by them in `/openapi.json`. */

const isoTime = z.iso.datetime().meta({ examples: ['2026-01-31T08:00:00.000Z'] });

const phases = [
  'Running',
  'Pausing',
  'Paused',
  'Stopping',
  'Stopped',
  'Completed',
  'Failed',
  'Canceled',
  'Terminated',
] as const;
export type Phase = (typeof phases)[number];

const healthProblemSchema = z
  .object({
    function: z.string().optional().describe('left out: of the flow as a whole'),
    replica: z.string().optional(),
    reason: z
      .string()
      .describe('one word: ImagePullBackOff, CrashLoopBackOff, BackPressure, PoisonRecord, NotReady, …'),
    message: z.string().describe('what is known, in one line'),
    since: isoTime,
  })
  .meta({ id: 'HealthProblem' });

const functionStatusSchema = z
  .object({
    function: z.string(),
    type: z.string(),
    replicas: z.int().describe('asked for'),
    ready: z.int(),
    isPaused: z.boolean(),
    isDone: z.boolean().optional().describe('of a batch: every replica has come to the end of its input'),
    in: z.int().optional().describe('records processed; left out of a source'),
    out: z
      .int()
      .optional()
      .describe('records in the output stream, those trimmed too; left out where nothing reads it'),
    pending: z.int().describe('records in its inputs that no replica has'),
    held: z.int().describe('records that replicas have and have not acked'),
    dead: z.int().describe('records it gave up on'),
    restarts: z.int(),
  })
  .meta({ id: 'FunctionStatus' });

export const flowStatusSchema = z
  .object({
    status: z.enum(phases),
    startTime: isoTime,
    closeTime: isoTime.nullable().describe('null while the flow runs or is paused'),
    execution: z.object({ workflow_id: z.string().describe('the jobId'), run_id: z.string() }),
    type: z.object({ name: z.literal('KFlowDSL') }),
    devInsOuts: z.array(z.object({ function: z.string(), inDir: z.string(), outDir: z.string() })),
    namespace: z.string(),
    jobId: z.string(),
    mode: z.enum(['batch', 'stream']).optional().describe('left out of a flow whose data is gone'),
    revision: z.int().describe('number of the document that is in force'),
    since: isoTime.describe('when it came into this status'),
    reason: z.string().optional().describe('why it is in this status, or cannot get further'),
    health: z.object({
      state: z.enum(['healthy', 'starting', 'degraded', 'unhealthy', 'inactive']),
      problems: z.array(healthProblemSchema),
    }),
    functions: z.array(functionStatusSchema).describe('of a closed flow, what its kept streams tell'),
  })
  .meta({ id: 'FlowStatus' });

export const revisionSchema = z
  .object({
    revision: z.int(),
    digest: z.string(),
    at: isoTime,
    by: z.string(),
    comment: z.string().optional(),
    cause: z.enum(['submit', 'update', 'scale', 'rollback', 'auto-rollback']),
    isProven: z.boolean().describe('it was seen with every replica ready'),
    isCurrent: z.boolean(),
  })
  .meta({ id: 'Revision' });

export const eventSchema = z
  .object({
    id: z.string(),
    at: isoTime,
    namespace: z.string(),
    jobId: z.string(),
    kind: z.enum(['audit', 'phase', 'notice']),
    what: z.string(),
    by: z.string().optional(),
    comment: z.string().optional(),
    message: z.string().optional(),
  })
  .meta({ id: 'FlowEvent' });

export const logLineSchema = z
  .object({ function: z.string(), replica: z.string(), line: z.string() })
  .meta({ id: 'LogLine' });

const documentProblemSchema = z
  .object({
    severity: z.enum(['error', 'warning']),
    code: z.string(),
    path: z.string().describe('of the setting, as `dag[1].out[0]`'),
    message: z.string(),
    line: z.int(),
    col: z.int(),
  })
  .meta({ id: 'DocumentProblem' });

/** What a change of a flow's document is answered with. */
export const changedFlowSchema = flowStatusSchema
  .extend({
    warnings: z
      .array(documentProblemSchema)
      .optional()
      .describe('of the document that was sent and taken; left out when there are none'),
  })
  .meta({ id: 'ChangedFlow' });

export const problemSchema = z
  .object({
    type: z.string().describe('urn:kflow:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    problems: z
      .array(documentProblemSchema)
      .optional()
      .describe('every problem of a topology, every difference of an update'),
  })
  .meta({ id: 'Problem' });

// Requests are strict: a misspelt key must not do more, or less, than was asked for.

const limit = z.coerce.number().int().min(1).max(1_000);

export const listQuerySchema = z.strictObject({
  id: z.string().optional().describe('only the flow of this jobId'),
  status: z.enum(phases).optional(),
  limit: limit.default(100),
  continue: z.string().optional().describe('where the next page begins: the `Kflow-Continue` header of this one'),
});

export const eventQuerySchema = z.strictObject({
  kind: z.enum(['audit', 'phase', 'notice']).optional(),
  limit: limit.default(100).describe('the last ones'),
});

const flag = z.stringbool().default(false);

export const logQuerySchema = z.strictObject({
  function: z.string().optional().describe('left out: every function'),
  replica: z.string().optional(),
  tail: z.coerce.number().int().min(0).optional().describe('the last lines of each replica; left out: all'),
  follow: flag,
});

const comment = z.string().max(1_000).optional().describe('why, for the audit log');

export const changeRequestSchema = z
  .strictObject({
    functions: z.array(z.string()).default([]).describe('none: the whole flow'),
    comment,
  })
  .meta({ examples: [{ functions: [] }] });

export const scaleRequestSchema = z
  .strictObject({
    replicas: z
      .record(z.string(), z.int().min(1).max(1_000))
      .refine((replicas) => Object.keys(replicas).length > 0, 'names no function')
      .describe('by function'),
    comment,
  })
  .meta({ examples: [{ replicas: { count: 2 } }] });

export const rollbackRequestSchema = z
  .strictObject({
    revision: z.int().min(1).optional().describe('left out: the one before the present one'),
    comment,
  })
  .meta({ examples: [{ revision: 1 }] });

export const replayRequestSchema = z
  .strictObject({
    function: z.string(),
    from: z.union(
      [
        z.strictObject({ sequence: z.int().min(1) }).describe('of its input stream'),
        z.strictObject({ time: z.iso.datetime({ offset: true }) }),
        z.literal('first'),
      ],
      'must be "first", {"sequence": 1}, or {"time": "2026-01-31T08:00:00Z"}',
    ),
    comment,
  })
  .meta({ id: 'Replay', examples: [{ function: 'count', from: 'first' }] });

export type FlowStatus = z.infer<typeof flowStatusSchema>;
export type FunctionStatus = z.infer<typeof functionStatusSchema>;
export type HealthProblem = z.infer<typeof healthProblemSchema>;
export type RevisionView = z.infer<typeof revisionSchema>;
export type FlowEventView = z.infer<typeof eventSchema>;
export type LogLine = z.infer<typeof logLineSchema>;
export type ChangedFlow = z.infer<typeof changedFlowSchema>;
export type DocumentProblem = z.infer<typeof documentProblemSchema>;
export type ApiProblem = z.infer<typeof problemSchema>;
export type ListQuery = z.infer<typeof listQuerySchema>;
export type EventQuery = z.infer<typeof eventQuerySchema>;
export type LogQuery = z.infer<typeof logQuerySchema>;
export type ReplayRequest = Omit<z.infer<typeof replayRequestSchema>, 'comment'>;

export interface FlowList {
  readonly flows: readonly FlowStatus[];
  /** Where the next page begins; left out on the last one. */
  readonly continue?: string;
}
