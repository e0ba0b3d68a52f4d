import type { ErrorCode } from '../../../../lib/errors';

/** What goes wrong with a request before a flow is concerned; all else has a code of KFlowError. */
export type ApiCode = ErrorCode | 'request-invalid' | 'route-missing' | 'method-refused' | 'not-ready' | 'internal';

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
