import { defineCommand, defineFamily } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { argument, optionalArgument } from '../../frame/values';

const bucketName = argument({ description: 'bucket' });

const put = defineCommand({
  name: 'put',
  summary: 'copy the files of a directory into a bucket, which is created if missing',
  arguments: { name: bucketName, dir: argument({ description: 'directory to read' }) },
  async run({ name, dir }) {
    await (await import('./bucket-transfer.js')).putBucket(name, dir);
    return ExitStatus.Done;
  },
});

const get = defineCommand({
  name: 'get',
  summary: 'copy the objects of a bucket into a directory, which is created if missing',
  arguments: { name: bucketName, dir: argument({ description: 'directory to write' }) },
  async run({ name, dir }) {
    await (await import('./bucket-transfer.js')).getBucket(name, dir);
    return ExitStatus.Done;
  },
});

const list = defineCommand({
  name: 'list',
  summary: 'list the buckets, or the objects of one with size, time and key',
  arguments: { name: optionalArgument({ description: 'bucket' }) },
  async run({ name }) {
    await (await import('./bucket-transfer.js')).listBucket(name);
    return ExitStatus.Done;
  },
});

export const bucket = defineFamily({
  name: 'bucket',
  summary: "copy files to and from buckets of the local stack's S3 server",
  commands: [put, get, list],
});
