import { parseS3Location } from '../../lib/plan/s3-location';
import { kindOf } from '../../lib/topology/function-types/function-type';
import type { ReplicaContext } from './replica-context';

/** Creates the buckets of the function's sink and message store if the spec says so and they do not exist. */
export async function makeBuckets({ spec, links, log }: Pick<ReplicaContext, 'spec' | 'links' | 'log'>): Promise<void> {
  if (spec.makesBuckets !== true) return;
  const { endpoint, messageStore } = spec;
  const written = [
    ...(endpoint === undefined || kindOf(spec.type) !== 'sink'
      ? []
      : [{ connection: endpoint, bucket: parseS3Location(endpoint.topics).bucket }]),
    ...(messageStore === undefined ? [] : [{ connection: messageStore, bucket: messageStore.bucket }]),
  ];
  for (const { connection, bucket } of written) {
    const store = links.objectStore(connection);
    try {
      await store.ensureBucket(bucket);
      log('DEBUG', `the bucket ${bucket} at ${connection.addr} exists`);
    } finally {
      await store.close();
    }
  }
}
