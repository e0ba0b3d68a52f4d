import { z } from 'zod';
import { languageNames } from '../topology/document/language';
import { functionTypeNames } from '../topology/function-types/function-type';

/**
 * What one workload's replicas need to know: our JSON between synth and runtime, checked on both sides. It holds no
 * secret: credentials are named by the environment variables that carry them.
 */

const avroSchema = z.looseObject({ type: z.string() }).readonly();

const s3Connection = z
  .strictObject({
    /** `host:port`, or a URL when the scheme matters. */
    addr: z.string(),
    userEnv: z.string(),
    passwordEnv: z.string(),
  })
  .readonly();

const input = z
  .strictObject({
    /** The function whose output this is. */
    function: z.string(),
    stream: z.string(),
    subject: z.string(),
    durable: z.string(),
  })
  .readonly();

const output = z
  .strictObject({
    stream: z.string(),
    subject: z.string(),
    schema: avroSchema.optional(),
    maxMsgs: z.int(),
    maxBytes: z.int(),
    /** Publishes of one message id within this time are one. */
    dedupeWindowMs: z.int(),
    /** Durables that read the stream: what none of them has acked is not trimmed. */
    durables: z.array(z.string()).readonly(),
  })
  .readonly();

export const functionSpecSchema = z
  .strictObject({
    version: z.literal(1),
    namespace: z.string(),
    jobId: z.string(),
    mode: z.enum(['batch', 'stream']),
    function: z.string(),
    /** Tells the outputs of one reading of the inputs from those of another; absent: the first. Part of their ids. */
    epoch: z.int().positive().optional(),
    type: z.enum(functionTypeNames),
    replicas: z.int().positive(),
    language: z.enum(languageNames),
    /** Inline code, or the path of a module; neither: the image's own function. */
    code: z.string().optional(),
    /** The code as a file beside the spec's, in place of `code`. */
    codeFile: z.string().optional(),
    module: z.string().optional(),
    /** Name of the entry function in the code or module. */
    entry: z.string().optional(),
    inputs: z.array(input).readonly(),
    output: output.optional(),
    sideOutputs: z.array(output.unwrap().extend({ id: z.string() }).readonly()).readonly(),
    /** Writer's schema of the main output on a source or process; reader's schema on a sink. */
    schema: avroSchema.optional(),
    /** Where a source reads or a sink writes. */
    endpoint: s3Connection.unwrap().extend({ topics: z.string() }).readonly().optional(),
    /** Where a sink writes that is no object store; credentials and address may be the server's own business. */
    target: z
      .strictObject({
        addr: z.string().optional(),
        topics: z.string().optional(),
        userEnv: z.string().optional(),
        passwordEnv: z.string().optional(),
      })
      .readonly()
      .optional(),
    /** Automatic download of the objects that input records name. */
    download: s3Connection.unwrap().extend({ directory: z.string().optional() }).readonly().optional(),
    /** Where outputs above the limit go; `maxPayloadSize` absent: the server's limit. */
    messageStore: s3Connection
      .unwrap()
      .extend({ bucket: z.string(), prefix: z.string(), maxPayloadSize: z.int().positive().optional() })
      .readonly()
      .optional(),
    /** Message stores of the functions this one reads from. */
    claimStores: z
      .array(s3Connection.unwrap().extend({ bucket: z.string(), prefix: z.string() }).readonly())
      .readonly(),
    deadLetters: z.strictObject({ stream: z.string(), subject: z.string() }).readonly(),
    stateBucket: z.string(),
    schemaBucket: z.string(),
    /** The server waits this long for a sign of life of the replica that holds a message. */
    ackWaitMs: z.int().positive(),
    /** A record may take this long without a heartbeat. */
    maxPollIntervalMs: z.int().positive(),
    maxDeliver: z.int().positive(),
    concurrency: z.int().positive(),
    checkpoint: z.boolean(),
    rate: z.number().positive().optional(),
    meta: z.record(z.string(), z.unknown()).readonly(),
  })
  .readonly();

export type FunctionSpec = z.infer<typeof functionSpecSchema>;
export type OutputSpec = NonNullable<FunctionSpec['output']>;
export type S3Connection = z.infer<typeof s3Connection>;

/** Every output that a function writes: the main one first, when something reads it, then the side outputs. */
export function outputsOf(spec: FunctionSpec): readonly OutputSpec[] {
  return spec.output === undefined ? spec.sideOutputs : [spec.output, ...spec.sideOutputs];
}
