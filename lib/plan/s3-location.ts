import { ConfigError } from '../errors';
import { KeyPattern } from '../topology/function-types/key-pattern';

/** A place in an object store: the keys of `bucket` that `isInLocation` accepts. */
export interface S3Location {
  readonly bucket: string;
  /** Every key of the location starts with this. */
  readonly prefix: string;
  /** Set if the location is an object or folder: the name without a slash is a key of the location too. */
  readonly object?: string;
  /** Set if the location has wildcards: every key matches it as a whole. */
  readonly pattern?: KeyPattern;
}

/**
 * Reads `s3a://bucket`, `s3a://bucket/dir` (the object `dir` and everything below `dir/`), `s3a://bucket/pre*` (every key
 * that starts with `pre`) or a pattern such as `s3a://bucket/day-?/*.txt` (`KeyPattern`). The scheme may be s3, s3a or s3n.
 */
export function parseS3Location(topics: string): S3Location {
  const match = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/s.exec(topics);
  if (match?.[1] === undefined) {
    throw new ConfigError('setting-invalid', `topics must be s3a://bucket or s3a://bucket/prefix, got "${topics}"`);
  }
  const bucket = match[1];
  const text = match[2] ?? '';
  const pattern = new KeyPattern(text);
  const { prefix, hasWildcards, isPrefix } = pattern;
  if (hasWildcards && !isPrefix) {
    return { bucket, prefix, pattern: text.endsWith('/') ? new KeyPattern(`${text}**`) : pattern };
  }
  const isFolder = prefix === '' || prefix.endsWith('/');
  return isPrefix || isFolder ? { bucket, prefix } : { bucket, prefix, object: prefix };
}

/** Whether a key with the location's prefix belongs to the location. */
export function isInLocation({ object, pattern }: S3Location, key: string): boolean {
  if (pattern !== undefined) return pattern.matches(key);
  return object === undefined || key === object || key.startsWith(`${object}/`);
}
