import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  type ObjectInfo,
  type ObjectStore,
  StorageType,
} from 'nats';
import { StoreError } from '../../../../lib/errors';
import { type InstallationKey, isSealed } from '../../../installation/installation-key';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, ignoreMissing, readServer } from '../retry-request';
import { type StreamMessage, StreamReader } from '../stream-reader';

/** Names the key that sealed an object, in the object's metadata. */
const keyLabel = 'kflow.io/key';
/** A read that meets an object while it is written anew is repeated. */
const maxReads = 3;

export interface SealedBucket {
  /** Name of the object store bucket. */
  readonly bucket: string;
  /** One of its objects, in messages and as what it is sealed for: `document`. */
  readonly noun: string;
  /** Whether a text that is not sealed is the one that was stored; default: never. */
  readonly isPlain?: (name: string, text: string) => boolean;
}

export interface SealedObjectsProps {
  readonly connection: NatsConnection;
  readonly replicas: number;
  readonly key: InstallationKey;
}

/**
 * Texts in an object store bucket, by name.
 *
 * I1. A text may contain passwords, so it is stored sealed, each for its own name.
 */
export class SealedObjects {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly objects: ObjectStore,
    private readonly reader: StreamReader,
    private readonly key: InstallationKey,
    private readonly of: SealedBucket,
  ) {}

  static async open({ connection, replicas, key }: SealedObjectsProps, of: SealedBucket): Promise<SealedObjects> {
    const manager = await managerOf(connection);
    const stream = streamOf(of);
    await ensureStream(manager, bucketConfig(of, replicas), { num_replicas: replicas });
    const objects = await callServer(stream, () => jetStreamOf(connection).views.os(of.bucket));
    return new SealedObjects(manager, objects, await StreamReader.of(connection, stream), key, of);
  }

  async has(name: string): Promise<boolean> {
    return (await this.info(name)) !== undefined;
  }

  /** Replaces what has the name. */
  async put(name: string, text: string): Promise<void> {
    await callServer(this.contextOf(name), () => this.store(name, text));
  }

  async get(name: string): Promise<string | undefined> {
    for (let read = 1; ; read++) {
      const found = await this.info(name);
      if (found === undefined) return undefined;
      const bytes = await this.read(found);
      if (bytes !== undefined) return this.textOf(name, bytes);
      if (read >= maxReads) return undefined;
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => callServer(this.contextOf(name), () => this.removeOne(name))));
  }

  async names(): Promise<readonly string[]> {
    const prefix = metaSubject(this.of, '');
    const options = { subjects_filter: `${prefix}>` };
    const stream = streamOf(this.of);
    const { state } = await callServer(stream, () => this.manager.streams.info(stream, options));
    return Object.keys(state.subjects ?? {}).map((subject) =>
      Buffer.from(subject.slice(prefix.length), 'base64url').toString(),
    );
  }

  /**
   * Seals every object again that an older key sealed, or that is plain, and returns their number. Several controllers may do
   * so at once; an object that is removed meanwhile stays removed. Throws the first error, after it has tried every object.
   */
  async reseal(): Promise<number> {
    const entries = await this.reader.from(`${metaSubject(this.of, '')}>`, 1);
    const stale = entries.map(infoOf).filter((info) => !info.deleted && info.metadata?.[keyLabel] !== this.key.id);
    const errors: unknown[] = [];
    for (const info of stale) await this.resealOne(info).catch((error) => errors.push(error));
    if (errors.length > 0) throw errors[0];
    return stale.length;
  }

  private async info(name: string): Promise<ObjectInfo | undefined> {
    const found = await readServer(this.contextOf(name), () => this.objects.info(name));
    return found === null || found.deleted ? undefined : found;
  }

  private async resealOne(info: StoredInfo): Promise<void> {
    const bytes = await this.read(info);
    if (bytes === undefined) return; // replaced or removed meanwhile
    const text = this.textOf(info.name, bytes);
    await callServer(this.contextOf(info.name), () => this.replace(info, text));
  }

  private async store(name: string, text: string, previousRevision?: number): Promise<void> {
    const sealed = this.key.seal(Buffer.from(text), this.contextOf(name)); // I1
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
      const chunk = await this.reader.next(`$O.${this.of.bucket}.C.${nuid}`, sequence + 1);
      if (chunk === undefined) return undefined;
      found.push(chunk.data);
      sequence = chunk.sequence;
    }
    const bytes = Buffer.concat(found);
    return bytes.length === size ? bytes : undefined;
  }

  private textOf(name: string, bytes: Buffer): string {
    const context = this.contextOf(name);
    if (isSealed(bytes)) return this.key.open(bytes, context).toString();
    const text = bytes.toString();
    if (this.of.isPlain?.(name, text) === true) return text;
    throw new StoreError('stream-failed', `${context}: the stored text is not the one that was submitted`, {
      where: name,
    });
  }

  private async removeOne(name: string): Promise<void> {
    await ignoreMissing(this.objects.delete(name));
    await this.manager.streams.purge(streamOf(this.of), { filter: metaSubject(this.of, name) }); // a deletion leaves a marker
  }

  /** What an object is sealed for, and its name in errors. */
  private contextOf(name: string): string {
    return `${this.of.noun} ${name}`;
  }
}

/** The objects of a bucket by what an installation key can do with them. */
export interface StoredObjects {
  readonly count: number;
  /** Stored by an earlier version; a controller seals them at its start. */
  readonly plain: number;
  /** Sealed with none of the keys. */
  readonly unreadable: number;
}

/** Looks at the objects of a bucket without reading or changing any. */
export async function inspectObjects(
  connection: NatsConnection,
  key: InstallationKey,
  of: SealedBucket,
): Promise<StoredObjects> {
  const manager = await managerOf(connection);
  const stream = streamOf(of);
  const isThere = (await ignoreMissing(manager.streams.info(stream))) !== undefined;
  const entries = isThere ? await (await StreamReader.of(connection, stream)).from(`${metaSubject(of, '')}>`, 1) : [];
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

function streamOf({ bucket }: SealedBucket): string {
  return `OBJ_${bucket}`;
}

function bucketConfig(of: SealedBucket, replicas: number) {
  return {
    name: streamOf(of),
    subjects: [`$O.${of.bucket}.C.>`, `$O.${of.bucket}.M.>`],
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
    num_replicas: replicas,
  };
}

/** The subject of an object's metadata: ends with the object's name as padded base64url. */
function metaSubject({ bucket }: SealedBucket, name: string): string {
  return `$O.${bucket}.M.${Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
}
