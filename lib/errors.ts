/** How errors with a code are handled, wherever they arrive. */
export interface ErrorTraits {
  /** Status of the API's answer. */
  readonly httpStatus: 403 | 404 | 409 | 413 | 422 | 500 | 503;
  /** Set if a retry of the same call may succeed without any change. */
  readonly isTransient?: true;
}

/**
 * Every code of an error that KFlow throws on purpose. Codes are part of the public contract: retries, HTTP statuses
 * and tests decide by code, never by text. Each code has a row in docs/errors.md.
 */
export const errorCodes = {
  // Documents: a topology, or a part of one

  /** The text is not valid YAML or JSON. */
  syntax: { httpStatus: 422 },
  /** A value has the wrong type, a required field is missing, or the document as a whole is not a topology. */
  shape: { httpStatus: 422 },
  /** The field does not exist at this place. */
  'key-unknown': { httpStatus: 422 },
  /** No function type has this name. */
  'type-unknown': { httpStatus: 422 },
  /** A name breaks the rules of Kubernetes, of NATS or of KFlow. */
  'name-invalid': { httpStatus: 422 },
  /** A name is longer than the names derived from it allow. */
  'name-too-long': { httpStatus: 422 },
  /** Two functions, side outputs, variables or ports have the same name. */
  'id-duplicate': { httpStatus: 422 },
  /** A function that is referred to does not exist. */
  'edge-unknown': { httpStatus: 422 },
  /** A source has no reader. */
  'edge-missing': { httpStatus: 422 },
  /** An output connects functions that cannot be connected. */
  'edge-forbidden': { httpStatus: 422 },
  /** Outputs form a cycle. */
  cycle: { httpStatus: 422 },
  /** No source leads to a function. */
  'function-unreachable': { httpStatus: 422 },
  /** A function or side output has no Avro schema and cannot inherit one. */
  'schema-missing': { httpStatus: 422 },
  /** A schema is not a valid Avro schema. */
  'schema-invalid': { httpStatus: 422 },
  /** A reader's schema cannot resolve what its writer's schema describes. */
  'schema-incompatible': { httpStatus: 422 },
  /** A setting has an invalid value. */
  'setting-invalid': { httpStatus: 422 },
  /** A required setting has no value at any level. */
  'setting-missing': { httpStatus: 422 },
  /** A document or manifest contains the value of a secret where only a reference is allowed. */
  'secret-exposed': { httpStatus: 422 },
  /** This version does not run the feature yet, or not on this kind of cluster. */
  'not-run-yet': { httpStatus: 422 },

  // The machine or cluster that KFlow runs on

  /** An option, variable, file or address that the user supplied cannot be used. */
  'config-invalid': { httpStatus: 422 },
  /** A program that KFlow starts is not installed and cannot be downloaded or built. */
  'server-missing': { httpStatus: 503 },
  /** A server cannot be reached, does not respond in time, or stopped. */
  'server-failed': { httpStatus: 503, isTransient: true },
  /** A server refused the login, or its certificate cannot be verified. */
  'login-failed': { httpStatus: 503, isTransient: true },
  /** A server does not accept the credentials of this process: they expired, were revoked, or cannot be loaded. */
  'credentials-refused': { httpStatus: 503, isTransient: true },
  /** The account of this process lacks a permission at the Kubernetes API. */
  'permission-missing': { httpStatus: 422 },
  /** An operation is not allowed in the current state, which the message names. */
  'state-invalid': { httpStatus: 409 },
  /** A Kubernetes object differs in a field that cannot be changed in place; the object has to be recreated. */
  'object-immutable': { httpStatus: 422 },

  // Flows of a controller

  /** The flow does not exist. */
  'flow-missing': { httpStatus: 404 },
  /** The flow is running with a different document, or several namespaces have a flow with this jobId. */
  'flow-exists': { httpStatus: 409 },
  /** The document of a flow is not in the store of the controller. It may come back when the store is restored. */
  'document-missing': { httpStatus: 409 },
  /** The flow has no revision with this number, or no revision has this id, or this tag in its group. */
  'revision-missing': { httpStatus: 404 },
  /** The flow has no dead letter with this number: it was processed again, discarded for good, or never existed. */
  'letter-missing': { httpStatus: 404 },
  /** The letters are of sources, which cannot produce their records again. */
  'letter-of-source': { httpStatus: 409 },
  /** The flow has no redrive with this id. */
  'redrive-missing': { httpStatus: 404 },
  /** No object has this name in the folder of a function that runs step by step, or no step of an execution waits for a decision. */
  'step-missing': { httpStatus: 404 },
  /** The update changes something that is fixed as long as the flow exists. */
  'update-refused': { httpStatus: 409 },
  /** The caller lacks the role or the namespace that the request requires. */
  'access-denied': { httpStatus: 403 },

  // Executions of task flows

  /** The execution does not exist. */
  'execution-missing': { httpStatus: 404 },
  /** An execution with this id exists. */
  'execution-exists': { httpStatus: 409 },
  /** No schedule has this id. */
  'schedule-missing': { httpStatus: 404 },
  /** The answers to an approval do not fit its form. */
  'answers-invalid': { httpStatus: 422 },
  /** The input of a step is not what the step needs: a map without a list, a merge of other values than objects, a template without its value. */
  'input-invalid': { httpStatus: 422 },

  // Records

  /** A record cannot be decoded, or a value cannot be encoded with the function's schema. */
  'record-invalid': { httpStatus: 500 },
  /** A record is larger than the stream takes, or a document larger than the controller takes. */
  'payload-too-large': { httpStatus: 413 },
  /** User code threw, or emitted to an output that does not exist. */
  'function-failed': { httpStatus: 500 },
  /** A source ended before records that it cannot read again were stored. */
  'records-lost': { httpStatus: 500 },
  /** A function that requests acks itself has not requested those of more records than can wait, or of the last ones of a batch. */
  'ack-missing': { httpStatus: 500 },
  /** The state of a function, with the share of records that are acked, was lost before its aggregate was stored. */
  'state-lost': { httpStatus: 500 },
  /** The process that runs user code was killed, could not be used, or broke its protocol. */
  'host-failed': { httpStatus: 500 },
  /** The process that runs user code exited by itself, with any exit code. */
  'host-exited': { httpStatus: 500 },
  /** An object store or the Kubernetes API refused or failed a call. */
  'store-failed': { httpStatus: 503, isTransient: true },
  /** Stored data cannot be opened with the installation key; another controller may have the right one. */
  'seal-invalid': { httpStatus: 503, isTransient: true },
  /** NATS refused or failed a call. */
  'stream-failed': { httpStatus: 503, isTransient: true },
} as const satisfies { readonly [code: string]: ErrorTraits };

export type ErrorCode = keyof typeof errorCodes;

/**
 * Base of every error that KFlow throws on purpose. `where` names the place: a path in a document, a function, a stream.
 * `isFinal`: the server is there, and lacks what the call names, or does not take the call.
 */
export class KFlowError extends Error {
  override readonly name: string = 'KFlowError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: { readonly where?: string; readonly cause?: unknown; readonly isFinal?: true } = {},
  ) {
    super(message, { cause: detail.cause });
  }
}

/** The user has to correct something first: a setting, an address, a missing program. Retried only if the code is transient. */
export class ConfigError extends KFlowError {
  override readonly name = 'ConfigError';
}

/** User code failed or produced an output that cannot be sent. The record is redelivered, then dead-lettered. */
export class FunctionError extends KFlowError {
  override readonly name = 'FunctionError';
}

/** A stream, an object store or an API server refused or failed a call. Retried. */
export class StoreError extends KFlowError {
  override readonly name = 'StoreError';
}

/** An operation is not allowed in the current state; the message names the state. */
export class StateError extends KFlowError {
  override readonly name = 'StateError';
}

/** Whether a retry of the failed call may succeed without any change. False for errors that are not KFlow's. */
export function isTransient(error: unknown): boolean {
  return error instanceof KFlowError && transientCodes.has(error.code);
}

const transientCodes: ReadonlySet<string> = new Set(
  Object.entries(errorCodes).flatMap(([code, traits]) => ('isTransient' in traits ? [code] : [])),
);
