import { z } from 'zod';
import { field } from './document-field';

/** Operators that compare a label with a list of values. */
const labelOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

const requirement = <const T extends readonly [string, ...string[]]>(operators: T) =>
  field.section(
    {
      key: field.word('The label.'),
      operator: field.oneOf(operators, 'How the values are compared.'),
      values: field.list(field.text('A value.'), 'Values of the label.').optional(),
    },
    'One requirement.',
  );

const labelSelector = field
  .section(
    {
      matchLabels: z
        .record(z.string(), field.text('Value of the label.'), { error: 'a map' })
        .describe('Labels that a pod or namespace has.')
        .optional(),
      matchExpressions: field.list(requirement(labelOperators), 'Requirements, all of which hold.').optional(),
    },
    "Kubernetes' label selector.",
  )
  .optional();

const nodeTerm = field.section(
  {
    matchExpressions: field
      .list(requirement([...labelOperators, 'Gt', 'Lt']), 'Requirements for labels of the node.')
      .optional(),
    matchFields: field.list(requirement(['In', 'NotIn']), 'Requirements for metadata.name of the node.').optional(),
  },
  'One term.',
);

const topologyKey = field.word('Label of nodes; nodes with the same value count as one place.');
const labelKeys = (description: string) => field.list(field.word('A label.'), description).optional();

const podTerm = field.section(
  {
    labelSelector,
    topologyKey,
    namespaces: field
      .list(field.word('A namespace.'), 'Namespaces of these pods; default: that of the flow.')
      .optional(),
    namespaceSelector: labelSelector,
    matchLabelKeys: labelKeys("Labels whose values are the pod's own."),
    mismatchLabelKeys: labelKeys("Labels whose values are not the pod's own."),
  },
  'One term.',
);

const weight = z.int({ error: 'a weight, 1 to 100' }).min(1, { error: 'a weight, 1 to 100' });
const weighted = <K extends string, T extends z.ZodType>(key: K, term: T) =>
  field
    .list(
      field.section(
        {
          weight: weight.max(100, { error: 'a weight, 1 to 100' }).describe('Weight among the preferences.'),
          ...({ [key]: term } as { [each in K]: T }),
        },
        'One preference.',
      ),
      'Preferences.',
    )
    .optional();

const podRules = (description: string) =>
  field
    .section(
      {
        requiredDuringSchedulingIgnoredDuringExecution: field.list(podTerm, 'Terms, all of which hold.').optional(),
        preferredDuringSchedulingIgnoredDuringExecution: weighted('podAffinityTerm', podTerm),
      },
      description,
    )
    .optional();

/** Kubernetes' affinity of a pod. */
export const affinity = field.section(
  {
    nodeAffinity: field
      .section(
        {
          requiredDuringSchedulingIgnoredDuringExecution: field
            .section(
              { nodeSelectorTerms: field.list(nodeTerm, 'Terms, one of which holds.') },
              'What a node must have.',
            )
            .optional(),
          preferredDuringSchedulingIgnoredDuringExecution: weighted('preference', nodeTerm),
        },
        "Kubernetes' rules for nodes.",
      )
      .optional(),
    podAffinity: podRules("Kubernetes' rules for pods nearby."),
    podAntiAffinity: podRules("Kubernetes' rules for pods apart."),
  },
  "Kubernetes' affinity.",
);

/** Kubernetes' constraint on how pods are spread. */
export const spreadConstraint = field.section(
  {
    maxSkew: field.count('Greatest difference of the numbers of pods in two places.'),
    topologyKey,
    whenUnsatisfiable: field.oneOf(['DoNotSchedule', 'ScheduleAnyway'], 'What happens to a pod that fits nowhere.'),
    labelSelector,
    minDomains: field.count('Least number of places.').optional(),
    nodeAffinityPolicy: field.oneOf(['Honor', 'Ignore'], 'Whether nodes that the affinity excludes count.').optional(),
    nodeTaintsPolicy: field.oneOf(['Honor', 'Ignore'], 'Whether tainted nodes count.').optional(),
    matchLabelKeys: labelKeys("Labels whose values are the pod's own."),
  },
  'One constraint.',
);
