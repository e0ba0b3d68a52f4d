import { z } from 'zod';
import { isoTime, listLimit } from './flow-status';

/** One accepted document of a flow. */
export const revisionSchema = z
  .object({
    revision: z.int(),
    digest: z.string(),
    at: isoTime,
    by: z.string(),
    comment: z.string().optional(),
    cause: z.enum(['submit', 'update', 'scale', 'rollback', 'auto-rollback']),
    isProven: z.boolean().describe('every replica was ready with this revision at least once'),
    isCurrent: z.boolean(),
  })
  .meta({ id: 'Revision' });

const eventKind = z.enum(['audit', 'phase', 'notice']);

/** One entry of a flow's log: `audit` is a caller's request, `phase` a transition, `notice` anything else. */
export const eventSchema = z
  .object({
    id: z.string(),
    at: isoTime,
    namespace: z.string(),
    jobId: z.string(),
    kind: eventKind,
    what: z.string(),
    by: z.string().optional(),
    comment: z.string().optional(),
    message: z.string().optional(),
  })
  .meta({ id: 'FlowEvent' });

export const eventQuerySchema = z.strictObject({
  kind: eventKind.optional(),
  limit: listLimit.default(100).describe('how many of the latest events'),
});

/** One line that a replica wrote. */
export const logLineSchema = z
  .object({ function: z.string(), replica: z.string(), line: z.string() })
  .meta({ id: 'LogLine' });

export const logQuerySchema = z.strictObject({
  function: z.string().optional().describe('default: every function'),
  replica: z.string().optional(),
  tail: z.coerce.number().int().min(0).optional().describe('only the last lines of each replica; default: all lines'),
  follow: z.stringbool().default(false),
});

export type RevisionView = z.infer<typeof revisionSchema>;
export type FlowEventView = z.infer<typeof eventSchema>;
export type EventQuery = z.infer<typeof eventQuerySchema>;
export type LogLine = z.infer<typeof logLineSchema>;
export type LogQuery = z.infer<typeof logQuerySchema>;
