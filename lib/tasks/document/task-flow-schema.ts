import { z } from 'zod';
import { field } from '../../topology/document/document-field';
import { policySchema } from './policy-schema';

/**
 * The JSON form of task flows: the parts of the text by name. The only definition of its fields. A step has exactly one of
 * `task`, `tasks` and `statements`, which is checked when the form is read.
 */

const parameters = z.unknown().describe('Parameters: any JSON.').optional();
const policy = policySchema.optional();

const call = field.section({ task: field.word('Name of the task.'), parameters, with: policy }, 'A task of a list.');

const run = {
  task: field.word('Name of the task to run.').optional(),
  tasks: field.list(call, 'Tasks side by side, as in A|B.').optional(),
  parameters,
  with: policy,
};

const branch: z.ZodObject = field.section(
  {
    ...run,
    get statements() {
      return field.list(statement, 'A subflow.').optional();
    },
    get catch() {
      return branch.optional();
    },
  },
  'A task, a list or a subflow.',
);

const step: z.ZodObject = field.section(
  {
    ...run,
    input: field.word('Input label, as in :x A.').optional(),
    output: field.word('Output label, as in A :x.').optional(),
    mode: field
      .oneOf(['map', 'merge'], 'Run for each item of a list (*), or merge a list of objects first (>).')
      .optional(),
    guard: field.word('A JSONPath; without a match, the step passes its input on.').optional(),
    get statements() {
      return field.list(statement, 'A subflow.').optional();
    },
    get catch() {
      return branch.optional();
    },
  },
  'A step.',
);

const source = field.section(
  {
    label: field.word('The steps with this output label.').optional(),
    labels: field.list(field.word('A label.'), 'The steps with any of these output labels.').optional(),
    constant: z.unknown().describe('A constant: any JSON.').optional(),
    load: field.word('URI of a resource to load.').optional(),
    parameters,
  },
  'What the first step gets: a label, a constant or a resource.',
);

const destination = field.section(
  {
    label: field.word('The step with this input label, or end.').optional(),
    merge: field.flag('The step of the label, or the end, merges a list of objects.').optional(),
    store: field.word('URI of a resource to store.').optional(),
    parameters,
  },
  'Where the output of the last step goes: a label or a resource.',
);

const statement: z.ZodObject = field.section(
  {
    from: source.optional(),
    steps: field.list(step, 'The steps, each with the output of the one before.'),
    to: destination.optional(),
  },
  'A chain of steps.',
);

const declaredTask = field.section(
  {
    base: field.word('The task that this name stands for.').optional(),
    parameters,
    with: policy,
    doc: field.text('What the task does.').optional(),
    statements: field.list(statement, 'The subflow that this name stands for.').optional(),
  },
  'A declared task.',
);

export const taskFlowSchema = field.section(
  {
    flow: field
      .section(
        { name: field.word('Name.'), parameters, doc: field.text('What the flow does.').optional() },
        'The flow.',
      )
      .optional(),
    tasks: z
      .record(z.string(), declaredTask, { error: 'a map from names to tasks' })
      .describe('Declared tasks, by name.')
      .optional(),
    statements: field.list(statement, 'The statements of the flow.'),
    finally: branch.describe('Runs when the execution is canceled.').optional(),
  },
  'A task flow.',
);
