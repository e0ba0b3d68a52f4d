import { z } from 'zod';
import { isoTime, stepFolderSchema } from './flow-status';

/** A record as JSON. */
const record = z.unknown();

const stepErrorSchema = z.object({
  record: z.int().describe('which of the records of the object, from 0'),
  type: z.string().describe('class of the error'),
  message: z.string(),
  trace: z.string().optional(),
  reason: z.string().optional().describe('crashed, exited, timed out or too large; absent: an exception'),
});

/** Which version of an object was run: the same content that is put again is another version. */
const versionSchema = z.object({ etag: z.string(), at: isoTime });

/** What became of an object that was put into the folder of a function; so it is stored in the other folder, too. */
export const stepSchema = z
  .object({
    function: z.string(),
    name: z.string().describe('of the object, without the folder'),
    state: z
      .enum(['waiting', 'done', 'failed'])
      .describe('waiting: the function has not run the object that was put last'),
    run: z.int().describe('how often objects of this name were run; 0: never'),
    object: versionSchema.optional().describe('the version that was run last'),
    endedAt: isoTime.optional(),
    ms: z.number().optional().describe('how long the run took'),
    inputs: z.array(record).describe('the records of the object'),
    outputs: z.array(record).describe('the records of the main output'),
    sideOutputs: z.record(z.string(), z.array(record)),
    error: z.string().optional().describe('class and message of the first error'),
    errors: z.array(stepErrorSchema),
  })
  .meta({ id: 'Step' });

/** An object in the folder of a function, without its records. */
const stepEntrySchema = stepSchema
  .pick({ function: true, name: true, state: true, run: true, endedAt: true, error: true })
  .extend({ inputs: z.int(), outputs: z.int() })
  .meta({ id: 'StepEntry' });

const objectName = z
  .string()
  .min(1)
  .max(800)
  .regex(/^[^/](?:.*[^/])?$/s, 'must neither start nor end with a slash')
  .describe('name of the object in the folder of the function');
const functionId = z.string().describe('id of a function');

const comment = z.string().max(1_000).optional().describe('reason for the audit log');

export const stepQuerySchema = z.strictObject({ name: objectName });
export const stepRequestSchema = z.strictObject({
  name: objectName,
  records: z.array(record).min(1).optional().describe('absent: the object is run again as it is'),
  comment,
});
export const editRequestSchema = z.strictObject({ name: objectName, records: z.array(record).min(1), comment });
export const nextRequestSchema = z.strictObject({ name: objectName, comment });
export const runToRequestSchema = z.strictObject({ name: objectName, to: functionId, comment });
export const dropRequestSchema = z.strictObject({ name: objectName, comment });
export const droppedSchema = z.object({ name: z.string() });

/** The request of the documents: the result of `execFnId` for what `simFnId` has made of `cursor`. */
export const simulateRequestSchema = z
  .strictObject({
    cursor: objectName.describe('name of an object: of a result of simFnId, or of what a source lists'),
    execFnId: functionId,
    simFnId: functionId,
    namespace: z.string().default('default'),
    jobId: z.string(),
    comment,
  })
  .meta({
    examples: [
      { cursor: 'testfile.csv', execFnId: 'map0', simFnId: 'list-s3-bucket', namespace: 'jobx', jobId: 'jobx' },
    ],
  });

/** The folders of a flow, and what is in them. */
export const stepListSchema = z
  .object({ folders: z.array(stepFolderSchema), steps: z.array(stepEntrySchema) })
  .meta({ id: 'StepList' });

/** What a move to the next functions has done. */
export const stepsSchema = z
  .object({
    steps: z.array(stepSchema).describe('the functions that were run, in order'),
    ends: z.array(functionId).describe('sinks that would have got records; no sink runs'),
  })
  .meta({ id: 'Steps' });

export type Step = z.infer<typeof stepSchema>;
export type StepEntry = z.infer<typeof stepEntrySchema>;
export type StepList = z.infer<typeof stepListSchema>;
export type StepFolder = z.infer<typeof stepFolderSchema>;
export type Steps = z.infer<typeof stepsSchema>;
export type SimulateRequest = Pick<z.infer<typeof simulateRequestSchema>, 'cursor' | 'execFnId' | 'simFnId'>;
