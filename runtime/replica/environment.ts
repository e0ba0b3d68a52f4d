import { z } from 'zod';
import { ConfigError } from '../../lib/errors';
import { timing } from '../../lib/plan/timing';

const flag = z
  .string()
  .optional()
  .transform((value) => value !== undefined && value !== '' && value.toLowerCase() !== 'false');

const environmentSchema = z.object({
  /** File with the function's spec. */
  KFLOW_SPEC: z.string(),
  KFLOW_NATS_URL: z.string(),
  KFLOW_REPLICA: z.coerce.number().int().nonnegative().optional(),
  JOB_COMPLETION_INDEX: z.coerce.number().int().nonnegative().optional(),
  /** Where a module's path starts: the document's folder. */
  KFLOW_BASE_DIR: z.string().optional(),
  KFLOW_STREAM_PROCESS_FUNCTION: flag,
  KFLOW_LONG_RUNNING_PROCESSING: flag,
  KFLOW_SKIP_DOWNLOAD_ERROR: flag,
  /** How long a replica may finish what runs when it is told to stop, in seconds. */
  KFLOW_SHUTDOWN_TIMEOUT: z.coerce.number().positive().default(timing.shutdownSeconds),
  /** Where probes and Prometheus are answered, 0 at any free port; absent: nothing listens. */
  KFLOW_HTTP_PORT: z.string().min(1).pipe(z.coerce.number<string>().int().min(0).max(65_535)).optional(),
  KFLOW_HTTP_HOST: z.string().default('0.0.0.0'),
  /** File to write the port to that is listened on. */
  KFLOW_HTTP_PORT_FILE: z.string().optional(),
  KFLOW_METRICS: flag,
});

/** Where a replica answers probes, and Prometheus when it has metrics. */
interface HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly portFile?: string;
  readonly hasMetrics: boolean;
}

/** The settings of a replica's process. */
export interface ReplicaEnvironment {
  readonly specFile: string;
  readonly natsUrl: string;
  readonly replica: number;
  readonly baseDir: string;
  readonly isStreaming: boolean;
  readonly isLongRunning: boolean;
  readonly isDownloadFailureSkipped: boolean;
  readonly shutdownMs: number;
  /** Absent: the replica does not listen. */
  readonly http?: HttpSettings;
  /** For user code and credentials. */
  readonly env: NodeJS.ProcessEnv;
}

/** Throws ConfigError that names what is missing. */
export function readEnvironment(env: NodeJS.ProcessEnv): ReplicaEnvironment {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError('config-invalid', `the environment is not complete: ${faults.join('; ')}`);
  }
  const { data } = parsed;
  return {
    specFile: data.KFLOW_SPEC,
    natsUrl: data.KFLOW_NATS_URL,
    replica: data.KFLOW_REPLICA ?? data.JOB_COMPLETION_INDEX ?? 0,
    baseDir: data.KFLOW_BASE_DIR ?? process.cwd(),
    isStreaming: data.KFLOW_STREAM_PROCESS_FUNCTION,
    isLongRunning: data.KFLOW_LONG_RUNNING_PROCESSING,
    isDownloadFailureSkipped: data.KFLOW_SKIP_DOWNLOAD_ERROR,
    shutdownMs: data.KFLOW_SHUTDOWN_TIMEOUT * 1_000,
    ...httpOf(data),
    env,
  };
}

function httpOf(data: z.infer<typeof environmentSchema>): Pick<ReplicaEnvironment, 'http'> {
  const { KFLOW_HTTP_PORT: port, KFLOW_HTTP_HOST: host, KFLOW_HTTP_PORT_FILE: portFile } = data;
  if (port === undefined) return {};
  return { http: { host, port, ...(portFile === undefined ? {} : { portFile }), hasMetrics: data.KFLOW_METRICS } };
}
