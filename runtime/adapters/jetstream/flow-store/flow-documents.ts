import { createHash, createHmac } from 'node:crypto';
import type { NatsConnection } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { InstallationKey } from '../../../installation/installation-key';
import {
  inspectObjects,
  type SealedBucket,
  SealedObjects,
  type SealedObjectsProps,
  type StoredObjects,
} from './sealed-objects';

const documents: SealedBucket = {
  bucket: 'kflow_documents',
  noun: 'document',
  isPlain: (name, text) => name.endsWith(`/${createHash('sha256').update(text).digest('hex').slice(0, 32)}`), // I2
};

/**
 * Stores the documents of flows in an object store bucket, named `<namespace>/<jobId>/<digest>`.
 *
 * I1. Documents are sealed.
 * I2. A digest does not help to guess a password: it is keyed. Digests of documents that an earlier version stored are plain
 *     ones; records and histories contain them, so they stay.
 */
export class FlowDocuments {
  private readonly digestKey: Buffer;

  private constructor(
    private readonly objects: SealedObjects,
    key: InstallationKey,
  ) {
    this.digestKey = key.derive('document digest');
  }

  static async open(props: SealedObjectsProps): Promise<FlowDocuments> {
    return new FlowDocuments(await SealedObjects.open(props, documents), props.key);
  }

  async put(flow: FlowKey, text: string): Promise<string> {
    const digest = createHmac('sha256', this.digestKey).update(text).digest('hex').slice(0, 32);
    const name = nameOf(flow, digest);
    if (!(await this.objects.has(name))) await this.objects.put(name, text);
    return digest;
  }

  async get(flow: FlowKey, digest: string): Promise<string> {
    const name = nameOf(flow, digest);
    const text = await this.objects.get(name);
    if (text !== undefined) return text;
    const lost = `${flowName(flow)} has no document ${digest} in this account of nats`;
    const message = `${lost}; restore the account, or end the flow with kflow delete --force and submit it anew`;
    throw new StoreError('document-missing', message, { where: name });
  }

  /** Removes these documents, or all documents of the flow. */
  async remove(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    const all = async () => (await this.objects.names()).filter((name) => name.startsWith(nameOf(flow, '')));
    await this.objects.remove(digests === undefined ? await all() : digests.map((digest) => nameOf(flow, digest)));
  }

  /** Seals every document again that an older key sealed, or that an earlier version stored in plain text. */
  reseal(): Promise<number> {
    return this.objects.reseal();
  }
}

/** Looks at the documents of a controller without reading or changing any. */
export function inspectDocuments(connection: NatsConnection, key: InstallationKey): Promise<StoredObjects> {
  return inspectObjects(connection, key, documents);
}

function nameOf({ namespace, jobId }: FlowKey, digest: string): string {
  return `${namespace}/${jobId}/${digest}`;
}
