import type { z } from 'zod';
import { field } from '../../topology/document/document-field';
import type { Frozen } from '../../topology/document/document-schema';
import { imagePullPolicies } from '../../topology/document/image';
import { metaShape } from '../../topology/document/meta-setting';
import { tasksField } from '../../topology/document/task-declaration';

/** The fields of a worker document. */
export const workerSchema = field.section(
  {
    worker: field.text(
      'The task namespace, of which the worker has tasks: lower-case letters, digits and single dashes.',
    ),
    namespace: field.text("The worker's Kubernetes namespace.").optional(),
    replicas: field.replicas('Number of replicas; 1 by default.').optional(),
    slots: field.count('Number of tasks that a replica runs at once; 1 by default.').optional(),
    image: field.word('Image of the container.').optional(),
    imagePullPolicy: field.oneOf(imagePullPolicies, 'When Kubernetes pulls the image.').optional(),
    tasks: tasksField,
    meta: field
      .openSection(metaShape(), "Settings of the worker, as of a function, and the user's own keys.")
      .optional(),
  },
  'A task worker.',
);

/** A worker document as a person writes it. */
export type WorkerDocument = Frozen<z.input<typeof workerSchema>>;
