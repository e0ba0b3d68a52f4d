import { createHash, createHmac } from 'node:crypto';
import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  type ObjectInfo,
  type ObjectStore,
  StorageType,
} from 'nats';
import { StoreError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { type InstallationKey, isSealed } from '../../../installation/installation-key';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, ignoreMissing, readServer } from '../retry-request';
import { type StreamMessage, StreamReader } from '../stream-reader';

const bucket = 'kflow_documents';
const stream = `OBJ_${bucket}`;

/** Names the key that sealed an object, in the object's metadata. */
const keyLabel = 'kflow.io/key';
/** A read that meets a document while it is sealed anew is repeated. */
const maxReads = 3;

export interface FlowDocumentsProps {
  readonly connection: NatsConnection;
  readonly replicas: number;
  readonly key: InstallationKey;
}

/**
 * Stores the documents of flows in an object store bucket, named `<namespace>/<jobId>/<digest>`.
 *
 * I1. Documents may contain passwords, so they are stored sealed, each for its own name.
 * I2. A digest does not help to guess a password: it is keyed. Digests of documents that an earlier version stored are plain
 *     ones; records and histories contain them, so they stay.
 */
export class FlowDocuments {
  private readonly digestKey: Buffer;

  private constructor(
    private readonly manager: JetStreamManager,
    private readonly objects: ObjectStore,
    private readonly reader: StreamReader,
    private readonly key: InstallationKey,
  ) {
    this.digestKey = key.derive('document digest');
  }

  static async open({ connection, replicas, key }: FlowDocumentsProps): Promise<FlowDocuments> {
    const manager = await managerOf(connection);
    await ensureStream(manager, bucketConfig(replicas), { num_replicas: replicas });
    const objects = await callServer(stream, () => jetStreamOf(connection).views.os(bucket));
    return new FlowDocuments(manager, objects, await StreamReader.of(connection, stream), key);
  }

  async put(flow: FlowKey, text: string): Promise<string> {
    const digest = createHmac('sha256', this.digestKey).update(text).digest('hex').slice(0, 32);
    const name = nameOf(flow, digest);
    await callServer(contextOf(name), async () => {
      const found = await this.objects.info(name);
      if (found === null || found.deleted) await this.store(name, text);
    });
    return digest;
  }

  async get(flow: FlowKey, digest: string): Promise<string> {
    const name = nameOf(flow, digest);
    for (let read = 1; ; read++) {
      const found = await readServer(contextOf(name), () => this.objects.info(name));
      const bytes = found === null || found.deleted ? undefined : await this.read(found);
      if (bytes !== undefined) return this.textOf(name, bytes);
      if (found !== null && !found.deleted && read < maxReads) continue;
      const lost = `${flowName(flow)} has no document ${digest} in this account of nats`;
      const message = `${lost}; restore the account, or end the flow with kflow delete --force and submit it anew`;
      throw new StoreError('document-missing', message, { where: name });
    }
  }

  /** Removes these documents, or all documents of the flow. */
  async remove(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    const all = async () => (await this.names()).filter((name) => name.startsWith(nameOf(flow, '')));
    const names = digests === undefined ? await all() : digests.map((digest) => nameOf(flow, digest));
    await Promise.all(names.map((name) => callServer(contextOf(name), () => this.removeOne(name))));
  }

  /**
   * Seals every document again that an older key sealed, or that an earlier version stored in plain text, and returns their
   * number. Several controllers may do so at once; a document that is removed meanwhile stays removed. Throws the first
   * error, after it has tried every document.
   */
  async reseal(): Promise<number> {
    const entries = await this.reader.from(`${metaSubject('')}>`, 1);
    const stale = entries.map(infoOf).filter((info) => !info.deleted && info.metadata?.[keyLabel] !== this.key.id);
    const errors: unknown[] = [];
    for (const info of stale) await this.resealOne(info).catch((error) => errors.push(error));
    if (errors.length > 0) throw errors[0];
    return stale.length;
  }

  private async resealOne(info: StoredInfo): Promise<void> {
    const bytes = await this.read(info);
    if (bytes === undefined) return; // replaced or removed meanwhile
    const text = this.textOf(info.name, bytes);
    await callServer(contextOf(info.name), () => this.replace(info, text));
  }

  private async store(name: string, text: string, previousRevision?: number): Promise<void> {
    const sealed = this.key.seal(Buffer.from(text), contextOf(name)); // I1
    const meta = { name, metadata: { [keyLabel]: this.key.id } };
    await this.objects.putBlob(meta, sealed, { previousRevision });
  }

  private async replace({ name, revision }: StoredInfo, text: string): Promise<void> {
    try {
      await this.store(name, text, revision);
    } catch (error) {
      const current = await this.objects.info(name);
      if (current !== null && current.revision === revision) throw error;
    }
  }

  /** The bytes of an object; undefined when it was replaced or removed meanwhile. */
  private async read({
    nuid,
    chunks,
    size,
  }: Pick<ObjectInfo, 'nuid' | 'chunks' | 'size'>): Promise<Buffer | undefined> {
    const found: Uint8Array[] = [];
    for (let sequence = 0; found.length < chunks; ) {
      const chunk = await this.reader.next(`$O.${bucket}.C.${nuid}`, sequence + 1);
      if (chunk === undefined) return undefined;
      found.push(chunk.data);
      sequence = chunk.sequence;
    }
    const bytes = Buffer.concat(found);
    return bytes.length === size ? bytes : undefined;
  }

  private textOf(name: string, bytes: Buffer): string {
    if (isSealed(bytes)) return this.key.open(bytes, contextOf(name)).toString();
    const text = bytes.toString();
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 32); // I2
    if (name.endsWith(`/${digest}`)) return text;
    throw new StoreError('stream-failed', `document ${name}: the stored text is not the one that was submitted`, {
      where: name,
    });
  }

  private async names(): Promise<readonly string[]> {
    const prefix = metaSubject('');
    const options = { subjects_filter: `${prefix}>` };
    const { state } = await callServer(stream, () => this.manager.streams.info(stream, options));
    return Object.keys(state.subjects ?? {}).map((subject) =>
      Buffer.from(subject.slice(prefix.length), 'base64url').toString(),
    );
  }

  private async removeOne(name: string): Promise<void> {
    await ignoreMissing(this.objects.delete(name));
    await this.manager.streams.purge(stream, { filter: metaSubject(name) }); // a deletion leaves a marker
  }
}

/** The stored documents by what an installation key can do with them. */
export interface StoredDocuments {
  readonly count: number;
  /** Stored by an earlier version; a controller seals them at its start. */
  readonly plain: number;
  /** Sealed with none of the keys. */
  readonly unreadable: number;
}

/** Looks at the documents of a controller without reading or changing any. */
export async function inspectDocuments(connection: NatsConnection, key: InstallationKey): Promise<StoredDocuments> {
  const manager = await managerOf(connection);
  const isThere = (await ignoreMissing(manager.streams.info(stream))) !== undefined;
  const entries = isThere ? await (await StreamReader.of(connection, stream)).from(`${metaSubject('')}>`, 1) : [];
  const infos = entries.map(infoOf).filter(({ deleted }) => !deleted);
  const keys = infos.map(({ metadata }) => metadata?.[keyLabel]);
  return {
    count: keys.length,
    plain: keys.filter((id) => id === undefined).length,
    unreadable: keys.filter((id) => id !== undefined && !key.ids.includes(id)).length,
  };
}

type StoredInfo = Pick<ObjectInfo, 'name' | 'nuid' | 'chunks' | 'size' | 'deleted' | 'metadata' | 'revision'>;

/** The revision of an object is the sequence of its metadata. */
function infoOf({ data, sequence }: StreamMessage): StoredInfo {
  return { ...JSON.parse(Buffer.from(data).toString()), revision: sequence };
}

function bucketConfig(replicas: number) {
  return {
    name: stream,
    subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
    num_replicas: replicas,
  };
}

function nameOf({ namespace, jobId }: FlowKey, digest: string): string {
  return `${namespace}/${jobId}/${digest}`;
}

/** What a document is sealed for, and its name in errors. */
function contextOf(name: string): string {
  return `document ${name}`;
}

/** The subject of an object's metadata: ends with the object's name as padded base64url. */
function metaSubject(name: string): string {
  return `$O.${bucket}.M.${Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
}
