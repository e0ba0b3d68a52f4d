import { createHmac } from 'node:crypto';
import type { RevisionGroup } from '../../../../lib/revisions/revision-group';
import type { GroupKey, RevisionStore, StoredGroup } from '../../../controller/revisions/ports/revision-store';
import { CachedValues } from '../flow-store/cached-values';
import { type SealedBucket, SealedObjects, type SealedObjectsProps } from '../flow-store/sealed-objects';

const groups = 'kflow_revisions';
const documents: SealedBucket = { bucket: 'kflow_revision_documents', noun: 'revision' };

/** Lists groups in a KV bucket under `<namespace>.<group>`, and stores documents sealed in an object store. */
export class JetStreamRevisionStore implements RevisionStore {
  private constructor(
    private readonly listed: CachedValues<StoredGroup>,
    private readonly objects: SealedObjects,
    private readonly digestKey: Buffer,
  ) {}

  /** Creates what does not exist, with `replicas` copies in a server cluster. Throws StoreError `stream-failed`. */
  static async open(props: SealedObjectsProps): Promise<JetStreamRevisionStore> {
    const [listed, objects] = await Promise.all([
      CachedValues.open<StoredGroup>(props.connection, groups, props.replicas),
      SealedObjects.open(props, documents),
    ]);
    return new JetStreamRevisionStore(listed, objects, props.key.derive('revision digest'));
  }

  change<Result>(
    key: GroupKey,
    change: (stored: RevisionGroup | undefined) => {
      readonly next: RevisionGroup | undefined;
      readonly result: Result;
    },
  ): Promise<Result> {
    return this.listed.change(keyOf(key), (found) => {
      const { next, result } = change(found?.stored);
      if (next === found?.stored) return { next: found, result };
      return { next: next === undefined ? undefined : { ...key, stored: next }, result };
    });
  }

  async list(namespace?: string): Promise<readonly StoredGroup[]> {
    return this.listed.all(namespace === undefined ? '' : `${namespace}.`);
  }

  digestOf(text: string): string {
    return createHmac('sha256', this.digestKey).update(text).digest('hex').slice(0, 32);
  }

  async saveDocument(key: GroupKey, text: string): Promise<string> {
    const digest = this.digestOf(text);
    const name = nameOf(key, digest);
    if (!(await this.objects.has(name))) await this.objects.put(name, text);
    return digest;
  }

  document(key: GroupKey, digest: string): Promise<string | undefined> {
    return this.objects.get(nameOf(key, digest));
  }

  async removeDocuments(key: GroupKey, digests?: readonly string[]): Promise<void> {
    const all = async () => (await this.objects.names()).filter((name) => name.startsWith(nameOf(key, '')));
    await this.objects.remove(digests === undefined ? await all() : digests.map((digest) => nameOf(key, digest)));
  }

  /** Seals every document again that an older key sealed, and returns their number. */
  reseal(): Promise<number> {
    return this.objects.reseal();
  }
}

function keyOf({ namespace, group }: GroupKey): string {
  return `${namespace}.${group}`;
}

function nameOf({ namespace, group }: GroupKey, digest: string): string {
  return `${namespace}/${group}/${digest}`;
}
