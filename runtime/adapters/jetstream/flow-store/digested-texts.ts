import { createHmac } from 'node:crypto';
import { type SealedBucket, SealedObjects, type SealedObjectsProps } from './sealed-objects';

/**
 * Sealed texts of an object store bucket under `<owner>/<digest>`.
 *
 * D1. A digest does not help to guess a password in a text: it is keyed.
 */
export class DigestedTexts {
  private constructor(
    private readonly objects: SealedObjects,
    private readonly digestKey: Buffer,
  ) {}

  /** `purpose` names the key of the digests. */
  static async open(props: SealedObjectsProps, of: SealedBucket, purpose: string): Promise<DigestedTexts> {
    return new DigestedTexts(await SealedObjects.open(props, of), props.key.derive(purpose));
  }

  digestOf(text: string): string {
    return createHmac('sha256', this.digestKey).update(text).digest('hex').slice(0, 32); // D1
  }

  /** Stores a text if the owner has none like it, and returns its digest. */
  async put(owner: string, text: string): Promise<string> {
    const digest = this.digestOf(text);
    const name = `${owner}/${digest}`;
    if (!(await this.objects.has(name))) await this.objects.put(name, text);
    return digest;
  }

  get(owner: string, digest: string): Promise<string | undefined> {
    return this.objects.get(`${owner}/${digest}`);
  }

  /** Removes these texts, or all of the owner. */
  async remove(owner: string, digests?: readonly string[]): Promise<void> {
    const all = async () => (await this.objects.names()).filter((name) => name.startsWith(`${owner}/`));
    await this.objects.remove(digests === undefined ? await all() : digests.map((digest) => `${owner}/${digest}`));
  }

  /** Seals every text again that an older key sealed, or that an earlier version stored in plain text; returns their number. */
  reseal(): Promise<number> {
    return this.objects.reseal();
  }
}
