import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { AnswerFault } from './object-store-error';

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Most stores report whole seconds. */
  readonly lastModifiedMs: number;
  /** Without quotes; empty for objects that were not written through the server. */
  readonly etag: string;
}

/** Consecutive pages without a key after which a listing that says that it goes on is one that never ends. */
const maxEmptyPages = 200;

/**
 * The pages of one listing, checked against what S3 promises.
 *
 * I1. A listing is complete only when the server has said so: `IsTruncated` is false.
 * I2. A listing goes on with a token that it has not used before.
 * I3. No key comes twice in two pages that follow each other. Pages whose keys are in order follow each other in order;
 *     a store that does not order keys within a page promises no order.
 * I4. A page that breaks a rule changes nothing, so that it can be requested again.
 */
export class Listing {
  private readonly tokens = new Set<string>();
  private emptyPages = 0;
  private isOrdered: boolean;
  private last: readonly string[] = [];
  /** The token of the next page; undefined before the first page, and when the listing is complete. */
  token: string | undefined;
  isComplete = false;

  constructor(
    bucket: string,
    private readonly prefix: string,
  ) {
    this.isOrdered = !isDirectoryBucket(bucket);
  }

  /** The objects of the next page. Throws AnswerFault when the page breaks a rule. */
  add(page: ListObjectsV2CommandOutput): readonly ListedObject[] {
    const objects = (page.Contents ?? []).map((object) => this.read(object, page.EncodingType === 'url'));
    const token = this.continuationOf(page, objects.length);
    const isOrdered = this.orderAfter(objects.map(({ key }) => key));
    // the page is accepted (I4)
    this.isOrdered = isOrdered;
    this.isComplete = token === undefined;
    this.token = token;
    if (token !== undefined) this.tokens.add(token);
    this.emptyPages = objects.length === 0 ? this.emptyPages + 1 : 0;
    if (objects.length > 0) this.last = objects.map(({ key }) => key);
    return objects;
  }

  private read(
    { Key, Size, LastModified, ETag }: NonNullable<ListObjectsV2CommandOutput['Contents']>[number],
    isEncoded: boolean,
  ): ListedObject {
    if (Key === undefined || Key === '') throw new AnswerFault('the listing has an object without a key');
    const key = isEncoded ? decodeKey(Key) : Key;
    if (!key.startsWith(this.prefix)) {
      throw new AnswerFault(`the listing has the key "${key}", which does not start with "${this.prefix}"`);
    }
    return { key, size: Size ?? 0, lastModifiedMs: LastModified?.getTime() ?? 0, etag: unquoted(ETag) };
  }

  /** The token of the page after this one; undefined when this one is the last (I1, I2). */
  private continuationOf(page: ListObjectsV2CommandOutput, count: number): string | undefined {
    const { IsTruncated, NextContinuationToken: token, KeyCount } = page;
    if (IsTruncated === undefined) throw new AnswerFault('the listing does not say whether it is complete');
    if (KeyCount !== undefined && KeyCount > count) {
      throw new AnswerFault(`the listing has ${count} of the ${KeyCount} keys that it announces`);
    }
    if (!IsTruncated) return undefined;
    if (token === undefined || token === '') {
      throw new AnswerFault('the listing is cut short (truncated, without a continuation token)');
    }
    if (this.tokens.has(token)) {
      throw new AnswerFault('the listing does not advance (the same continuation token again)');
    }
    if (count === 0 && this.emptyPages >= maxEmptyPages) {
      throw new AnswerFault(`the listing does not advance (${maxEmptyPages} pages without a key, and no end)`);
    }
    return token;
  }

  /** Whether the keys so far are in order. Throws AnswerFault when the listing goes back (I3). */
  private orderAfter(keys: readonly string[]): boolean {
    const seen = new Set(this.last);
    for (const key of keys) {
      if (seen.has(key)) throw new AnswerFault(`the listing has the key "${key}" twice`);
      seen.add(key);
    }
    const isPageOrdered = keys.every((key, index) => index === 0 || isAfter(key, keys[index - 1] ?? ''));
    const [first, before] = [keys[0], this.last.at(-1)];
    const isBackwards = first !== undefined && before !== undefined && !isAfter(first, before);
    if (isBackwards && this.isOrdered && isPageOrdered) {
      throw new AnswerFault(`the listing goes back, from the key "${before}" to "${first}"`);
    }
    return this.isOrdered && isPageOrdered;
  }
}

/** The directory buckets of AWS have no order, and etags that are no MD5. */
export function isDirectoryBucket(bucket: string): boolean {
  return bucket.endsWith('--x-s3');
}

/** Order of the bytes in UTF-8, as S3 promises, or of UTF-16, as some servers sort. */
function isAfter(key: string, before: string): boolean {
  return key > before || Buffer.compare(Buffer.from(key), Buffer.from(before)) > 0;
}

/** Decodes a key of `encoding-type=url`, in which a space is a plus sign. */
function decodeKey(key: string): string {
  const fault = new AnswerFault(`the key "${key}" is not URL-encoded, and the listing says that it is`);
  // characters that no encoder leaves as they are
  if (/[^\u0021-\u007e]/.test(key)) throw fault;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw fault;
  }
}

export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}
