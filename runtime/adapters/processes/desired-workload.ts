import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import type { FlowKey } from '../../api-contract/flow-key';
import type { WorkloadState } from '../../controller/ports/cluster';
import type { StoredObject } from './stored-objects';

const count = z.int().nonnegative();

const keyRef = z.looseObject({ name: z.string(), key: z.string(), optional: z.boolean().optional() });
const sourceSchema = z.looseObject({
  secretKeyRef: keyRef.optional(),
  configMapKeyRef: keyRef.optional(),
  fieldRef: z.looseObject({ fieldPath: z.string() }).optional(),
});

const objectName = z.looseObject({ name: z.string() });
const objectRef = z.looseObject({ name: z.string(), optional: z.boolean().optional() });

const containerSchema = z.looseObject({
  envFrom: z
    .array(
      z.looseObject({
        prefix: z.string().optional(),
        configMapRef: objectRef.optional(),
        secretRef: objectRef.optional(),
      }),
    )
    .default([]),
  env: z
    .array(z.looseObject({ name: z.string(), value: z.string().optional(), valueFrom: sourceSchema.optional() }))
    .default([]),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
});

const templateSchema = z.looseObject({
  metadata: z
    .looseObject({
      labels: z.record(z.string(), z.string()).default({}),
      annotations: z.record(z.string(), z.string()).default({}),
    })
    .default({ labels: {}, annotations: {} }),
  spec: z.looseObject({
    terminationGracePeriodSeconds: z.number().nonnegative().default(30),
    containers: z.array(containerSchema).min(1),
    volumes: z
      .array(
        z.looseObject({
          name: z.string(),
          configMap: objectName.optional(),
          secret: z.looseObject({ secretName: z.string() }).optional(),
          projected: z
            .looseObject({
              sources: z.array(z.looseObject({ configMap: objectName.optional(), secret: objectName.optional() })),
            })
            .optional(),
        }),
      )
      .default([]),
  }),
});

const scaledSchema = z.looseObject({
  replicas: count.default(1),
  strategy: z.looseObject({ type: z.enum(['RollingUpdate', 'Recreate']).optional() }).optional(),
  template: templateSchema,
});

const jobSchema = z.looseObject({
  completions: count.default(1),
  parallelism: count.default(1),
  suspend: z.boolean().default(false),
  backoffLimit: count.optional(),
  backoffLimitPerIndex: count.optional(),
  podFailurePolicy: z
    .looseObject({
      rules: z.array(
        z.looseObject({
          action: z.string(),
          onExitCodes: z.looseObject({ operator: z.string(), values: z.array(z.int()) }).optional(),
        }),
      ),
    })
    .optional(),
  template: templateSchema,
});

export type PodTemplate = z.infer<typeof templateSchema>;
export type ContainerTemplate = z.infer<typeof containerSchema>;
/** The source of a variable's value. */
export type ValueSource = z.infer<typeof sourceSchema>;

/** The desired state of a Deployment, StatefulSet or Job, read from its manifest. */
export interface DesiredWorkload {
  readonly kind: WorkloadState['kind'];
  readonly name: string;
  readonly flow: FlowKey;
  readonly function: string;
  /** How replicas of an older template are replaced: gradually, or all before the first new one starts. */
  readonly strategy: 'rolling' | 'recreate';
  /** Number of replicas that run at the same time; 0 for a suspended Job. */
  readonly replicas: number;
  /** Only for a Job. */
  readonly job?: JobLimits;
  readonly template: PodTemplate;
  /** Digest of the template's canonical JSON. */
  readonly templateDigest: string;
  readonly specHash?: string;
}

interface JobLimits {
  readonly completions: number;
  readonly backoffLimit: number;
  /** Exit codes that fail the Job without a retry. */
  readonly fatalCodes: readonly number[];
}

/**
 * Reads the workload of a function; undefined for objects of other kinds and for workloads without a function. Throws
 * ConfigError with every invalid field of the manifest.
 */
export function readWorkload(object: StoredObject): DesiredWorkload | undefined {
  const kind = kindOf(object);
  if (kind === undefined) return undefined;
  const spec = kind === 'job' ? readJob(object) : readScaled(object, kind);
  const { labels, annotations } = spec.template.metadata;
  const jobId = labels['kflow.io/job'];
  const functionId = labels['kflow.io/function'];
  if (jobId === undefined || functionId === undefined) return undefined;
  const { name, namespace } = object.metadata;
  const specHash = annotations['kflow.io/spec-hash'];
  const { template } = object.spec as { template: unknown };
  return {
    kind,
    name,
    flow: { namespace, jobId },
    function: functionId,
    templateDigest: createHash('sha256').update(canonical(template)).digest('hex'),
    ...(specHash === undefined ? {} : { specHash }),
    ...spec,
  };
}

type WorkloadSpec = Pick<DesiredWorkload, 'strategy' | 'replicas' | 'job' | 'template'>;

function readScaled(object: StoredObject, kind: 'deployment' | 'statefulset'): WorkloadSpec {
  const { replicas, strategy, template } = parse(scaledSchema, object);
  const isRolling = kind === 'statefulset' || strategy?.type !== 'Recreate';
  return { replicas, strategy: isRolling ? 'rolling' : 'recreate', template };
}

function readJob(object: StoredObject): WorkloadSpec {
  const { completions, parallelism, suspend, podFailurePolicy, template, ...limits } = parse(jobSchema, object);
  const { backoffLimitPerIndex: each, backoffLimit = each === undefined ? 6 : each * completions } = limits;
  const rules = podFailurePolicy?.rules.filter(({ action }) => action === 'FailJob') ?? [];
  const fatalCodes = rules.flatMap(({ onExitCodes }) => (onExitCodes?.operator === 'In' ? onExitCodes.values : []));
  const job = { completions, backoffLimit, fatalCodes };
  return { replicas: suspend ? 0 : parallelism, strategy: 'recreate', job, template };
}

function parse<T>(schema: z.ZodType<T>, object: StoredObject): T {
  const parsed = schema.safeParse(object.spec);
  if (parsed.success) return parsed.data;
  const { namespace, name } = object.metadata;
  const faults = parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError('config-invalid', `${object.kind} ${namespace}/${name}: ${faults.join('; ')}`);
}

function kindOf({ apiVersion, kind }: StoredObject): WorkloadState['kind'] | undefined {
  switch (`${apiVersion} ${kind}`) {
    case 'apps/v1 Deployment':
      return 'deployment';
    case 'apps/v1 StatefulSet':
      return 'statefulset';
    case 'batch/v1 Job':
      return 'job';
    default:
      return undefined;
  }
}

/** JSON with sorted keys, so that the order of a manifest's fields does not matter. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
