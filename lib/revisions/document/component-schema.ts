import { z } from 'zod';
import { field } from '../../topology/document/document-field';
import type { Frozen } from '../../topology/document/document-schema';
import { languageNames } from '../../topology/document/language';
import { dataTypes } from '../data-type';
import { maxTagLength } from '../revision-group';
import { wiringSchema } from '../wiring/wiring-schema';

const type = field.oneOf(dataTypes, 'Type of the value.');

const input = field.section(
  {
    type,
    default: z
      .unknown()
      .optional()
      .describe('Value when a request names none; null is None. An input with a default is optional.'),
  },
  'An input.',
);

const output = field.section({ type }, 'An output.');

/** The fields of a component document. */
export const componentSchema = field.section(
  {
    component: field.word('Name of the component, for people.'),
    id: z.uuid({ error: 'a UUID' }).describe('Id of the revision; by default a new one.').optional(),
    group: field.word('Group of its revisions: a UUID, or a name; by default the name of the component.').optional(),
    tag: field
      .word(`Version in its group, at most ${maxTagLength} characters.`)
      .max(maxTagLength, { error: `at most ${maxTagLength} characters` })
      .optional(),
    category: field.text('Where lists show the component.').optional(),
    description: field.text('What it does, on one line.').optional(),
    documentation: field.text('Documentation in Markdown.').optional(),
    inputs: z
      .record(z.string(), input, { error: 'a map of inputs' })
      .describe('Inputs by name; the function gets them as keyword arguments, or as one object.')
      .optional(),
    outputs: z
      .record(z.string(), output, { error: 'a map of outputs' })
      .describe('Outputs by name; the function returns a map of them.'),
    language: field.oneOf(languageNames, 'Language of the code; python by default, or that of the module.').optional(),
    code: field.text('Source text.').optional(),
    module: field.text('Path of a module, relative to this document.').optional(),
    name: field.word('Name of the function in the code or module; main by default.').optional(),
    image: field.word('Image with the packages that the code imports.').optional(),
    testWiring: wiringSchema.describe('Wiring of requests by id that name none.').optional(),
  },
  'A component.',
);

/** A component document as a person writes it. */
export type ComponentDocument = Frozen<z.input<typeof componentSchema>>;
