import { z } from 'zod';
import type { ErrorCode } from '../../lib/errors';

/**
 * Codes of requests that fail before a flow is involved; all other codes are those of `KFlowError`. Each code has a row in
 * docs/errors.md.
 */
export const requestCodes = [
  /** The request does not match its schema, or its body cannot be read. */
  'request-invalid',
  /** No route has this path. */
  'route-missing',
  /** The path exists, but not for this method. */
  'method-refused',
  /** The controller is starting, or a server that it depends on does not respond. */
  'not-ready',
  /** A bug in the controller; the log has the stack. */
  'internal',
] as const;

/** Every code that a problem of the API may have. */
export type ApiCode = ErrorCode | (typeof requestCodes)[number];

/** One problem of a submitted document, at its place in the text. */
export const documentProblemSchema = z
  .object({
    severity: z.enum(['error', 'warning']),
    code: z.string(),
    path: z.string().describe('place in the document, as `dag[1].out[0]`'),
    message: z.string(),
    line: z.int(),
    col: z.int(),
  })
  .meta({ id: 'DocumentProblem' });

/** Problem details of RFC 9457: the body of every response with a status of 400 or more. */
export const problemSchema = z
  .object({
    type: z.string().describe('urn:kflow:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    problems: z
      .array(documentProblemSchema)
      .optional()
      .describe('every problem of a topology, or every difference that an update must not have'),
  })
  .meta({ id: 'Problem' });

export type DocumentProblem = z.infer<typeof documentProblemSchema>;
export type ApiProblem = z.infer<typeof problemSchema>;
