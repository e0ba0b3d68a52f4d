import type { JetStreamManager, KV, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { Delivery } from '../../engine/ports/delivery';
import type { LoneAttempts } from '../../engine/ports/lone-attempts';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { quickRequests, retryRequest } from './retry-request';

/** A lone attempt that has not ended. */
interface Note {
  /** The replica that made the last attempt. */
  readonly owner: string;
  readonly attempts: number;
  /** When the stream stored the message: another message may get its sequence when the stream is recreated. */
  readonly timestampMs: number;
  /** Names the last delivery. */
  readonly handle: string;
}

const nak = Buffer.from('-NAK');

/**
 * What the next replica in this one's place has to know, in the flow's state bucket: `alive.<function>.<replica>` from the
 * start to a clean end, and `alone.<function>.<epoch>.<stream>.<sequence>` while a record runs alone.
 *
 * I1. An attempt is noted before it starts, and the note is removed after it has ended. A note that is left over is of an
 *     attempt that ended with its replica.
 */
export class ReplicaLife implements LoneAttempts {
  private readonly ending = new Set<Promise<unknown>>();

  private constructor(
    private readonly props: ReplicaLifeProps,
    private readonly manager: JetStreamManager,
    private readonly bucket: KV,
    /** Whether the replica before this one was killed, or crashed. */
    readonly isAfterCrash: boolean,
  ) {}

  /** After a crash, also gives back the record that the replica before was running alone. */
  static async begin(props: ReplicaLifeProps): Promise<ReplicaLife> {
    const { connection, spec, identity } = props;
    const manager = await managerOf(connection, quickRequests);
    const bucket = await jetStreamOf(connection, quickRequests).views.kv(spec.stateBucket, { bindOnly: true });
    const key = aliveKey(props);
    const before = await retryRequest(() => bucket.get(key));
    const life = new ReplicaLife(props, manager, bucket, before?.operation === 'PUT');
    await retryRequest(() => bucket.put(key, new Date().toISOString()));
    if (!life.isAfterCrash) return life;
    for await (const entry of await retryRequest(() => bucket.history({ key: `alone.${spec.function}.>` }))) {
      const note = entry.json<Note>();
      if (note.owner === identity) connection.publish(note.handle, nak);
    }
    return life;
  }

  async begin(delivery: Delivery): Promise<number> {
    await Promise.all(this.ending);
    const { identity: owner } = this.props;
    const { timestampMs, handle } = delivery;
    const key = this.aloneKey(delivery);
    const entry = await retryRequest(() => this.bucket.get(key));
    const note = entry?.operation === 'PUT' ? entry.json<Note>() : undefined;
    const earlier = note?.timestampMs === timestampMs ? note.attempts : 0;
    const next: Note = { owner, attempts: earlier + 1, timestampMs, handle };
    await retryRequest(() => this.bucket.put(key, JSON.stringify(next)));
    return earlier;
  }

  end(delivery: Delivery): void {
    const removed: Promise<unknown> = this.remove(this.aloneKey(delivery))
      .catch((error) => this.props.log('WARNING', `the note of a lone attempt was not removed: ${String(error)}`))
      .finally(() => this.ending.delete(removed));
    this.ending.add(removed);
  }

  /** Call when no record is held: the next replica starts without caution. */
  async endCleanly(): Promise<void> {
    await Promise.all(this.ending);
    await this.remove(aliveKey(this.props));
  }

  private aloneKey({ stream, sequence }: Delivery): string {
    const { spec } = this.props;
    return `alone.${spec.function}.${spec.epoch ?? 0}.${stream}.${sequence}`;
  }

  private remove(key: string): Promise<unknown> {
    const { stateBucket } = this.props.spec;
    const filter = `$KV.${stateBucket}.${key}`;
    return retryRequest(() => this.manager.streams.purge(`KV_${stateBucket}`, { filter }));
  }
}

export interface ReplicaLifeProps {
  readonly connection: NatsConnection;
  readonly spec: Pick<FunctionSpec, 'function' | 'epoch' | 'stateBucket'>;
  /** One token of a subject; the same for the replica that is started in this one's place. */
  readonly identity: string;
  readonly log: (level: 'WARNING', text: string) => void;
}

function aliveKey({ spec, identity }: ReplicaLifeProps): string {
  return `alive.${spec.function}.${identity}`;
}
