import type { Failure } from './ports/host';

/** What an error of KFlow's own, as of a store or a codec, says about the record it concerns. */
export function failureOf(error: unknown): Failure {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: 'Error', message: String(error) };
}
