import type { JetStreamManager, NatsConnection, Subscription } from 'nats';
import { cancelSubject, heartbeatSubject, taskStream } from '../../../../lib/plan/task-names';
import {
  cancelNoticeSchema,
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
} from '../../../api-contract/task-message';
import type { TaskLinks } from '../../../worker/ports/task-links';
import { managerOf } from '../access/jetstream-api';
import { AckLedger } from '../ack-ledger';
import { type KnownFloor, MessagePuller } from '../message-puller';
import { JetStreamPublisher } from '../publishing/publisher';
import { retryRequest } from '../retry-request';
import { ensureTaskConsumer, ensureTaskStreams } from './ensure-task-streams';
import { ObjectValueStore } from './object-value-store';
import { BucketWorkerDirectory } from './worker-directory';

/** How long a controller has to answer a heartbeat. */
const answerMs = 2_000;

interface Place {
  readonly namespace: string;
  readonly taskNamespace: string;
  /** Names this worker, as one token. */
  readonly worker: string;
}

/** The links of a task worker over one connection, which it does not close. */
export class JetStreamTaskLinks implements TaskLinks {
  readonly deliveries: MessagePuller;
  readonly publisher: JetStreamPublisher;
  readonly values: ObjectValueStore;
  readonly directory: BucketWorkerDirectory;
  private readonly acks: AckLedger;
  private cancels: Subscription | undefined;
  private connects = 0;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly place: Place,
    private readonly manager: JetStreamManager,
    private readonly warn: (text: string) => void,
  ) {
    const { namespace, taskNamespace } = place;
    this.acks = new AckLedger(connection);
    this.publisher = new JetStreamPublisher(connection);
    this.values = new ObjectValueStore(connection, namespace);
    this.directory = new BucketWorkerDirectory(connection, place);
    this.deliveries = new MessagePuller(connection, this.acks, {
      stream: taskStream(namespace),
      durable: taskNamespace,
    });
    this.deliveries.onConsumerLost(() => {
      ensure(manager, place).catch((error) => warn(`the consumer of tasks was not created again: ${String(error)}`));
    });
  }

  /** Creates the streams and the consumer that are missing. */
  static async open(
    connection: NatsConnection,
    place: Place,
    warn: (text: string) => void,
  ): Promise<JetStreamTaskLinks> {
    const manager = await managerOf(connection);
    await ensure(manager, place);
    const links = new JetStreamTaskLinks(connection, place, manager, warn);
    await links.noteStored();
    return links;
  }

  async heartbeat(heartbeat: Heartbeat): Promise<HeartbeatAnswer | undefined> {
    try {
      const subject = heartbeatSubject(this.place.namespace);
      const answer = await this.connection.request(subject, JSON.stringify(heartbeat), { timeout: answerMs });
      return heartbeatAnswerSchema.safeParse(answer.json()).data;
    } catch {
      return undefined; // no controller runs, or it is not reached for now
    }
  }

  onCancel(listener: (id: string) => void): void {
    const { namespace, taskNamespace } = this.place;
    this.cancels = this.connection.subscribe(cancelSubject(namespace, taskNamespace), {
      callback: (_error, message) => {
        const { data } = cancelNoticeSchema.safeParse(jsonOf(message.data));
        if (data !== undefined) listener(data.id);
      },
    });
  }

  /** Call when the connection is lost: a server that is killed delivers again what it had delivered. */
  disconnected(): void {
    this.connects += 1;
    this.deliveries.skipTo(repeatedTo(Number.POSITIVE_INFINITY));
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.publisher.reconnected();
    this.acks.reconnected();
    this.disconnected();
    this.noteStored().catch((error) => this.warn(`every task is asked about: ${String(error)}`));
    this.deliveries.reconnected();
  }

  /** What is stored by now may have been delivered before: a server that was killed forgets its last deliveries. */
  private async noteStored(): Promise<void> {
    const connects = ++this.connects;
    const { state } = await retryRequest(() => this.manager.streams.info(taskStream(this.place.namespace)));
    if (connects === this.connects) this.deliveries.skipTo(repeatedTo(state.last_seq));
  }

  /** Resolves when the server has every result and every ack. */
  async settled(): Promise<void> {
    await this.publisher.settled();
    await this.acks.flush();
  }

  close(): void {
    this.cancels?.unsubscribe();
    this.publisher.close();
    this.acks.close();
  }
}

async function ensure(manager: JetStreamManager, place: Place): Promise<void> {
  await ensureTaskStreams(manager, place.namespace);
  await ensureTaskConsumer(manager, place);
}

function repeatedTo(sequence: number): KnownFloor {
  return { floor: 0, floorAtMs: 0, repeatedTo: sequence };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
}
