import { z } from 'zod';
import { field } from '../../topology/document/document-field';
import { durationField } from '../document/policy-schema';

/** A task that KFlow runs itself. */
export interface BuiltInTask {
  readonly parameters: z.ZodObject;
  /** Keys whose texts are templates. */
  readonly templates: readonly string[];
}

const name = { name: field.word('Name of the latch, the same in all executions. A template.') };
const request: BuiltInTask = {
  parameters: field.openSection(
    {
      url: field.word('Address, or with a category the path below its address. A template.'),
      category: field.word('Name of a service that the settings of the controller have the address of.').optional(),
      environ: field.word('The environment that the service is in. A template.').optional(),
      template: field.text('The body. A template; by default the input as JSON, of post and put.').optional(),
      content_type: field.word('Type of the body; application/json by default.').optional(),
      sync: field
        .flag('False: the step stays open after the response, until the callee reports its end; true by default.')
        .optional(),
      use_context_parameters: field
        .flag('Where the callee of sync: false finds the step: in the query (true, the default), or in headers.')
        .optional(),
      error_on_status: field.flag('Whether a status other than 2xx fails the step; true by default.').optional(),
    },
    'A request of HTTP.',
  ),
  templates: ['url', 'template', 'environ'],
};

/** The title, form and deadline of `approve`. */
export const approvalSchema = field.section(
  {
    title: field.word('What has to be decided.'),
    form: z
      .record(
        z.string(),
        field.section(
          {
            type: field.oneOf(['string', 'number', 'boolean', 'enum'], 'Kind of the field.'),
            required: field.flag('Whether an approval needs the field; false by default.').optional(),
            enum: field.list(field.word('A choice.'), 'Choices of an enum.').optional(),
            description: field.text('Help for whoever fills in the form.').optional(),
          },
          'A field of the form.',
        ),
        { error: 'a map from names to fields' },
      )
      .describe('The fields that whoever approves fills in, by name.')
      .optional(),
    deadline: durationField('Time for a decision.').optional(),
    otherwise: field.oneOf(['reject', 'fail'], 'What happens at the deadline.').optional(),
  },
  'An approval.',
);

/** Every task of KFlow's own, with the parameters that it needs. */
export const builtInTasks: { readonly [base: string]: BuiltInTask } = {
  approve: { parameters: approvalSchema, templates: [] },
  'wait:delay': {
    parameters: field.section({ duration: durationField('How long to wait.', 0) }, 'A delay.'),
    templates: [],
  },
  'wait:event': {
    parameters: field.section(
      {
        event: field.word('Kind of the event.'),
        match: field
          .oneOf(['input'], 'Only events that have all fields of the input, with the same values.')
          .optional(),
        receipt: field.flag('Whether the event is receipted; true by default.').optional(),
        from: field
          .oneOf(['now', 'start'], 'Events since the start of the step (now, the default), or of the execution.')
          .optional(),
      },
      'Waits for an event.',
    ),
    templates: [],
  },
  'wait:acquire': { parameters: field.section(name, 'Raises a latch by 1.'), templates: ['name'] },
  'wait:release': { parameters: field.section(name, 'Lowers a latch by 1.'), templates: ['name'] },
  'wait:countdown': { parameters: field.section(name, 'Waits until a latch is 0.'), templates: ['name'] },
  'request:get': request,
  'request:post': request,
  'request:put': request,
  'request:delete': request,
  'flow:run': {
    parameters: field.openSection(
      {
        topology: field.word('The text of the topology to run, a batch.'),
        jobId: field.word('Its name; by default one that is derived from the step.').optional(),
      },
      'Runs a topology.',
    ),
    templates: [],
  },
};

/** Namespaces whose tasks are all KFlow's own. */
export const builtInNamespaces: ReadonlySet<string> = new Set(['wait', 'request', 'flow']);
