import { quote } from '../problem/show-value';
import type { TopicsRule } from './function-type-descriptor';
import { KeyPattern } from './key-pattern';

/** S3's rule for bucket names, for messages. */
export const bucketRule = 'has 3 to 63 lower-case letters, digits, dots and dashes, and a letter or digit at both ends';

export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+(\.\d+){3}$/.test(name);
}

/** The `topics` of a function that writes a bucket: `s3a://bucket`, or `s3a://bucket/prefix`. */
export function bucketTopics(purpose: string): TopicsRule {
  return { purpose, example: 's3a://bucket/prefix', fault: (topics) => bucketFault(topics) ?? wildcardFault(topics) };
}

/** The `topics` of a function that reads a bucket, which may have wildcards. */
export function bucketPatternTopics(purpose: string): TopicsRule {
  return { purpose, example: 's3a://bucket/prefix', fault: bucketFault, doubt: bracketDoubt };
}

function bucketFault(topics: string): string | undefined {
  const [, bucket] = /^s3a:\/\/([^/]*)(\/.*)?$/s.exec(topics) ?? [];
  if (bucket !== undefined && isBucketName(bucket)) return undefined;
  const rule = bucket === undefined ? '' : `; a bucket's name ${bucketRule}`;
  return `must be s3a://bucket or s3a://bucket/prefix, got ${quote(topics)}${rule}`;
}

function wildcardFault(topics: string): string | undefined {
  if (!new KeyPattern(topics).hasWildcards) return undefined;
  return `must name one folder, without wildcards, got ${quote(topics)}; for the characters themselves write \\* and \\?`;
}

/** `{a,b}` and `[a-c]` are wildcards elsewhere. */
function bracketDoubt(topics: string): string | undefined {
  const found = /\{[^{}/]*,[^{}/]*\}|\[[^[\]/]+\]/.exec(topics)?.[0];
  if (found === undefined) return undefined;
  return `${quote(found)} stands for these characters themselves; the wildcards are *, ? and **`;
}
