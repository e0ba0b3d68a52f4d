import { createHash } from 'node:crypto';
import type { NatsConnection } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { InstallationKey } from '../../../installation/installation-key';
import { DigestedTexts } from './digested-texts';
import { inspectObjects, type SealedBucket, type SealedObjectsProps, type StoredObjects } from './sealed-objects';

const documents: SealedBucket = {
  bucket: 'kflow_documents',
  noun: 'document',
  isPlain: (name, text) => name.endsWith(`/${createHash('sha256').update(text).digest('hex').slice(0, 32)}`), // I2
};

/**
 * Stores the documents of flows in an object store bucket, named `<namespace>/<jobId>/<digest>`.
 *
 * I1. Documents are sealed.
 * I2. A digest is keyed. Digests of documents that an earlier version stored are plain ones; records and histories contain
 *     them, so they stay.
 */
export class FlowDocuments {
  private constructor(private readonly texts: DigestedTexts) {}

  static async open(props: SealedObjectsProps): Promise<FlowDocuments> {
    return new FlowDocuments(await DigestedTexts.open(props, documents, 'document digest'));
  }

  put(flow: FlowKey, text: string): Promise<string> {
    return this.texts.put(flowName(flow), text);
  }

  async get(flow: FlowKey, digest: string): Promise<string> {
    const text = await this.texts.get(flowName(flow), digest);
    if (text !== undefined) return text;
    const lost = `${flowName(flow)} has no document ${digest} in this account of nats`;
    const message = `${lost}; restore the account, or end the flow with kflow delete --force and submit it anew`;
    throw new StoreError('document-missing', message, { where: `${flowName(flow)}/${digest}` });
  }

  /** Removes these documents, or all documents of the flow. */
  remove(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    return this.texts.remove(flowName(flow), digests);
  }

  /** Seals every document again that an older key sealed, or that an earlier version stored in plain text. */
  reseal(): Promise<number> {
    return this.texts.reseal();
  }
}

/** Looks at the documents of a controller without reading or changing any. */
export function inspectDocuments(connection: NatsConnection, key: InstallationKey): Promise<StoredObjects> {
  return inspectObjects(connection, key, documents);
}
