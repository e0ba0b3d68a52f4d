import { ConfigError } from '../errors';

/** A place in an object store: the keys of `bucket` that `matches` accepts. */
export interface S3Location {
  readonly bucket: string;
  /** Every key of the location starts with this. */
  readonly prefix: string;
  /** Set if the location is an object or folder: the name without a slash is a key of the location too. */
  readonly object?: string;
}

/**
 * Reads `s3a://bucket`, `s3a://bucket/dir` (the object `dir` and everything below `dir/`) or `s3a://bucket/pre*`
 * (every key that starts with `pre`). The scheme may be s3, s3a or s3n.
 */
export function parseS3Location(topics: string): S3Location {
  const match = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/s.exec(topics);
  if (match?.[1] === undefined) {
    throw new ConfigError('setting-invalid', `topics must be s3a://bucket or s3a://bucket/prefix, got "${topics}"`);
  }
  const bucket = match[1];
  const path = match[2] ?? '';
  if (path === '' || path.endsWith('/')) return { bucket, prefix: path };
  if (path.endsWith('*')) return { bucket, prefix: path.slice(0, -1) };
  return { bucket, prefix: path, object: path };
}

/** Whether a key with the location's prefix belongs to the location. */
export function isInLocation(location: S3Location, key: string): boolean {
  return location.object === undefined || key === location.object || key.startsWith(`${location.object}/`);
}
