import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import type { FlowKey } from '../../api-contract/flow-key';
import type { WorkloadState } from '../../controller/ports/cluster';
import type { KeptObject } from './kept-objects';

const count = z.int().nonnegative();

const keyRef = z.looseObject({ name: z.string(), key: z.string(), optional: z.boolean().optional() });
const sourceSchema = z.looseObject({
  secretKeyRef: keyRef.optional(),
  configMapKeyRef: keyRef.optional(),
  fieldRef: z.looseObject({ fieldPath: z.string() }).optional(),
});

const containerSchema = z.looseObject({
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
      .array(z.looseObject({ name: z.string(), configMap: z.looseObject({ name: z.string() }).optional() }))
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
/** Where a variable's value is taken from. */
export type ValueSource = z.infer<typeof sourceSchema>;

/** What a manifest of a Deployment, StatefulSet or Job asks for. */
export interface AskedWorkload {
  readonly kind: WorkloadState['kind'];
  readonly name: string;
  readonly flow: FlowKey;
  readonly function: string;
  /** How replicas of another template give way: one after the other while others serve, or all before the first new one. */
  readonly strategy: 'rolling' | 'recreate';
  /** Replicas at a time; 0 of a Job that is suspended. */
  readonly replicas: number;
  /** Of a Job. */
  readonly job?: JobTerms;
  readonly template: PodTemplate;
  /** The same for the same template. */
  readonly templateDigest: string;
  readonly specHash?: string;
}

interface JobTerms {
  readonly completions: number;
  readonly backoffLimit: number;
  /** Exit codes with which the Job fails at once. */
  readonly hopelessCodes: readonly number[];
}

/**
 * Reads a workload of a function; undefined for objects of any other kind, and for workloads of no function. Throws
 * ConfigError that says what of the manifest is wrong.
 */
export function readWorkload(object: KeptObject): AskedWorkload | undefined {
  const kind = kindOf(object);
  if (kind === undefined) return undefined;
  const terms = kind === 'job' ? readJob(object) : readScaled(object, kind);
  const { labels, annotations } = terms.template.metadata;
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
    ...terms,
  };
}

type Terms = Pick<AskedWorkload, 'strategy' | 'replicas' | 'job' | 'template'>;

function readScaled(object: KeptObject, kind: 'deployment' | 'statefulset'): Terms {
  const { replicas, strategy, template } = parse(scaledSchema, object);
  const isRolling = kind === 'statefulset' || strategy?.type !== 'Recreate';
  return { replicas, strategy: isRolling ? 'rolling' : 'recreate', template };
}

function readJob(object: KeptObject): Terms {
  const { completions, parallelism, suspend, podFailurePolicy, template, ...limits } = parse(jobSchema, object);
  const { backoffLimitPerIndex: each, backoffLimit = each === undefined ? 6 : each * completions } = limits;
  const rules = podFailurePolicy?.rules.filter(({ action }) => action === 'FailJob') ?? [];
  const hopelessCodes = rules.flatMap(({ onExitCodes }) => (onExitCodes?.operator === 'In' ? onExitCodes.values : []));
  const job = { completions, backoffLimit, hopelessCodes };
  return { replicas: suspend ? 0 : parallelism, strategy: 'recreate', job, template };
}

function parse<T>(schema: z.ZodType<T>, object: KeptObject): T {
  const parsed = schema.safeParse(object.spec);
  if (parsed.success) return parsed.data;
  const { namespace, name } = object.metadata;
  const faults = parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError('config-invalid', `${object.kind} ${namespace}/${name}: ${faults.join('; ')}`);
}

function kindOf({ apiVersion, kind }: KeptObject): WorkloadState['kind'] | undefined {
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

/** JSON with sorted keys: the order in which a manifest writes its fields is no difference. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
