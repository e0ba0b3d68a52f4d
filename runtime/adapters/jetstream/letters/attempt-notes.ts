import type { JetStreamManager, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import type { Attempt } from '../../../engine/letters/letter-history';
import type { AttemptNotes } from '../../../engine/ports/attempt-notes';
import type { Delivery } from '../../../engine/ports/delivery';
import { valueSubject } from '../access/jetstream-api';
import { inputProgress } from '../partitions/input-progress';
import { readKey, readKeys } from '../read-run';
import { ignoreMissing, retryRequest } from '../retry-request';

/** Attempts of one record that are read for its letter. */
const maxRead = 20;
/** Records whose notes wait to be removed; more than these are left to the next start of a replica. */
const maxForgotten = 10_000;

export interface AttemptNotesProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly spec: Pick<FunctionSpec, 'function' | 'epoch' | 'stateBucket' | 'inputs' | 'deadLetters'>;
  readonly log: (level: 'DEBUG', text: string) => void;
}

/**
 * Failed attempts of records that are retried, in the flow's state bucket under
 * `attempt.<function>.<epoch>.<stream>.<sequence>.<letter>.<number>`; `letter` is 0 unless the record is a redriven letter.
 *
 * I1. A record that does not fail has no notes. One that ends removes its notes, so there are at most as many records with notes
 *     as a consumer has unacked messages.
 * I2. Notes that a killed replica did not remove are removed at the next start of a replica: those of acked messages, and of
 *     letters that are gone.
 */
export class JetStreamAttemptNotes implements AttemptNotes {
  private readonly forgotten = new Set<string>();
  private forgetting: Promise<void> = Promise.resolve();

  constructor(private readonly props: AttemptNotesProps) {}

  note(delivery: Delivery, attempt: Attempt): void {
    const { connection, spec, log } = this.props;
    const subject = valueSubject(connection, spec.stateBucket, `${this.keyOf(delivery)}.${attempt.number}`);
    try {
      connection.publish(subject, JSON.stringify(attempt));
    } catch (error) {
      log('DEBUG', `a failed attempt was not noted: ${String(error)}`); // closed: the replica ends
    }
  }

  async of(delivery: Delivery): Promise<readonly Attempt[]> {
    const { manager, spec } = this.props;
    const keys = (await retryRequest(() => this.keysOf(`${this.keyOf(delivery)}.*`))).slice(-maxRead);
    const texts = await Promise.all(keys.map((key) => retryRequest(() => readKey(manager, spec.stateBucket, key))));
    return (
      texts
        .flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Attempt]))
        // another message may have got the sequence when the stream was recreated
        .filter(({ at }) => Date.parse(at) >= delivery.timestampMs - clockToleranceMs)
        .sort((one, other) => one.number - other.number)
    );
  }

  forget(delivery: Delivery): void {
    if (this.forgotten.size >= maxForgotten) return;
    this.forgotten.add(`${this.keyOf(delivery)}.*`);
    if (this.forgotten.size > 1) return;
    this.forgetting = this.forgetting.then(() => this.purgeForgotten());
  }

  /** Removes notes of messages that are acked, and of redriven letters that are gone (I2). */
  async sweep(): Promise<void> {
    const { manager, spec } = this.props;
    for (const input of spec.inputs) {
      const { stream } = input;
      const prefix = `attempt.${spec.function}.${spec.epoch ?? 0}.${stream}.`;
      const keys = await this.keysOf(`${prefix}>`);
      if (keys.length === 0) continue;
      const { ackFloor = 0 } = (await inputProgress(manager, input)) ?? {};
      for (const key of keys) {
        const [sequence = 0, letter = 0] = key.slice(prefix.length).split('.').map(Number);
        const isOver = letter === 0 ? sequence <= ackFloor : !(await this.isStored(letter));
        if (isOver) await this.purge(key);
      }
    }
  }

  /** Resolves when the notes of ended records are removed. */
  settled(): Promise<void> {
    return this.forgetting;
  }

  private keyOf({ stream, sequence, redriven }: Delivery): string {
    const { spec } = this.props;
    return `attempt.${spec.function}.${spec.epoch ?? 0}.${stream}.${sequence}.${redriven?.letter ?? 0}`;
  }

  /** The keys that a filter matches, in the order of the numbers at their end. */
  private async keysOf(filter: string): Promise<readonly string[]> {
    const { manager, spec } = this.props;
    const keys = (await readKeys(manager, spec.stateBucket, filter)) ?? [];
    const numberOf = (key: string) => Number(key.slice(key.lastIndexOf('.') + 1));
    return [...keys].sort((one, other) => numberOf(one) - numberOf(other));
  }

  private async isStored(letter: number): Promise<boolean> {
    const { manager, spec } = this.props;
    const stored = await ignoreMissing(manager.streams.getMessage(spec.deadLetters.stream, { seq: letter }));
    return stored !== undefined;
  }

  private async purgeForgotten(): Promise<void> {
    for (const filter of this.forgotten) {
      await this.purge(filter).catch((error) => this.props.log('DEBUG', `notes were not removed: ${String(error)}`));
      this.forgotten.delete(filter);
    }
  }

  private async purge(key: string): Promise<void> {
    const { manager, spec } = this.props;
    const filter = `$KV.${spec.stateBucket}.${key}`;
    await ignoreMissing(manager.streams.purge(`KV_${spec.stateBucket}`, { filter }));
  }
}

/** The clocks of a replica and of the server may differ by this much. */
const clockToleranceMs = 60_000;
