import type { JetStreamManager, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { letterId } from '../../../engine/letters/dead-letters';
import type { Delivery } from '../../../engine/ports/delivery';
import type { LetterLookup } from '../../../engine/preparation';
import { readIds } from '../read-ids';
import { ignoreMissing, retryRequest } from '../retry-request';
import { Batched } from './batched';

/** Read from so much earlier: the next record that is looked up may be somewhat older. */
const slackMs = 10 * 60_000;

/**
 * Finds the letters of a function by their ids, for redelivered records: a replica may have been killed between the letter of a
 * record and its ack. Reads each id once, from the time of the oldest record that is looked up.
 */
export class LetterIndex implements LetterLookup {
  private readonly ids = new Set<string>();
  private readonly scans = new Batched<number>((times) => this.scan(Math.min(...times)));
  private created = '';
  private fromMs = Number.POSITIVE_INFINITY;
  private toSequence = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly spec: FunctionSpec,
  ) {}

  async has(message: Delivery): Promise<boolean> {
    await this.scans.add(message.timestampMs);
    return this.ids.has(letterId(this.spec, message));
  }

  private scan(sinceMs: number): Promise<void> {
    const fromMs = sinceMs - slackMs;
    return retryRequest(async () => {
      const { stream, subject } = this.spec.deadLetters;
      const info = await ignoreMissing(this.manager.streams.info(stream));
      if (info === undefined) return;
      const { last_seq: last } = info.state;
      const isKnown = info.created === this.created && sinceMs >= this.fromMs;
      if (isKnown && last <= this.toSequence) return;
      const start = isKnown ? { after: this.toSequence } : { sinceMs: fromMs };
      if (last > 0) await readIds(this.connection, { stream, subject, start }, (id) => this.ids.add(id));
      this.created = info.created;
      this.fromMs = isKnown ? this.fromMs : fromMs;
      this.toSequence = last;
    });
  }
}
