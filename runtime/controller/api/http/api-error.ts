import type { ApiCode } from '../../../api-contract/problem';

/** An error with its HTTP status. The message says what is wrong with the request and what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: ApiCode,
    message: string,
    readonly headers: { readonly [name: string]: string } = {},
  ) {
    super(message);
  }
}
