import { FunctionError } from '../../lib/errors';
import { isAvroMessage } from './avro-message';

/** What travels in a stream in place of a payload that is too big for it: where the payload lies. */
export interface Claim {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
}

/** A claim as a message; JSON, so it cannot be taken for an Avro message. */
export function encodeClaim(claim: Claim): Uint8Array {
  return Buffer.from(JSON.stringify({ claim }));
}

/** The claim in a message; undefined when the message is the record itself. Throws when it is neither. */
export function parseClaim(message: Uint8Array): Claim | undefined {
  if (isAvroMessage(message)) return undefined;
  try {
    const { claim } = JSON.parse(Buffer.from(message).toString('utf8')) as { claim: Claim };
    if (typeof claim.bucket === 'string' && typeof claim.key === 'string' && typeof claim.bytes === 'number')
      return claim;
  } catch {
    // said below
  }
  throw new FunctionError('record-invalid', 'the message is neither an Avro single-object encoding nor a claim');
}

/** Where payloads above a stream's limit are kept. */
export interface MessageStore {
  put(key: string, payload: Uint8Array): Promise<Claim>;
}

/** Gives payloads back for claims, whoever stored them. */
export interface ClaimSource {
  fetch(claim: Claim): Promise<Uint8Array>;
}
