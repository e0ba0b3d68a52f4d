/** Parts of an error beside its message. */
export interface OperationErrorProps {
  /** Becomes the `retcode` of the result; not 0. */
  readonly code?: number;
  /** JSON. A `uuid` in it becomes that of the result. */
  readonly extra?: { readonly [key: string]: unknown };
  /** Default: `ERR-` and the code. */
  readonly msgid?: string;
  readonly cause?: unknown;
}

/** An error of a task or an operation, with a code. Code of a user may throw it with a code of its own. */
export class OperationError extends Error {
  override readonly name: string = 'OperationError';
  readonly code: number;
  readonly extra: { readonly [key: string]: unknown };
  readonly msgid: string;

  constructor(message: string, { code = 500, extra = {}, msgid, cause }: OperationErrorProps = {}) {
    super(message, cause === undefined ? {} : { cause });
    if (code === 0) throw new RangeError('OperationError: code 0 means success; want another');
    this.code = code;
    this.extra = extra;
    this.msgid = msgid ?? `ERR-${String(code).padStart(5, '0')}`;
  }
}

export class InternalError extends OperationError {
  override readonly name = 'InternalError';
}

export class ValidationError extends OperationError {
  override readonly name = 'ValidationError';

  constructor(message: string, props: OperationErrorProps = {}) {
    super(message, { code: 400, ...props });
  }
}

export class NotFoundError extends OperationError {
  override readonly name = 'NotFoundError';

  constructor(message: string, props: OperationErrorProps = {}) {
    super(message, { code: 404, ...props });
  }
}

/** A message, a result or a state that is larger than the transport takes. */
export class PayloadError extends OperationError {
  override readonly name = 'PayloadError';

  constructor(bytes: number, limit: number) {
    super(`payload too large: ${grouped(bytes)} bytes, at most ${grouped(limit)}`, { code: 413 });
  }

  /** Throws PayloadError for more bytes than the limit. */
  static check(bytes: number, limit: number): void {
    if (bytes > limit) throw new PayloadError(bytes, limit);
  }
}

/** A message, or the state of an operation, that could not be sent, read or stored. A later attempt may succeed. */
export class TransportError extends OperationError {
  override readonly name = 'TransportError';

  constructor(message: string, props: OperationErrorProps = {}) {
    super(message, { code: 503, ...props });
  }
}

/** An error as `retval.error` has it. */
export interface ErrorFields {
  readonly code: number;
  readonly name: string;
  readonly message: string;
  readonly msgid: string;
  readonly extra: { readonly [key: string]: unknown };
  readonly stack: string;
}

/** What was thrown, as `retval.error` has it. What is no OperationError has the code 500. */
export function errorFields(thrown: unknown): ErrorFields {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, msgid, extra } = error instanceof OperationError ? error : new InternalError(error.message);
  return { code, name: error.name, message: error.message || error.name, msgid, extra, stack: error.stack ?? '' };
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
