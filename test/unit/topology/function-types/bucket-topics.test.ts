import { bucketPatternTopics, bucketTopics } from '../../../../lib/topology/function-types/bucket-topics';

const [read, write] = [bucketPatternTopics('the bucket to read'), bucketTopics('the bucket to write into')];

test.each(['s3a://docs', 's3a://docs/in', 's3a://docs/in/*/a*.txt', 's3a://docs/**', 's3a://docs/a\\*'])(
  '%s can be read',
  (topics) => {
    expect([read.fault(topics), read.doubt?.(topics)]).toEqual([undefined, undefined]);
  },
);

test.each(['s3a://do*cs', 's3a://do?s/a', 'docs/*'])('%s names no bucket to read', (topics) => {
  expect(read.fault(topics)).toContain('must be s3a://bucket or s3a://bucket/prefix');
});

test.each(['s3a://docs/{a,b}.txt', 's3a://docs/[0-9]/x'])(
  '%s is doubtful, because brackets are no wildcards',
  (topics) => {
    expect(read.fault(topics)).toBeUndefined();
    expect(read.doubt?.(topics)).toContain('stands for these characters themselves; the wildcards are *, ? and **');
  },
);

test.each(['s3a://out/day-*', 's3a://out/day-?/x'])('%s names no folder to write into', (topics) => {
  expect(write.fault(topics)).toContain('must name one folder, without wildcards');
});

test('characters of wildcards can be written with a backslash', () => {
  expect(write.fault('s3a://out/day-\\*')).toBeUndefined();
});
