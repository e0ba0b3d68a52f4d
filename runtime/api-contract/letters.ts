import { z } from 'zod';
import { isoTime } from './flow-status';

const letterId = z.coerce.number().int().positive();
const comment = z.string().max(1_000).optional().describe('reason for the audit log');

/** What letters are chosen by; every condition must hold. */
const conditions = {
  function: z.string().optional().describe('the function that gave the records up'),
  error: z.string().optional().describe('class of the error, such as ValueError'),
  reason: z.string().optional().describe('exception, exited, crashed, timed out or too large'),
  place: z.string().optional().describe('where the code raised the error, as in the list of groups'),
  since: z.iso.datetime({ offset: true }).optional().describe('letters of this time or later'),
  until: z.iso.datetime({ offset: true }).optional().describe('letters of this time or earlier'),
};

export const letterQuerySchema = z.strictObject({
  ...conditions,
  discarded: z.stringbool().default(false).describe('the discarded letters instead'),
  after: letterId.optional().describe('only letters after this one: the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const letterShowQuerySchema = z.strictObject({
  raw: z
    .stringbool()
    .default(false)
    .describe('of a large record, `payload` is the record itself, and `json` is left out'),
});

export const letterGroupQuerySchema = letterQuerySchema.omit({ after: true, limit: true });

/** Which letters to change. Strict, so that a misspelled condition does not choose more letters. */
const selection = {
  letters: z.array(z.int().positive()).max(10_000).optional().describe('only these letters'),
  ...conditions,
  all: z.literal(true).optional().describe('all letters up to now; required without another condition'),
  dryRun: z.boolean().default(false).describe('only count the letters'),
  comment,
};

export const redriveRequestSchema = z
  .strictObject({
    ...selection,
    rate: z.number().positive().max(100_000).optional().describe('letters a second; default: as fast as the functions'),
  })
  .meta({ id: 'RedriveRequest', examples: [{ function: 'count', dryRun: true }] });

export const letterRequestSchema = z
  .strictObject(selection)
  .meta({ id: 'LetterRequest', examples: [{ function: 'count', dryRun: true }] });

export const cancelRequestSchema = z.strictObject({ comment }).meta({ examples: [{}] });

const attemptSchema = z.object({
  number: z.int().describe('number of the delivery; a redrive counts from 1 again'),
  at: isoTime,
  replica: z.string(),
  reason: z.string(),
  error: z.string().describe('class and message'),
  redrive: z.string().optional(),
});

const letterSchema = z
  .object({
    letter: z.int().describe('names the letter, also after it was discarded and restored'),
    function: z.string(),
    state: z.enum(['open', 'redriving', 'discarded']),
    failedAt: isoTime,
    reason: z.string(),
    errorType: z.string(),
    error: z.string(),
    place: z.string().optional().describe('where the code raised the error'),
    replica: z.string().optional().describe('of the last attempt'),
    stream: z.string().describe('stream of the record; empty for a record of a source, which cannot be redriven'),
    sequence: z.int().describe('sequence of the record in its stream'),
    deliveries: z.int(),
    redrives: z.int().describe('how often the letter was processed again, and failed'),
    bytes: z.int().describe('size of the message'),
  })
  .meta({ id: 'Letter' });

export const letterDetailSchema = letterSchema
  .extend({
    storedAt: isoTime.optional().describe('when the record was stored in its stream'),
    trace: z.string().optional().describe('traceback of the last error'),
    attempts: z.array(attemptSchema).describe('the oldest first'),
    omittedAttempts: z.int().optional().describe('attempts between the first and the last that are not kept'),
    redriven: z
      .array(z.object({ id: z.string(), by: z.string(), at: isoTime, comment: z.string().optional() }))
      .describe('the redrives of the letter, the oldest first'),
    storedOutputs: z.string().describe('indexes of the outputs of the record that are stored, as in 0-2,5'),
    discarded: z.object({ by: z.string(), at: isoTime, comment: z.string().optional() }).optional(),
    traceId: z.string().optional().describe('W3C trace of the record'),
    revision: z.int().optional().describe('revision of the flow at the time of the failure'),
    image: z.string().optional().describe('image of the function in that revision'),
    json: z.string().optional().describe('the record as JSON'),
    schema: z.string().optional().describe("the writer's schema"),
    claim: z.object({ bucket: z.string(), key: z.string(), bytes: z.int() }).optional(),
    fault: z.string().optional().describe('why the record is not decoded'),
    payload: z
      .string()
      .describe('the message in base64: an Avro single-object encoding, or the claim of a large record'),
  })
  .meta({ id: 'LetterDetail' });

export const letterPageSchema = z
  .object({
    letters: z.array(letterSchema).describe('the oldest first'),
    next: z.int().optional().describe('`after` of the next page; absent on the last page'),
  })
  .meta({ id: 'Letters' });

export const letterGroupSchema = z
  .object({
    function: z.string(),
    reason: z.string(),
    errorType: z.string(),
    place: z.string().optional(),
    letters: z.int(),
    redriving: z.int().describe('letters that are being processed again'),
    oldest: isoTime,
    newest: isoTime,
    error: z.string().describe('message of the newest letter'),
  })
  .meta({ id: 'LetterGroup' });

export const letterChangeSchema = z
  .object({
    letters: z.int().describe('number of letters'),
    functions: z.record(z.string(), z.int()).describe('number of letters by function'),
    groups: z.array(letterGroupSchema),
    isDryRun: z.boolean(),
    redriving: z.int().describe('matching letters that are left alone, because they are being processed again'),
    missing: z.array(z.int()).describe('requested letters that do not exist'),
    redrive: z.string().optional().describe('id of the redrive'),
    waits: z.string().optional().describe('why no function processes the letters now, and what to do'),
  })
  .meta({ id: 'LetterChange' });

export const redriveSchema = z
  .object({
    id: z.string(),
    at: isoTime,
    by: z.string(),
    comment: z.string().optional(),
    rate: z.number().optional(),
    letters: z.int(),
    functions: z.record(z.string(), z.int()),
    pending: z.int().describe('letters that are not processed yet'),
    failed: z.int().describe('letters that failed again, and are letters still'),
    state: z.enum(['running', 'done', 'canceled']),
  })
  .meta({ id: 'Redrive' });

export const canceledRedriveSchema = redriveSchema.extend({
  canceled: z.int().describe('letters that no replica had begun, and that stay letters'),
});

export type LetterQuery = z.infer<typeof letterQuerySchema>;
export type LetterFilter = z.infer<typeof letterGroupQuerySchema>;
export type LetterShowQuery = z.infer<typeof letterShowQuerySchema>;
export type LetterConditions = Omit<LetterFilter, 'discarded'>;
export type LetterSelection = Omit<z.infer<typeof letterRequestSchema>, 'comment'>;
export type RedriveSelection = Omit<z.infer<typeof redriveRequestSchema>, 'comment'>;
export type LetterView = z.infer<typeof letterSchema>;
export type LetterDetail = z.infer<typeof letterDetailSchema>;
export type LetterPage = z.infer<typeof letterPageSchema>;
export type LetterGroup = z.infer<typeof letterGroupSchema>;
export type LetterChange = z.infer<typeof letterChangeSchema>;
export type RedriveView = z.infer<typeof redriveSchema>;
export type CanceledRedrive = z.infer<typeof canceledRedriveSchema>;
