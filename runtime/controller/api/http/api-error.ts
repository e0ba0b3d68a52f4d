import type { ApiCode } from '../../../api-contract/problem';

/** A request that cannot be answered as it is. `status` is that of HTTP; the message says what was got and what to do. */
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
