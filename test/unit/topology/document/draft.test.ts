import { jobIdOfFile } from '../../../../lib/topology/document/draft';

describe('jobIdOfFile', () => {
  test.each([
    ['etl.yaml', 'etl'],
    ['some/dir/Etl_Jobs.v2.yml', 'etl-jobs-v2'],
    ['__x--y__.json', 'x-y'],
    ['日本.yaml', 'flow'],
    ['', 'flow'],
    [`${'a'.repeat(39)}.b.yaml`, 'a'.repeat(39)],
  ])('turns the file name %j into the job id %j', (file, jobId) => {
    expect(jobIdOfFile(file)).toBe(jobId);
  });
});
