import { KFlowError } from '../../../../lib/errors';

/** What fails a step for good: an error that a repetition would give as well. Any other error is thrown. */
export function finalFailure(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof KFlowError)) throw error;
  if (error.detail.isFinal !== true && error.code !== 'payload-too-large') throw error;
  return { code: error.code, message: error.message };
}
