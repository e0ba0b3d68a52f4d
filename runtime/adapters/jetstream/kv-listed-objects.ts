import { createHash } from 'node:crypto';
import type { ListedObjects } from '../../engine/ports/flow-state';
import type { Publisher } from '../../engine/ports/publisher';

/** What a source has listed, as keys of a KV bucket below a prefix of its subjects, with a copy in memory. */
export class KvListedObjects implements ListedObjects {
  constructor(
    private readonly subjectPrefix: string,
    private readonly versions: Map<string, string>,
    private readonly publisher: Publisher,
  ) {}

  has(key: string, version: string): boolean {
    return this.versions.get(tokenOf(key)) === version;
  }

  add(key: string, version: string): Promise<void> {
    const token = tokenOf(key);
    this.versions.set(token, version);
    const subject = this.subjectPrefix + token;
    return new Promise((resolve, reject) => {
      this.publisher.publish({ subject, id: `${subject}:${version}`, payload: Buffer.from(version) }, (result) => {
        if (result instanceof Error) reject(result);
        else resolve();
      });
    });
  }
}

/** An object key of any length and alphabet as one token of a subject. */
function tokenOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 32);
}
