import type { RevisionGroup } from '../../../../lib/revisions/revision-group';
import type { GroupKey, RevisionStore, StoredGroup } from '../../../controller/revisions/ports/revision-store';
import { CachedValues } from '../flow-store/cached-values';
import { DigestedTexts } from '../flow-store/digested-texts';
import type { SealedBucket, SealedObjectsProps } from '../flow-store/sealed-objects';

const groups = 'kflow_revisions';
const documents: SealedBucket = { bucket: 'kflow_revision_documents', noun: 'revision' };

/** Lists groups in a KV bucket under `<namespace>.<group>`, and stores documents sealed in an object store. */
export class JetStreamRevisionStore implements RevisionStore {
  private constructor(
    private readonly listed: CachedValues<StoredGroup>,
    private readonly texts: DigestedTexts,
  ) {}

  /** Creates what does not exist, with `replicas` copies in a server cluster. Throws StoreError `stream-failed`. */
  static async open(props: SealedObjectsProps): Promise<JetStreamRevisionStore> {
    const [listed, texts] = await Promise.all([
      CachedValues.open<StoredGroup>(props.connection, groups, props.replicas),
      DigestedTexts.open(props, documents, 'revision digest'),
    ]);
    return new JetStreamRevisionStore(listed, texts);
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
    return this.texts.digestOf(text);
  }

  saveDocument(key: GroupKey, text: string): Promise<string> {
    return this.texts.put(ownerOf(key), text);
  }

  document(key: GroupKey, digest: string): Promise<string | undefined> {
    return this.texts.get(ownerOf(key), digest);
  }

  removeDocuments(key: GroupKey, digests?: readonly string[]): Promise<void> {
    return this.texts.remove(ownerOf(key), digests);
  }

  /** Seals every document again that an older key sealed, and returns their number. */
  reseal(): Promise<number> {
    return this.texts.reseal();
  }
}

function keyOf({ namespace, group }: GroupKey): string {
  return `${namespace}.${group}`;
}

function ownerOf({ namespace, group }: GroupKey): string {
  return `${namespace}/${group}`;
}
