import { z } from 'zod';
import { field } from './document-field';
import { affinity, spreadConstraint } from './placement-schema';

const toleration = field.section(
  {
    key: field.text("The taint's key.").optional(),
    operator: field.oneOf(['Exists', 'Equal'], 'How the value is compared.').optional(),
    value: field.text("The taint's value.").optional(),
    effect: field.oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], "The taint's effect.").optional(),
    tolerationSeconds: field.integer('How long the pod stays on a node with a NoExecute taint.').optional(),
  },
  'One toleration.',
);

const texts = (items: string, description: string) =>
  z.record(z.string(), field.text(items), { error: 'a map' }).describe(description);

const error = 'a uid above 0, or cluster';
const uid = z
  .int({ error })
  .positive({ error })
  .max(2 ** 31 - 1, { error });

/** The keys of `container` that are parts of the pod. Deeper levels are fields of Kubernetes. */
export const podFields = {
  imagePullSecrets: field
    .list(field.word('Name of a Secret.'), "Names of Secrets in the flow's namespace, by which images are pulled.")
    .optional(),
  serviceAccountName: field
    .word('An existing ServiceAccount; by default one of the flow, without permissions.')
    .optional(),
  automountServiceAccountToken: field
    .flag('Mount a token for the API of Kubernetes; false by default. The code also needs egress to the API server.')
    .optional(),
  runAsUser: z
    .union([uid, z.literal('cluster')], { error })
    .describe('uid and group of the pod, 1000 by default; cluster: assigned by the cluster, as OpenShift requires.')
    .optional(),
  priorityClassName: field.word("The pods' PriorityClass.").optional(),
  runtimeClassName: field.word("The pods' RuntimeClass.").optional(),
  nodeSelector: texts('Value of the label.', 'Labels a node must have.').optional(),
  affinity: affinity.optional(),
  tolerations: field.list(toleration, 'Taints that the pod tolerates.').optional(),
  topologySpreadConstraints: field
    .list(
      spreadConstraint,
      'How pods are spread, instead of over nodes as far as possible. A constraint without a labelSelector counts the pods of the function.',
    )
    .optional(),
  podLabels: texts('Value of the label.', 'More labels of the pods.').optional(),
  podAnnotations: texts('Value of the annotation.', 'More annotations of the pods.').optional(),
} as const;
