import { z } from 'zod';
import { flowStatusSchema } from './flow-status';
import { documentProblemSchema } from './problem';

// Requests are strict, so that a misspelled key does not change more, or less, than intended.

const comment = z.string().max(1_000).optional().describe('reason for the audit log');

/** Body of pause, resume and restart. */
export const changeRequestSchema = z
  .strictObject({
    functions: z.array(z.string()).default([]).describe('empty: the whole flow'),
    comment,
  })
  .meta({ examples: [{ functions: [] }] });

export const scaleRequestSchema = z
  .strictObject({
    replicas: z
      .record(z.string(), z.int().min(1).max(1_000))
      .refine((replicas) => Object.keys(replicas).length > 0, 'must name at least one function')
      .describe('desired replicas by function'),
    comment,
  })
  .meta({ examples: [{ replicas: { count: 2 } }] });

export const rollbackRequestSchema = z
  .strictObject({
    revision: z.int().min(1).optional().describe('default: the revision before the current one'),
    comment,
  })
  .meta({ examples: [{ revision: 1 }] });

/** Body of a replay: which function re-reads its input stream, and from where. */
export const replayRequestSchema = z
  .strictObject({
    function: z.string(),
    from: z.union(
      [
        z.strictObject({ sequence: z.int().min(1) }).describe('sequence in the input stream'),
        z.strictObject({ time: z.iso.datetime({ offset: true }) }),
        z.literal('first'),
      ],
      'must be "first", {"sequence": 1}, or {"time": "2026-01-31T08:00:00Z"}',
    ),
    comment,
  })
  .meta({ id: 'Replay', examples: [{ function: 'count', from: 'first' }] });

/** Response to a change of a flow's document. */
export const changedFlowSchema = flowStatusSchema
  .extend({
    warnings: z.array(documentProblemSchema).optional().describe('warnings about the accepted document, if any'),
  })
  .meta({ id: 'ChangedFlow' });

export type ReplayRequest = Omit<z.infer<typeof replayRequestSchema>, 'comment'>;
export type ChangedFlow = z.infer<typeof changedFlowSchema>;
