import type { JetStreamManager, KV, NatsConnection } from 'nats';
import type { ListingNotes, Part, SavedNote } from '../../engine/ports/flow-state';
import type { Publisher } from '../../engine/ports/publisher';
import { valueSubject } from './access/jetstream-api';
import { retryRequest } from './retry-request';

export interface ListingNotesProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Reads from the leader. */
  readonly bucket: KV;
  /** Of the bucket. */
  readonly name: string;
  /** The start of every key, without a dot at its end. */
  readonly prefix: string;
  readonly part: Part;
  readonly publisher: Publisher;
}

/** The name under which a replica says that it needs no notes of another replica count. */
const adoption = 'adopted';

/**
 * Notes of a source in the bucket of the flow's state: `<prefix>.<replicas>.<replica>.<name>`.
 *
 * I1. Notes of another replica count are removed when each replica of this count has read them and adopted what they say. What a
 *     replica said while the source had this count before does not count: it is removed as soon as one of another count reads.
 */
export class JetStreamListingNotes implements ListingNotes {
  private readonly layout: string;
  private readonly own: string;
  private saves = 0;

  constructor(private readonly props: ListingNotesProps) {
    const { prefix, part } = props;
    this.layout = `${prefix}.${part.replicas}.`;
    this.own = `${this.layout}${part.replica}.`;
  }

  async *read(): AsyncIterable<SavedNote> {
    const { bucket, prefix } = this.props;
    const entries = await retryRequest(() => bucket.history({ key: `${prefix}.>` }));
    for await (const { key, value, operation } of entries) {
      if (operation !== 'PUT') continue;
      const [, , name, ...more] = key.slice(prefix.length + 1).split('.');
      if (name === undefined || more.length > 0) continue; // not of this version
      if (name !== adoption) yield { name, value, isOwn: key.startsWith(this.own) };
      else if (!key.startsWith(this.layout)) await this.purge(key); // I1
    }
  }

  async load(name: string): Promise<Uint8Array | undefined> {
    const entry = await retryRequest(() => this.props.bucket.get(this.own + name));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.value;
  }

  save(name: string, payload: Uint8Array): Promise<void> {
    const { connection, name: bucket, publisher } = this.props;
    const subject = valueSubject(connection, bucket, this.own + name);
    const id = `${subject}:${process.pid}:${Date.now()}:${this.saves++}`;
    return new Promise((resolve, reject) => {
      publisher.publish({ subject, id, payload }, (result) => {
        if (result instanceof Error) reject(result);
        else resolve();
      });
    });
  }

  async remove(name: string): Promise<void> {
    await this.purge(this.own + name);
  }

  async adopted(): Promise<void> {
    const { part, prefix } = this.props;
    await this.save(adoption, Buffer.from('1'));
    for (let replica = 0; replica < part.replicas; replica++) {
      const entry = await retryRequest(() => this.props.bucket.get(`${this.layout}${replica}.${adoption}`));
      if (entry === null || entry.operation !== 'PUT') return;
    }
    for (const replicas of await this.replicaCounts()) {
      if (replicas !== part.replicas) await this.purge(`${prefix}.${replicas}.>`);
    }
    for (let replica = 0; replica < part.replicas; replica++) await this.purge(`${this.layout}${replica}.${adoption}`);
  }

  /** The replica counts that have notes. */
  private async replicaCounts(): Promise<ReadonlySet<number>> {
    const { manager, name, prefix } = this.props;
    const start = `$KV.${name}.${prefix}.`;
    const { state } = await retryRequest(() => manager.streams.info(`KV_${name}`, { subjects_filter: `${start}>` }));
    const subjects = Object.keys(state.subjects ?? {});
    return new Set(subjects.map((subject) => Number.parseInt(subject.slice(start.length), 10)));
  }

  private async purge(key: string): Promise<void> {
    const { manager, name } = this.props;
    await retryRequest(() => manager.streams.purge(`KV_${name}`, { filter: `$KV.${name}.${key}` }));
  }
}
