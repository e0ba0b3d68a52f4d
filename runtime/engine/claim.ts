import { FunctionError } from '../../lib/errors';
import { isAvroMessage } from './avro-message';

/** Takes the place of a large payload in a stream: names the object that holds it. */
export interface Claim {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
}

/** A claim as a message: JSON, which cannot be mistaken for an Avro message. */
export function encodeClaim(claim: Claim): Uint8Array {
  return Buffer.from(JSON.stringify({ claim }));
}

/** The claim in a message; undefined when the message is a record. Throws FunctionError when it is neither. */
export function parseClaim(message: Uint8Array): Claim | undefined {
  if (isAvroMessage(message)) return undefined;
  try {
    const { claim } = JSON.parse(Buffer.from(message).toString('utf8')) as { claim: Claim };
    const { bucket, key, bytes } = claim;
    if (typeof bucket === 'string' && typeof key === 'string' && Number.isSafeInteger(bytes) && bytes >= 0)
      return claim;
  } catch {
    // thrown below
  }
  throw new FunctionError('record-invalid', 'message is neither an Avro single-object encoding nor a claim');
}

/** Stores payloads that are too large for a stream. */
export interface MessageStore {
  put(key: string, payload: Uint8Array): Promise<Claim>;
}

/** Fetches the payloads that claims name, from the store of any function. */
export interface ClaimSource {
  fetch(claim: Claim): Promise<Uint8Array>;
}
