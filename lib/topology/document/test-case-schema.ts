import { z } from 'zod';
import { field } from './document-field';

/** The only definition of the fields of a test, in a topology or in a file of its own. */

const records = (description: string) =>
  z
    .union([z.string(), z.array(z.unknown())], { error: 'a list of records, or the name of a file of JSON lines' })
    .describe(description);

/** Records of one edge, or of several by name. */
const edges = (description: string) =>
  z
    .union([z.string(), z.array(z.unknown()), z.record(z.string(), records('The records of one edge.'))], {
      error: 'a list of records, the name of a file of JSON lines, or a map from FUNCTION or FUNCTION.SIDE to those',
    })
    .describe(description);

const text = z.union([z.string(), z.looseObject({})], { error: 'text, or a map such as { $matches: "^no" }' });

const failedAttempt = {
  function: field.text('The function that failed; any of them by default.').optional(),
  type: text.describe('Class of the error.').optional(),
  message: text.describe('Message of the error.').optional(),
  record: z.unknown().describe('The record that the function failed with.').optional(),
  attempts: field.count('Number of attempts that failed so.').optional(),
};

const testCase = field.section(
  {
    name: field.word('Name of the test, unique in its file.'),
    function: field.text(
      'The function that gets the input. Of a source, the input is what the source emits; a raw-source without input runs its code.',
    ),
    to: z
      .union([z.string(), z.array(z.string())], { error: 'the id of a function, a list of ids, or "*"' })
      .describe('The last functions of a chain; "*" runs everything behind the function. By default, it runs alone.')
      .optional(),
    input: edges(
      'The records that the function gets, or a map of them by the outputs that it reads. Between the records of a list, the lines "crash" and "pause" end the replica there.',
    ).optional(),
    output: edges(
      'The records that are expected, in any order: a list of the last function, or a map by edge: FUNCTION or FUNCTION.SIDE.',
    ).optional(),
    letters: field
      .list(
        field.section(
          { ...failedAttempt, reason: text.describe('exception, crashed, exited, timed out or too large.').optional() },
          'A dead letter.',
        ),
        'The dead letters that are expected, in any order; none by default.',
      )
      .optional(),
    errors: field
      .list(
        field.section(failedAttempt, 'Failed attempts of one record with the same error.'),
        'The failed attempts that are expected, in any order. By default only those of the expected letters.',
      )
      .optional(),
    inOrder: z
      .union([z.boolean(), z.string()], { error: 'true, false, or the name of a field' })
      .describe(
        'The records of every expected edge come in the order of the test; with a field, those with the same value of it.',
      )
      .optional(),
    records: field
      .count('Number of records that a raw-source without input emits; by default, all until it ends.')
      .optional(),
    replicas: field.count('Number of replicas of each function; 1 by default.').optional(),
    env: z
      .record(z.string(), z.string({ error: 'text' }), { error: 'a map from names to texts' })
      .describe('Environment variables of the functions, over those of the topology.')
      .optional(),
    buckets: z
      .record(z.string(), z.string({ error: 'the path of a folder' }), { error: 'a map from buckets to folders' })
      .describe('Folders, relative to the file, that stand for the buckets of automatic downloads.')
      .optional(),
    timeout: field.positive('Limit of the test in seconds; 60 by default.').optional(),
  },
  'A test of a function, or of a chain of functions.',
);

export const testsField = field.list(
  testCase,
  'Tests of the functions, run by kflow test. They are not part of the flow.',
);

/** A file of tests: `<name>.test.yaml` beside the topology `<name>.yaml`. */
export const testFileSchema = field.section(
  {
    topology: field
      .word('Path of the topology, relative to this file; by default the file of the same name beside it.')
      .optional(),
    tests: testsField,
  },
  'Tests of a KFlow topology.',
);

export type TestDocument = z.infer<typeof testCase>;
