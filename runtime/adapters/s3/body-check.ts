import { createHash } from 'node:crypto';
import { isDirectoryBucket, unquoted } from './listing';
import { AnswerFault } from './object-store-error';

/** What a server says about an object in the answer to a read or a write. */
export interface ObjectAnswer {
  readonly ETag?: string;
  readonly ContentLength?: number;
  readonly ContentRange?: string;
  readonly LastModified?: Date;
  readonly ServerSideEncryption?: string;
  readonly SSECustomerAlgorithm?: string;
}

/**
 * Compares the bytes of a body with what the server says about the object: its size, and its MD5 where the etag is one.
 * The etag of an object uploaded in parts, or encrypted with a key of KMS or of the customer, is none.
 */
export class BodyCheck {
  private readonly hash = createHash('md5');
  /** Bytes so far. */
  size = 0;

  constructor(private readonly bucket: string) {}

  add(chunk: Uint8Array): void {
    this.size += chunk.byteLength;
    this.hash.update(chunk);
  }

  /** Throws AnswerFault when the bytes are not those of the object that was read. */
  assertRead(answer: ObjectAnswer): void {
    const { ContentLength: length, ContentRange: range } = answer;
    if (range !== undefined) throw new AnswerFault(`the body is a part of the object (${range})`);
    if (answer.ETag === undefined && answer.LastModified === undefined) {
      throw new AnswerFault('the body is not an object (no ETag and no Last-Modified)');
    }
    if (length !== undefined && length !== this.size) {
      throw new AnswerFault(`the body has ${this.size} of the ${length} bytes that it announces`);
    }
    const md5 = md5Of(answer, this.bucket);
    if (md5 !== undefined && md5 !== this.digest()) {
      throw new AnswerFault(`the body does not have the MD5 of the object (etag ${md5}, ${this.size} bytes)`);
    }
  }

  /** Throws AnswerFault when the server has stored other bytes than those that were sent. */
  assertWritten(answer: ObjectAnswer): void {
    const md5 = md5Of(answer, this.bucket);
    if (md5 !== undefined && md5 !== this.digest()) {
      throw new AnswerFault(`the server has stored other bytes than the ${this.size} sent (etag ${md5})`);
    }
  }

  private digest(): string {
    return this.hash.copy().digest('hex');
  }
}

/** The MD5 of an object, if its etag is one. */
function md5Of({ ETag, ServerSideEncryption, SSECustomerAlgorithm }: ObjectAnswer, bucket: string): string | undefined {
  const etag = unquoted(ETag).toLowerCase();
  const isEncrypted = SSECustomerAlgorithm !== undefined || ServerSideEncryption?.startsWith('aws:') === true;
  return /^[0-9a-f]{32}$/.test(etag) && !isEncrypted && !isDirectoryBucket(bucket) ? etag : undefined;
}
