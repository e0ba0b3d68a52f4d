import { z } from 'zod';
import { type FlowPhase, flowPhases } from './flow-phase';

/** An ISO 8601 time in UTC. */
export const isoTime = z.iso.datetime().meta({ examples: ['2026-01-31T08:00:00.000Z'] });

/** The folders of a function that runs step by step. */
export const stepFolderSchema = z.object({
  function: z.string(),
  bucket: z.string(),
  inDir: z.string().describe('prefix of the keys of objects: an object that is put there runs the function'),
  outDir: z.string().describe('prefix of the keys of results: the result of an object has the same name'),
});

/** How many items a list returns. */
export const listLimit = z.coerce.number().int().min(1).max(1_000);

const phaseSchema = z.enum(Object.keys(flowPhases) as readonly FlowPhase[]);

const healthProblemSchema = z
  .object({
    function: z.string().optional().describe('absent: the flow as a whole'),
    replica: z.string().optional(),
    reason: z
      .string()
      .describe('one word: ImagePullBackOff, CrashLoopBackOff, BackPressure, PoisonRecord, NotReady, ...'),
    message: z.string().describe('details, on one line'),
    since: isoTime,
  })
  .meta({ id: 'HealthProblem' });

const functionStatusSchema = z
  .object({
    function: z.string(),
    type: z.string(),
    replicas: z.int().describe('desired replicas'),
    ready: z.int().describe('ready replicas'),
    isPaused: z.boolean(),
    isDone: z.boolean().optional().describe('batch flows: every replica has processed all of its input'),
    in: z.int().optional().describe('records processed; absent for sources'),
    out: z
      .int()
      .optional()
      .describe('records written to the output stream, including trimmed ones; absent if nothing reads the stream'),
    pending: z.int().describe('records in the input streams that are not delivered yet'),
    held: z.int().describe('records delivered to replicas and not acked yet'),
    dead: z.int().describe('records in the dead letters'),
    oldestDead: isoTime.optional().describe('when the oldest of them failed; absent without any'),
    redriving: z.int().optional().describe('those that are being processed again; absent without any'),
    restarts: z.int().describe('restarts of the current replicas'),
  })
  .meta({ id: 'FunctionStatus' });

/** A flow's status: phase, health and one entry per function. */
export const flowStatusSchema = z
  .object({
    status: phaseSchema,
    startTime: isoTime,
    closeTime: isoTime.nullable().describe('null while the flow is running or paused'),
    execution: z.object({ workflow_id: z.string().describe('the jobId'), run_id: z.string() }),
    type: z.object({ name: z.literal('KFlowDSL') }),
    devInsOuts: z.array(stepFolderSchema).describe('the folders of functions that run step by step; else empty'),
    namespace: z.string(),
    jobId: z.string(),
    mode: z.enum(['batch', 'stream']).optional().describe('absent if the data of the flow was deleted'),
    revision: z.int().describe('number of the current document'),
    since: isoTime.describe('when the flow entered this status'),
    reason: z.string().optional().describe('why the flow is in this status, or why it makes no progress'),
    health: z.object({
      state: z.enum(['healthy', 'starting', 'degraded', 'unhealthy', 'inactive']),
      problems: z.array(healthProblemSchema),
    }),
    functions: z.array(functionStatusSchema).describe('for a closed flow, read from the streams that were kept'),
  })
  .meta({ id: 'FlowStatus' });

/** Query of the routes that list flows. Strict, so that a misspelled key does not select more flows. */
export const listQuerySchema = z.strictObject({
  id: z.string().optional().describe('only the flow with this jobId'),
  status: phaseSchema.optional(),
  limit: listLimit.default(100),
  continue: z.string().optional().describe('start of the page: the `Kflow-Continue` header of the page before'),
});

export type FlowStatus = z.infer<typeof flowStatusSchema>;
export type FunctionStatus = z.infer<typeof functionStatusSchema>;
export type HealthProblem = z.infer<typeof healthProblemSchema>;
export type ListQuery = z.infer<typeof listQuerySchema>;

/** One page of flows. */
export interface FlowList {
  readonly flows: readonly FlowStatus[];
  /** Where the next page starts; absent on the last page. */
  readonly continue?: string;
}
