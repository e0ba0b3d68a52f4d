import { createHash } from 'node:crypto';
import type { RevisionGroup } from '../../lib/revisions/revision-group';
import type { GroupKey, RevisionStore, StoredGroup } from '../../runtime/controller/revisions/ports/revision-store';

/** Revisions in this process. */
export class MemoryRevisionStore implements RevisionStore {
  readonly groups = new Map<string, StoredGroup>();
  readonly documents = new Map<string, string>();

  async change<Result>(
    key: GroupKey,
    change: (stored: RevisionGroup | undefined) => {
      readonly next: RevisionGroup | undefined;
      readonly result: Result;
    },
  ): Promise<Result> {
    const name = nameOf(key);
    const { next, result } = change(this.groups.get(name)?.stored);
    if (next === undefined) this.groups.delete(name);
    else this.groups.set(name, { ...key, stored: next });
    return result;
  }

  async list(namespace?: string): Promise<readonly StoredGroup[]> {
    const all = [...this.groups].sort().map(([, group]) => group);
    return all.filter((group) => namespace === undefined || group.namespace === namespace);
  }

  digestOf(text: string): string {
    return createHash('sha256').update(text).digest('hex');
  }

  async saveDocument(key: GroupKey, text: string): Promise<string> {
    const digest = this.digestOf(text);
    this.documents.set(`${nameOf(key)}/${digest}`, text);
    return digest;
  }

  async document(key: GroupKey, digest: string): Promise<string | undefined> {
    return this.documents.get(`${nameOf(key)}/${digest}`);
  }

  async removeDocuments(key: GroupKey, digests?: readonly string[]): Promise<void> {
    for (const name of this.documents.keys()) {
      const isOf = name.startsWith(`${nameOf(key)}/`);
      if (isOf && (digests?.some((digest) => name.endsWith(digest)) ?? true)) this.documents.delete(name);
    }
  }
}

function nameOf({ namespace, group }: GroupKey): string {
  return `${namespace}/${group}`;
}
