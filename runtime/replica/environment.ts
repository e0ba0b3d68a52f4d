import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { ConfigError } from '../../lib/errors';
import type { NatsAccess } from '../../lib/plan/nats-access';
import { timing } from '../../lib/plan/replica-lifecycle';

/** A switch: on with any value but `false` or `0`, in any case; off when empty or not set. */
const flag = z
  .string()
  .optional()
  .transform((value) => value !== undefined && !['', 'false', '0'].includes(value.toLowerCase()));

const environmentSchema = z.object({
  /** The file of the function's spec. */
  KFLOW_SPEC: z.string(),
  KFLOW_NATS_URL: z.string(),
  /** A folder of credential files. */
  KFLOW_NATS_CREDENTIALS: z.string().min(1).optional(),
  KFLOW_NATS_DOMAIN: z.string().min(1).optional(),
  KFLOW_REPLICA: z.coerce.number().int().nonnegative().optional(),
  JOB_COMPLETION_INDEX: z.coerce.number().int().nonnegative().optional(),
  /** The document's folder, from which modules are resolved. */
  KFLOW_BASE_DIR: z.string().optional(),
  KFLOW_STREAM_PROCESS_FUNCTION: flag,
  KFLOW_LONG_RUNNING_PROCESSING: flag,
  KFLOW_SKIP_DOWNLOAD_ERROR: flag,
  KFLOW_CREATE_SIDESTREAM: flag,
  /** Percent that a transfer of an object advances between two lines of the log. Left out: nothing is told of transfers. */
  KFLOW_DL_UP_PROGRESS: z.string().min(1).pipe(z.coerce.number<string>().int().min(1).max(100)).optional(),
  KFLOW_LOG_FORMAT: z.enum(['json', 'text']).optional(),
  /** Name of this replica among those on this machine; that of a pod is its host name. */
  KFLOW_REPLICA_NAME: z.string().min(1).optional(),
  /** A folder of credential files, of the nats with the error side stream. */
  KFLOW_SIDESTREAM_CREDENTIALS: z.string().min(1).optional(),
  /** Seconds that a stopping replica has for the records it is processing. */
  KFLOW_SHUTDOWN_TIMEOUT: z.coerce.number().positive().default(timing.shutdownSeconds),
  /** Port for probes and Prometheus; 0 is any free port. Without it, the replica does not listen. */
  KFLOW_HTTP_PORT: z.string().min(1).pipe(z.coerce.number<string>().int().min(0).max(65_535)).optional(),
  KFLOW_HTTP_HOST: z.string().default('0.0.0.0'),
  /** The file to which the replica writes its port. */
  KFLOW_HTTP_PORT_FILE: z.string().optional(),
  KFLOW_METRICS: flag,
  /** A controller or `kflow run` watches the flow, and reports its dead letters. */
  KFLOW_WATCHED: flag,
});

/** Where a replica serves probes and, with `hasMetrics`, Prometheus. */
interface HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly portFile?: string;
  readonly hasMetrics: boolean;
}

/** The settings of a replica's process. */
export interface ReplicaEnvironment {
  readonly specFile: string;
  readonly nats: NatsAccess;
  readonly replica: number;
  /** Names this replica among those of its function, as one token; a replica that is started in its place has the same. */
  readonly identity: string;
  /** Names this replica for people; undefined for a process that nobody has named. */
  readonly name?: string | undefined;
  readonly baseDir: string;
  readonly isStreaming: boolean;
  readonly isLongRunning: boolean;
  readonly isDownloadFailureSkipped: boolean;
  readonly progressPercent?: number | undefined;
  /** Error side streams that do not exist are created. */
  readonly createsSideStreams: boolean;
  readonly sideStreamCredentials?: string | undefined;
  readonly shutdownMs: number;
  /** Somebody reports what the replica gives up on; else the replica's exit code does. */
  readonly isWatched: boolean;
  /** Left out: the replica does not listen. */
  readonly http?: HttpSettings;
  /** The whole environment, for user code and credentials. */
  readonly env: NodeJS.ProcessEnv;
}

/** Throws ConfigError, which names every variable that is missing or invalid. */
export function readEnvironment(env: NodeJS.ProcessEnv): ReplicaEnvironment {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError('config-invalid', `environment: ${faults.join('; ')}`);
  }
  const { data } = parsed;
  return {
    specFile: data.KFLOW_SPEC,
    nats: natsAccess(data.KFLOW_NATS_URL, data.KFLOW_NATS_CREDENTIALS, data.KFLOW_NATS_DOMAIN),
    replica: data.KFLOW_REPLICA ?? data.JOB_COMPLETION_INDEX ?? 0,
    identity: String(data.KFLOW_REPLICA ?? data.JOB_COMPLETION_INDEX ?? placeOf(data.KFLOW_SPEC)),
    name: data.KFLOW_REPLICA_NAME ?? (env.KUBERNETES_SERVICE_HOST === undefined ? undefined : hostname()),
    baseDir: data.KFLOW_BASE_DIR ?? process.cwd(),
    isStreaming: data.KFLOW_STREAM_PROCESS_FUNCTION,
    isLongRunning: data.KFLOW_LONG_RUNNING_PROCESSING,
    isDownloadFailureSkipped: data.KFLOW_SKIP_DOWNLOAD_ERROR,
    progressPercent: data.KFLOW_DL_UP_PROGRESS,
    createsSideStreams: data.KFLOW_CREATE_SIDESTREAM,
    sideStreamCredentials: data.KFLOW_SIDESTREAM_CREDENTIALS,
    shutdownMs: data.KFLOW_SHUTDOWN_TIMEOUT * 1_000,
    isWatched: data.KFLOW_WATCHED,
    ...httpOf(data),
    env,
  };
}

function natsAccess(url: string, credentials?: string, domain?: string): NatsAccess {
  return { url, ...(credentials === undefined ? {} : { credentials }), ...(domain === undefined ? {} : { domain }) };
}

/** The replicas of a Deployment have no numbers: a pod has a name, and a local replica its own folder. */
function placeOf(specFile: string): string {
  return createHash('sha256').update(`${hostname()}:${specFile}`).digest('base64url').slice(0, 16);
}

function httpOf(data: z.infer<typeof environmentSchema>): Pick<ReplicaEnvironment, 'http'> {
  const { KFLOW_HTTP_PORT: port, KFLOW_HTTP_HOST: host, KFLOW_HTTP_PORT_FILE: portFile } = data;
  if (port === undefined) return {};
  return { http: { host, port, ...(portFile === undefined ? {} : { portFile }), hasMetrics: data.KFLOW_METRICS } };
}
