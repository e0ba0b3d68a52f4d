import { DiscardPolicy, type JetStreamManager, type NatsConnection, type ObjectStore, StorageType } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { documentDigest } from '../../../controller/flows/ports/flow-store';
import { ensureStream } from '../provision';
import { callServer, ignoreMissing, readServer } from '../retry-request';
import { StreamReader } from '../stream-reader';

const bucket = 'kflow_documents';
const stream = `OBJ_${bucket}`;

/** Stores the documents of flows in an object store bucket, named `<namespace>/<jobId>/<digest>`. */
export class FlowDocuments {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly objects: ObjectStore,
    private readonly reader: StreamReader,
  ) {}

  static async open(connection: NatsConnection, replicas: number): Promise<FlowDocuments> {
    const manager = await connection.jetstreamManager({ checkAPI: false });
    await ensureStream(manager, bucketConfig(replicas), { num_replicas: replicas });
    const objects = await callServer(stream, () => connection.jetstream({ checkAPI: false }).views.os(bucket));
    return new FlowDocuments(manager, objects, await StreamReader.of(connection, stream));
  }

  async put(flow: FlowKey, text: string): Promise<string> {
    const digest = documentDigest(text);
    const name = nameOf(flow, digest);
    await callServer(`document ${name}`, async () => {
      const found = await this.objects.info(name);
      if (found === null || found.deleted) await this.objects.putBlob({ name }, Buffer.from(text));
    });
    return digest;
  }

  async get(flow: FlowKey, digest: string): Promise<string> {
    const name = nameOf(flow, digest);
    const found = await readServer(`document ${name}`, () => this.objects.info(name));
    const chunks: Uint8Array[] = [];
    for (let sequence = 0; found !== null && chunks.length < found.chunks; ) {
      const chunk = await this.reader.next(`$O.${bucket}.C.${found.nuid}`, sequence + 1);
      if (chunk === undefined) break;
      chunks.push(chunk.data);
      sequence = chunk.sequence;
    }
    const text = Buffer.concat(chunks).toString();
    if (documentDigest(text) === digest) return text;
    const message = `${flowName(flow)} has no document ${digest}: the document was removed or never stored`;
    throw new StoreError('stream-failed', message, { where: name });
  }

  /** Removes these documents, or all documents of the flow. */
  async remove(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    const all = async () => (await this.names()).filter((name) => name.startsWith(nameOf(flow, '')));
    const names = digests === undefined ? await all() : digests.map((digest) => nameOf(flow, digest));
    await Promise.all(names.map((name) => callServer(`document ${name}`, () => this.removeOne(name))));
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

/** The subject of an object's metadata: ends with the object's name as padded base64url. */
function metaSubject(name: string): string {
  return `$O.${bucket}.M.${Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
}
