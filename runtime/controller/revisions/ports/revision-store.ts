import type { RevisionGroup } from '../../../../lib/revisions/revision-group';

/** A group of revisions by its namespace and UUID. */
export interface GroupKey {
  readonly namespace: string;
  readonly group: string;
}

export interface StoredGroup extends GroupKey {
  readonly stored: RevisionGroup;
}

/** Groups of revisions and their documents. Throws StoreError when the server behind it fails. */
export interface RevisionStore {
  /**
   * Replaces a group by what `change` makes of it, and repeats that when another change was faster. A group that does not exist
   * is undefined; one that is returned as it came is not written. What `change` throws is passed on.
   */
  change<Result>(
    key: GroupKey,
    change: (stored: RevisionGroup | undefined) => {
      readonly next: RevisionGroup | undefined;
      readonly result: Result;
    },
  ): Promise<Result>;
  /** Sorted by namespace and id. Without a namespace, those of all. */
  list(namespace?: string): Promise<readonly StoredGroup[]>;
  /** The digest of a text, which does not help to guess a secret in it. */
  digestOf(text: string): string;
  /** Stores a document under its digest, sealed: it may contain secrets. */
  saveDocument(key: GroupKey, text: string): Promise<string>;
  document(key: GroupKey, digest: string): Promise<string | undefined>;
  /** Removes these documents, or all of the group. */
  removeDocuments(key: GroupKey, digests?: readonly string[]): Promise<void>;
}
