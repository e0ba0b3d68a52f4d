import { isInLocation, parseS3Location } from '../../../lib/plan/s3-location';
import { KeyPattern } from '../../../lib/topology/function-types/key-pattern';

test.each([
  ['s3a://bucket', { bucket: 'bucket', prefix: '' }],
  ['s3a://bucket/', { bucket: 'bucket', prefix: '' }],
  ['s3://bucket/dir/', { bucket: 'bucket', prefix: 'dir/' }],
  ['s3n://bucket/a b/é', { bucket: 'bucket', prefix: 'a b/é', object: 'a b/é' }],
  ['s3a://bucket/dir', { bucket: 'bucket', prefix: 'dir', object: 'dir' }],
  ['s3a://bucket/pre*', { bucket: 'bucket', prefix: 'pre' }],
  ['s3a://bucket/*', { bucket: 'bucket', prefix: '' }],
  ['s3a://bucket/a\\*/b\\?', { bucket: 'bucket', prefix: 'a*/b?', object: 'a*/b?' }],
  ['s3a://bucket/a\\*/', { bucket: 'bucket', prefix: 'a*/' }],
  ['s3a://bucket/in/*/b*', { bucket: 'bucket', prefix: 'in/', pattern: expect.any(KeyPattern) }],
])('parses %s', (topics, location) => {
  expect(parseS3Location(topics)).toEqual(location);
});

test.each(['', 'bucket', 's3a://', 's3a:///dir', 'http://bucket/dir', 's3b://bucket'])('rejects "%s"', (topics) => {
  expect(() => parseS3Location(topics)).toThrow(
    expect.objectContaining({
      code: 'setting-invalid',
      message: `topics must be s3a://bucket or s3a://bucket/prefix, got "${topics}"`,
    }),
  );
});

test.each([
  ['s3a://b', ['a', 'dir/a'], []],
  ['s3a://b/dir', ['dir', 'dir/a', 'dir/sub/a'], ['dir2', 'directory/a']],
  ['s3a://b/dir/', ['dir/', 'dir/a'], []],
  ['s3a://b/pre*', ['pre', 'prefix', 'pre/a'], []],
  ['s3a://b/in/*/a*.txt', ['in/x/a.txt', 'in/x/a1.txt'], ['in/a1.txt', 'in/x/y/a1.txt', 'in/x/a1.txt/b']],
  ['s3a://b/in-?/', ['in-1/a', 'in-1/a/b'], ['in-12/a', 'in-1']],
  ['s3a://b/**/*.gz', ['a.gz', 'x/y/a.gz'], ['a.gz/b']],
])('%s contains only keys of its own object, folder or prefix', (topics, inside, outside) => {
  const location = parseS3Location(topics);
  expect(inside.filter((key) => !isInLocation(location, key))).toEqual([]);
  expect(outside.filter((key) => isInLocation(location, key))).toEqual([]);
});
