import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { deadLetterStream, redriveNoticeSubject, redriveStream, redriveSubject } from '../../../../lib/plan/names';
import { maxAckPending, timing } from '../../../../lib/plan/replica-lifecycle';
import type { FlowKey } from '../../../api-contract/flow-key';
import { Limit } from '../../../async/limit';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests, retryRequest } from '../retry-request';
import { encodeCommand, type RedriveCommand } from './redrive-command';

/** JetStream's error codes: another message has the subject, the consumer exists with other settings. */
const subjectTaken = 10_071;
const consumerDiffers = 10_148;
const concurrentRequests = 128;
/** How long the delivery of redrives pauses for a cancellation. */
const cancelPauseMs = 10_000;

/** A letter that is to be processed again. */
export interface QueuedLetter {
  readonly function: string;
  readonly command: RedriveCommand;
}

/**
 * The stream of a flow's redrives: one message for each letter, on a subject of its own, until the function has acked it. The
 * stream and the consumers of functions are created when they are needed.
 *
 * I1. A subject takes one message, so a letter is queued once, whoever queues it.
 * I2. What a replica has begun is not removed.
 */
export class RedriveQueue {
  private readonly stream: string;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly flow: FlowKey,
  ) {
    this.stream = redriveStream(flow);
  }

  static async of(connection: NatsConnection, flow: FlowKey): Promise<RedriveQueue> {
    return new RedriveQueue(connection, await managerOf(connection, quickRequests), flow);
  }

  /** Positions of the queued letters, of all functions or one. */
  async queued(functionId: string = '*'): Promise<ReadonlySet<number>> {
    return new Set((await this.subjects(functionId)).map(letterOf));
  }

  /** The functions that have queued letters. */
  async functions(): Promise<readonly string[]> {
    const functionOf = (subject: string) => subject.split('.').at(-3) ?? '';
    return [...new Set((await this.subjects('*')).map(functionOf))];
  }

  /** The subjects of the queued letters: one each. */
  private async subjects(functionId: string): Promise<readonly string[]> {
    const options = { subjects_filter: redriveSubject(this.flow, functionId) };
    const info = await retryRequest(() => ignoreMissing(this.manager.streams.info(this.stream, options)));
    return Object.keys(info?.state.subjects ?? {});
  }

  async add(letters: readonly QueuedLetter[]): Promise<void> {
    await this.provision([...new Set(letters.map((letter) => letter.function))]);
    await new Limit(concurrentRequests).map(letters, (letter) => this.publish(letter));
  }

  /**
   * Removes letters of a redrive that no replica has pulled, tells the replicas to drop those that wait for their time, and
   * returns the number of the former.
   */
  async remove(functionId: string, redrive: string, letters: ReadonlySet<number>): Promise<number> {
    const removed = await this.removeQueued(functionId, letters);
    this.connection.publish(redriveNoticeSubject(this.flow, functionId), redrive);
    await this.connection.flush();
    return removed;
  }

  private async removeQueued(functionId: string, letters: ReadonlySet<number>): Promise<number> {
    const queued = [...(await this.queued(functionId))].filter((letter) => letters.has(letter));
    if (queued.length === 0) return 0;
    return this.paused(functionId, async (delivered) => {
      let removed = 0;
      await new Limit(concurrentRequests).map(queued, async (letter) => {
        const subject = redriveSubject(this.flow, functionId, letter);
        const last = { last_by_subj: subject };
        const message = await retryRequest(() => ignoreMissing(this.manager.streams.getMessage(this.stream, last)));
        if (message === undefined || message.seq <= delivered) return; // I2
        const { purged } = await retryRequest(() => this.manager.streams.purge(this.stream, { filter: subject }));
        removed += purged;
      });
      return removed;
    });
  }

  /** Runs work while the server delivers no redrive to the function for the first time. */
  private async paused<T>(functionId: string, work: (delivered: number) => Promise<T>): Promise<T> {
    const { consumers } = this.manager;
    await retryRequest(() => consumers.pause(this.stream, functionId, new Date(Date.now() + cancelPauseMs)));
    try {
      const { delivered } = await retryRequest(() => consumers.info(this.stream, functionId));
      return await work(delivered.stream_seq);
    } finally {
      await retryRequest(() => consumers.resume(this.stream, functionId));
    }
  }

  private async provision(functions: readonly string[]): Promise<void> {
    const dead = deadLetterStream(this.flow);
    const { config } = await callServer(`stream ${dead}`, () => this.manager.streams.info(dead));
    await ensureStream(this.manager, {
      name: this.stream,
      subjects: [redriveSubject(this.flow, '*')],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      num_replicas: config.num_replicas,
    });
    for (const functionId of functions) await this.addConsumer(functionId);
  }

  private async addConsumer(functionId: string): Promise<void> {
    await callServer(`consumer ${functionId} of ${this.stream}`, async () => {
      try {
        await this.manager.consumers.add(this.stream, {
          durable_name: functionId,
          ack_policy: AckPolicy.Explicit,
          deliver_policy: DeliverPolicy.All,
          filter_subject: redriveSubject(this.flow, functionId),
          ack_wait: nanos(timing.defaultAckWaitMs),
          max_ack_pending: maxAckPending,
          max_deliver: -1,
        });
      } catch (error) {
        if (codeOf(error) !== consumerDiffers) throw error;
      }
    });
  }

  private async publish({ function: functionId, command }: QueuedLetter): Promise<void> {
    const subject = redriveSubject(this.flow, functionId, command.letter);
    const client = jetStreamOf(this.connection, quickRequests);
    await callServer(`stream ${this.stream}`, async () => {
      try {
        await client.publish(subject, encodeCommand(command), { expect: { lastSubjectSequence: 0 } });
      } catch (error) {
        if (codeOf(error) !== subjectTaken) throw error; // I1
      }
    });
  }
}

function letterOf(subject: string): number {
  return Number(subject.slice(subject.lastIndexOf('.') + 1));
}

function codeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
