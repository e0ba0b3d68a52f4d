/**
 * The closed list of what can go wrong. A code is part of the public contract: retries, exit statuses and tests
 * decide by code, never by text.
 */
export type ErrorCode =
  // the document
  | 'syntax'
  | 'shape'
  | 'key-unknown'
  | 'type-unknown'
  | 'name-invalid'
  | 'name-too-long'
  | 'id-duplicate'
  | 'edge-unknown'
  | 'edge-missing'
  | 'edge-forbidden'
  | 'cycle'
  | 'function-unreachable'
  | 'schema-missing'
  | 'schema-invalid'
  | 'schema-incompatible'
  | 'setting-invalid'
  | 'setting-missing'
  | 'secret-exposed'
  | 'not-run-yet'
  // the machine a flow runs on
  | 'config-invalid'
  | 'server-missing'
  | 'server-failed'
  | 'state-invalid'
  // flows of a controller
  | 'flow-missing'
  | 'flow-exists'
  | 'revision-missing'
  | 'update-refused'
  | 'access-denied'
  // records
  | 'record-invalid'
  | 'payload-too-large'
  | 'function-failed'
  | 'host-failed'
  | 'store-failed'
  | 'stream-failed';

/** Base of every error KFlow throws on purpose. `where` names the place: a path in a document, a function, a stream. */
export class KFlowError extends Error {
  override readonly name: string = 'KFlowError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: { readonly where?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: detail.cause });
  }
}

/** Something the user has to set right before anything can run: settings, missing programs, addresses. Not retried. */
export class ConfigError extends KFlowError {
  override readonly name = 'ConfigError';
}

/** User code failed, or gave what cannot be sent on. The record it concerns is retried, then dead-lettered. */
export class FunctionError extends KFlowError {
  override readonly name = 'FunctionError';
}

/** A stream or an object store refused or failed. Retried by code. */
export class StoreError extends KFlowError {
  override readonly name = 'StoreError';
}

/** An operation came in a state that does not allow it; the message names the state. */
export class StateError extends KFlowError {
  override readonly name = 'StateError';
}
