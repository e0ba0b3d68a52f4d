import type { ApiCode } from '../../../api-contract/problem';

/** A request that cannot be served as it stands. `status` is the HTTP status; the message says what was wrong and what to do. */
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
