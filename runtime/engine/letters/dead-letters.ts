import { KFlowError } from '../../../lib/errors';
import { type FunctionSpec, outputsOf } from '../../../lib/plan/function-spec';
import type { HeldRecord } from '../held-records';
import { originOf, writerIdOf } from '../output-writer';
import type { AttemptNotes } from '../ports/attempt-notes';
import type { Delivery } from '../ports/delivery';
import type { Failure } from '../ports/host';
import type { Publisher } from '../ports/publisher';
import { isAgain, type OriginLookup } from '../preparation';
import { placeOf } from './error-place';
import { indexesOf, rangesOf } from './index-set';
import { encodeLetter } from './letter-headers';
import { type Attempt, joinHistories, noHistory } from './letter-history';

export interface DeadLettersOptions {
  /** Names the replica in letters: a pod, or a process of this machine. */
  readonly replica?: string;
  /** Without notes, a letter has its last attempt only. */
  readonly notes?: AttemptNotes;
  /** Finds outputs of attempts that nobody noted. */
  readonly origins?: OriginLookup;
}

/**
 * Writes dead letters: the original message, with its origin, its attempts and the failure in headers. A stream stores one dead
 * letter for each message and epoch of the function, and one more for each redrive that failed, however often it is put.
 *
 * I1. A letter names every output of its record that is stored, so that a redrive does not store it again.
 * I2. The attempts before are read only for a record that was delivered before: records that do not fail cost nothing.
 */
export class DeadLetters {
  constructor(
    private readonly spec: FunctionSpec,
    private readonly publisher: Publisher,
    private readonly options: DeadLettersOptions = {},
  ) {}

  /** The record failed and is retried. */
  retrying(record: HeldRecord, failure: Failure): void {
    this.options.notes?.note(record.delivery, this.attemptOf(record, failure));
  }

  /** The record has ended, with a letter or without one. */
  ended({ delivery }: HeldRecord): void {
    if (isAgain(delivery)) this.options.notes?.forget(delivery);
  }

  /** Calls `settle` once, without an error when the dead letter is stored. */
  put(record: HeldRecord, failure: Failure, settle: (error?: KFlowError) => void): void {
    const attempt = this.attemptOf(record, failure);
    const { notes } = this.options;
    if (notes === undefined || !isAgain(record.delivery)) {
      this.publish(record, failure, [attempt], settle);
      return;
    }
    this.attemptsBefore(record, notes).then(
      (before) => this.publish(record, failure, [...before, attempt], settle),
      (error) => settle(error instanceof KFlowError ? error : new KFlowError('stream-failed', String(error))),
    );
  }

  /** The noted attempts. Outputs of an attempt that ended with its replica are looked up and counted as those of the first one. */
  private async attemptsBefore({ delivery }: HeldRecord, notes: AttemptNotes): Promise<readonly Attempt[]> {
    const noted = (await notes.of(delivery)).filter(({ number }) => number < delivery.deliveries);
    const { origins } = this.options;
    const isComplete = noted.length >= delivery.deliveries - 1 && delivery.isRepeated !== true;
    if (isComplete || origins === undefined || outputsOf(this.spec).length === 0) return noted;
    const stored = rangesOf(await origins.publishedFor(delivery));
    if (stored === '') return noted;
    const unknown: Attempt = {
      number: 0,
      at: new Date().toISOString(),
      replica: '',
      reason: 'unknown',
      type: 'unknown',
      message: 'the replica ended during an attempt',
      stored,
    };
    return [unknown, ...noted];
  }

  private publish(
    record: HeldRecord,
    failure: Failure,
    attempts: readonly Attempt[],
    settle: (error?: KFlowError) => void,
  ): void {
    const { delivery } = record;
    const { redriven } = delivery;
    const { function: functionId, deadLetters } = this.spec;
    const place = placeOf(failure.trace);
    const known = [...(record.published ?? []), ...attempts.flatMap(({ stored = '' }) => [...indexesOf(stored)])];
    const outgoing = {
      subject: deadLetters.subject,
      id: letterId(this.spec, delivery),
      payload: delivery.payload,
      headers: encodeLetter({
        function: functionId,
        stream: delivery.stream,
        sequence: delivery.sequence,
        storedAt: redriven?.storedAt ?? new Date(delivery.timestampMs).toISOString(),
        writer: redriven?.writer ?? writerIdOf(this.spec),
        deliveries: delivery.deliveries,
        failedAt: attempts.at(-1)?.at ?? '',
        reason: failure.reason ?? 'exception',
        errorType: failure.type,
        error: failure.message,
        ...(place === undefined ? {} : { place }),
        ...(failure.trace === undefined ? {} : { trace: failure.trace }),
        replica: this.options.replica ?? '',
        stored: rangesOf([...known, ...(redriven?.stored ?? [])]), // I1
        history: joinHistories(redriven?.history ?? noHistory, {
          attempts: attempts.map((attempt) =>
            redriven === undefined ? attempt : { ...attempt, redrive: redriven.id },
          ),
          redrives: [],
        }),
        ...(redriven === undefined ? {} : { redrive: redriven.id }),
        ...(delivery.key === undefined ? {} : { key: delivery.key }),
        ...record.trace,
      }),
    };
    this.publisher.publish(outgoing, (result) => {
      if (result instanceof KFlowError) settle(result);
      else settle();
    });
  }

  private attemptOf(record: HeldRecord, { type, message, reason }: Failure): Attempt {
    const stored = rangesOf(record.storedOutputs());
    return {
      number: record.delivery.deliveries,
      at: new Date().toISOString(),
      replica: this.options.replica ?? '',
      reason: reason ?? 'exception',
      type,
      message: message.replace(/\s+/g, ' ').slice(0, 500),
      ...(stored === '' ? {} : { stored }),
    };
  }
}

/** The message id of a record's letter. A redriven letter that fails is another letter. */
export function letterId(spec: Pick<FunctionSpec, 'function' | 'epoch'>, delivery: Delivery): string {
  const again = delivery.redriven === undefined ? '' : `:${delivery.redriven.letter}`;
  return `dead:${originOf(spec, delivery)}${again}`;
}
