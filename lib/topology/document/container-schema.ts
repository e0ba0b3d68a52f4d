import { z } from 'zod';
import { field } from './document-field';
import { podFields } from './pod-schema';

/** A quantity of Kubernetes: `500m`, `1Gi`, `2`. */
const quantity = z.union(
  [
    z.string().regex(/^\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$/, { error: 'a quantity' }),
    z.number().nonnegative(),
  ],
  { error: 'a quantity, as in 500m or 1Gi' },
);

const quantities = (description: string) => z.record(z.string(), quantity, { error: 'a map' }).describe(description);

const variable = field.openSection(
  {
    name: field.text('Name of the variable.').optional(),
    value: field.text('Its value; numbers and booleans need quotes.').optional(),
    valueFrom: field.openSection({}, "Kubernetes' source of the value.").optional(),
  },
  'One variable.',
);

const objectName = (kind: string) =>
  field.section(
    {
      name: field.word(`Name of the ${kind}.`),
      optional: field.flag(`Whether the pods start without the ${kind}.`).optional(),
    },
    `A ${kind} in the flow's namespace.`,
  );

const variableSource = field.section(
  {
    prefix: field.text('Prefix of the names of the variables.').optional(),
    configMapRef: objectName('ConfigMap').optional(),
    secretRef: objectName('Secret').optional(),
  },
  'One source.',
);

/**
 * `meta.container`, and `globalConfig.container` for all functions: parts of a function's container and pod. Deeper levels
 * are fields of Kubernetes.
 */
export const containerSchema = field.section(
  {
    env: field.list(variable, "Environment of the function's container.").optional(),
    envFrom: field
      .list(variableSource, "ConfigMaps and Secrets whose keys are variables of the function's container.")
      .optional(),
    resources: field
      .section(
        {
          requests: quantities('What a replica is guaranteed; 100m cpu and 256Mi memory by default.').optional(),
          limits: quantities('What a replica may use at most; 1Gi memory by default.').optional(),
        },
        'Resources of the function, merged over the defaults.',
      )
      .optional(),
    gpu: z
      .union(
        [
          field.count('Number of nvidia.com/gpu.'),
          field.section(
            { resource: field.text('Resource name of the device.'), count: field.count('How many.') },
            'A device, by its resource name.',
          ),
        ],
        { error: 'a number of GPUs, or a map of resource and count' },
      )
      .describe('GPUs of a replica.')
      .optional(),
    volumes: field
      .list(field.openSection({ name: field.text('Name of the volume.') }, 'One volume.'), "Kubernetes' volumes.")
      .optional(),
    volumeMounts: field
      .list(
        field.openSection(
          {
            name: field.text('Name of the volume.'),
            mountPath: field.text('Where the volume is mounted in the container.'),
          },
          'One mount.',
        ),
        "Kubernetes' volume mounts of the function's container.",
      )
      .optional(),
    sidecars: field
      .list(
        field.openSection(
          { name: field.text('Name of the container.'), image: field.text('Its image.') },
          'One sidecar.',
        ),
        "More containers of the pod, with the fields of Kubernetes; they get the function's security context.",
      )
      .optional(),
    egress: field
      .list(
        field.text('host:port.'),
        'Addresses that the code connects to, besides those of the topology. All others are blocked.',
      )
      .optional(),
    ...podFields,
  },
  "Parts of the function's container and pod; those of globalConfig apply to all functions.",
);
