import { S3ObjectStore } from '../../../adapters/s3/object-store';
import type { ControllerSettings } from '../../../controller/settings/settings';
import { type Finding, findingsOf, ok } from './finding';

/** A name that a store may look up with the account, whether or not the bucket exists. */
const probeBucket = 'kflow-probe';

/** The object stores of the settings, and the bucket of message stores. */
export async function checkBuckets({ s3 }: ControllerSettings): Promise<readonly Finding[]> {
  const stores = (['override', 'default'] as const).flatMap((kind) => {
    const account = s3[kind];
    return account === undefined ? [] : [{ kind, account }];
  });
  const findings = stores.map(({ kind, account }) => {
    const what = `s3.${kind}`;
    return findingsOf(what, `check s3.${kind} and the server at ${account.addr}`, async () => {
      const store = new S3ObjectStore({ ...account, retryForMs: 0 });
      try {
        const bucket = s3.messageBucket ?? probeBucket;
        const isThere = await store.bucketExists(bucket);
        const found = `${account.addr} accepts the account`;
        if (s3.messageBucket === undefined) return [ok(what, found)];
        const state = isThere ? 'exists' : 'is made by the first flow with a message store';
        return [ok(what, `${found}; the bucket ${bucket} ${state}`)];
      } finally {
        await store.close();
      }
    });
  });
  return (await Promise.all(findings)).flat();
}
