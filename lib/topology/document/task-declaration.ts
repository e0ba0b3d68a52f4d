import { z } from 'zod';
import { field } from './document-field';
import { type Language, languageNames } from './language';

const anyValue = (description: string) => z.unknown().describe(description);

/** The declaration of a task. */
const taskField = field.section(
  {
    code: field.text('Source text of the task.').optional(),
    module: field.text('Path of a module with the task, relative to this document.').optional(),
    name: field
      .text('Name of the function in the code or module; by default that of the task, with _ for -.')
      .optional(),
    language: field.oneOf(languageNames, 'Language of the code; by default that of the worker.').optional(),
    parameters: anyValue('Defaults of the parameters, which a call overrides key by key.').optional(),
    policy: field.openSection({}, 'Defaults of the policy of its steps, as in @task.').optional(),
  },
  'A task.',
);

export const tasksField = z
  .record(z.string(), taskField, { error: 'a map of tasks' })
  .describe('task-worker: the tasks of its task namespace, by their names.');

/** A task of a completed document. */
export interface TaskDeclaration {
  readonly code?: string;
  readonly module?: string;
  readonly name?: string;
  readonly language: Language;
  readonly parameters?: unknown;
  readonly policy?: { readonly [key: string]: unknown };
}
