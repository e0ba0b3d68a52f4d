import { z } from 'zod';
import { languageNames } from '../topology/document/language';
import { functionTypeNames } from '../topology/function-types/function-type';

/** JSON, or its text if `JSON.parse` would round one of its longs. */
const avroSchema = z.union([z.looseObject({ type: z.string() }).readonly(), z.string()]);

const s3Connection = z
  .strictObject({
    /** `host:port`, or a URL when the scheme matters. */
    addr: z.string(),
    /** Variables with the credentials. Absent: those of the environment, as the SDK of AWS finds them. */
    userEnv: z.string().optional(),
    passwordEnv: z.string().optional(),
    sessionTokenEnv: z.string().optional(),
    region: z.string().optional(),
    /** PEM text, or the path of a file. */
    ca: z.string().optional(),
    /** Variable with PEM text, instead of `ca`. */
    caEnv: z.string().optional(),
    pathStyle: z.boolean().optional(),
  })
  .readonly();

const input = z
  .strictObject({
    /** The function that writes the stream. */
    function: z.string(),
    stream: z.string(),
    subject: z.string(),
    durable: z.string(),
    /** The stream has records with keys: a consumer, and a subject, for each of so many partitions. */
    partitions: z.int().positive().optional(),
  })
  .readonly();

const output = z
  .strictObject({
    stream: z.string(),
    subject: z.string(),
    schema: avroSchema.optional(),
    maxMsgs: z.int(),
    maxBytes: z.int(),
    /** The server stores publishes with the same message id once within this time. */
    dedupeWindowMs: z.int(),
    /** Durables that read the stream. Messages that one of them has not acked are not trimmed. */
    durables: z.array(z.string()).readonly(),
    /** The records have keys: that of the record they were made of, or the value of the field `by`. */
    partitions: z.strictObject({ count: z.int().positive(), by: z.string().optional() }).readonly().optional(),
  })
  .readonly();

const task = z
  .strictObject({
    language: z.enum(languageNames),
    code: z.string().optional(),
    module: z.string().optional(),
    /** Name of the task's function in the code or module. */
    entry: z.string().optional(),
    /** Defaults of the parameters. */
    parameters: z.unknown().optional(),
    policy: z.record(z.string(), z.unknown()).readonly().optional(),
  })
  .readonly();

/**
 * What the replicas of one workload read, as JSON. The plan and the runtime both validate it. It contains no secrets, only
 * the names of the environment variables that hold the credentials.
 */
export const functionSpecSchema = z
  .strictObject({
    version: z.literal(1),
    namespace: z.string(),
    jobId: z.string(),
    mode: z.enum(['batch', 'stream']),
    function: z.string(),
    /** Number of the current re-read of the inputs; absent before the first one. Part of the output ids. */
    epoch: z.int().positive().optional(),
    /** Number of the run that the replicas begin or join; absent: the current one of the flow's state. */
    run: z.int().positive().optional(),
    /** The replicas create the buckets that the function writes, if these do not exist. */
    makesBuckets: z.literal(true).optional(),
    type: z.enum(functionTypeNames),
    replicas: z.int().positive(),
    language: z.enum(languageNames),
    /** Inline code. Without `code` and `module`, the image brings the function. */
    code: z.string().optional(),
    /** Name of a file beside the spec that contains the code, instead of `code`. */
    codeFile: z.string().optional(),
    module: z.string().optional(),
    /** Name of the entry function in the code or module. */
    entry: z.string().optional(),
    /** The tasks of a task worker, whose task namespace is `taskNamespace`. */
    tasks: z.record(z.string(), task).readonly().optional(),
    taskNamespace: z.string().optional(),
    inputs: z.array(input).readonly(),
    output: output.optional(),
    sideOutputs: z.array(output.unwrap().extend({ id: z.string() }).readonly()).readonly(),
    /** Writer's schema of the main output on a source or process; reader's schema on a sink. */
    schema: avroSchema.optional(),
    /** The schema that all records of the inputs are declared to have; only where the code may read it. */
    inputSchema: avroSchema.optional(),
    /** Subjects at which failed attempts are reported, and their nats; default: the flow's own. */
    sideStream: z
      .strictObject({ addr: z.string().optional(), topics: z.array(z.string()).readonly() })
      .readonly()
      .optional(),
    /** The object store that a source reads or a sink writes. */
    endpoint: s3Connection.unwrap().extend({ topics: z.string() }).readonly().optional(),
    /** The server that a sink writes to, unless the sink writes to an object store. */
    target: z
      .strictObject({
        addr: z.string().optional(),
        topics: z.string().optional(),
        userEnv: z.string().optional(),
        passwordEnv: z.string().optional(),
        /** PEM text, or the path of a file. */
        ca: z.string().optional(),
        /** Variable with PEM text, instead of `ca`. */
        caEnv: z.string().optional(),
      })
      .readonly()
      .optional(),
    /** The store from which the objects named by input records are downloaded. */
    download: s3Connection.unwrap().extend({ directory: z.string().optional() }).readonly().optional(),
    /** Stores outputs larger than `maxPayloadSize`, by default the NATS server's limit. */
    messageStore: s3Connection
      .unwrap()
      .extend({ bucket: z.string(), prefix: z.string(), maxPayloadSize: z.int().positive().optional() })
      .readonly()
      .optional(),
    /** Message stores of the functions that write the inputs. */
    claimStores: z
      .array(s3Connection.unwrap().extend({ bucket: z.string(), prefix: z.string() }).readonly())
      .readonly(),
    /** The function runs step by step: on the objects of a folder instead of its inputs. */
    steps: s3Connection
      .unwrap()
      .extend({
        bucket: z.string(),
        /** Prefixes of the keys of objects and of results. */
        inDir: z.string(),
        outDir: z.string(),
        /** The schemas that records of the inputs are declared to have. */
        schemas: z.array(avroSchema).readonly(),
        /** An input lists objects: an object that has no records stands for itself. */
        takesFiles: z.literal(true).optional(),
      })
      .readonly()
      .optional(),
    deadLetters: z.strictObject({ stream: z.string(), subject: z.string() }).readonly(),
    stateBucket: z.string(),
    /** The server redelivers a message whose lease has not been renewed for this long. */
    ackWaitMs: z.int().positive(),
    /** A record may take this long without a heartbeat. */
    maxPollIntervalMs: z.int().positive(),
    maxDeliver: z.int().positive(),
    concurrency: z.int().positive(),
    /** The function requests the acks of its records itself. */
    ack: z.literal('manual').optional(),
    /** Inputs have the values of their logical types. */
    logicalTypes: z.literal(true).optional(),
    checkpoint: z.boolean(),
    rate: z.number().positive().optional(),
    /** What the objects of a sink's bulks contain. Absent: the default of the connector. */
    format: z.string().optional(),
    /** A sink writes bulks: at this many records, or bytes of Avro, or after this time. Absent: it writes what there is. */
    bulk: z
      .strictObject({
        flushTimerMs: z.int().positive(),
        flushSize: z.int().positive(),
        flushBytes: z.int().positive(),
      })
      .readonly()
      .optional(),
    meta: z.record(z.string(), z.unknown()).readonly(),
  })
  .readonly();

export type FunctionSpec = z.infer<typeof functionSpecSchema>;
export type TaskSpec = z.infer<typeof task>;
export type OutputSpec = NonNullable<FunctionSpec['output']>;
export type S3Connection = z.infer<typeof s3Connection>;

/** All outputs of a function: the main output, if it has readers, then the side outputs. */
export function outputsOf(spec: FunctionSpec): readonly OutputSpec[] {
  return spec.output === undefined ? spec.sideOutputs : [spec.output, ...spec.sideOutputs];
}
