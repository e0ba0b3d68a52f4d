import { z } from 'zod';
import { dataTypes } from '../../lib/revisions/data-type';
import { maxTagLength, revisionStates } from '../../lib/revisions/revision-group';
import { isoTime } from './flow-status';
import { documentProblemSchema } from './problem';

// Requests are strict, so that a misspelled key does not change more, or less, than intended.

const comment = z.string().max(1_000).optional().describe('reason for the audit log');

/** Names a revision. */
export const revisionRef = z
  .string()
  .min(1)
  .max(1_000)
  .describe('UUID of the revision, or GROUP:TAG, or GROUP for the latest; the group is a UUID or a name');

/** Body of a publication. */
export const publishRequestSchema = z
  .strictObject({
    document: z.string().min(1).describe('the component as YAML or JSON, with its code'),
    group: z.string().min(1).max(200).optional().describe('UUID or name; default: that of the document, else its name'),
    tag: z.string().min(1).max(maxTagLength).optional().describe('default: that of the document'),
    release: z.boolean().default(false).describe('also release it'),
    comment,
  })
  .meta({
    id: 'PublishRevision',
    examples: [{ document: 'component: Double\noutputs: { twice: { type: float } }\ncode: …', tag: '1.0.0' }],
  });

/** A revision in lists. */
export const revisionSchema = z
  .object({
    namespace: z.string(),
    id: z.string(),
    group: z.object({ id: z.string(), name: z.string() }),
    tag: z.string(),
    name: z.string(),
    category: z.string(),
    state: z.enum(revisionStates),
    isLatest: z.boolean().describe('requests for the latest revision of the group are for this one'),
    publishedAt: isoTime,
    releasedAt: isoTime.optional(),
    disabledAt: isoTime.optional(),
    by: z.string().describe('who changed it last'),
    comment: z.string().optional(),
  })
  .meta({ id: 'PublishedRevision' });

const valueSchema = z.object({
  name: z.string(),
  type: z.enum(dataTypes),
  default: z.object({ value: z.unknown() }).optional().describe('of an input that need not be wired'),
});

/** A revision with its document. */
export const revisionDetailSchema = revisionSchema
  .extend({
    inputs: z.array(valueSchema),
    outputs: z.array(valueSchema),
    document: z.string().describe('as it was published'),
  })
  .meta({ id: 'PublishedRevisionDetail' });

/** Response to a publication. */
export const publishedRevisionSchema = revisionSchema
  .extend({
    outcome: z.enum(['created', 'updated', 'unchanged']),
    warnings: z.array(documentProblemSchema).optional().describe('warnings about the document, if any'),
  })
  .meta({ id: 'Publication' });

export const revisionQuerySchema = z.strictObject({
  group: z.string().optional().describe('UUID or name'),
  state: z.enum(revisionStates).optional(),
});

export const revisionChangeSchema = z.strictObject({ comment }).meta({ examples: [{}] });

export type PublishRequest = Omit<z.infer<typeof publishRequestSchema>, 'comment'>;
export type RevisionView = z.infer<typeof revisionSchema>;
export type RevisionDetail = z.infer<typeof revisionDetailSchema>;
export type PublishedRevision = z.infer<typeof publishedRevisionSchema>;
export type RevisionQuery = z.infer<typeof revisionQuerySchema>;
