import type { JetStreamManager, NatsConnection } from 'nats';
import { outputsOf } from '../../../lib/plan/function-spec';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { AckLedger } from '../../../runtime/adapters/jetstream/ack-ledger';
import { JetStreamAttemptNotes } from '../../../runtime/adapters/jetstream/letters/attempt-notes';
import { LetterIndex } from '../../../runtime/adapters/jetstream/letters/letter-index';
import { RecordOrigins } from '../../../runtime/adapters/jetstream/letters/record-origins';
import { RedriveDeliveries } from '../../../runtime/adapters/jetstream/letters/redrive-deliveries';
import { MessagePuller } from '../../../runtime/adapters/jetstream/message-puller';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import { DeadLetters } from '../../../runtime/engine/letters/dead-letters';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import { Preparation } from '../../../runtime/engine/preparation';
import { RecordLoop } from '../../../runtime/engine/record-loop';
import { specOf } from '../../unit/plan/planned';
import { FunctionHost, type Work } from '../engine/engine-replica';
import type { LetterFlow } from './letter-flow';

/** What a replica is killed at: before it happens, or when the server has done it and the replica does not know. */
export interface Death {
  readonly at: 'letter removed' | 'output stored' | 'letter stored' | 'ack';
  readonly when: 'before' | 'after';
}

/**
 * A replica of `map` on real streams that can be killed at a moment: its connection ends, as that of a killed process does, and
 * nothing that it has not sent is sent.
 */
export class MortalReplica {
  isDead = false;
  private constructor(
    private readonly connection: NatsConnection,
    private readonly loop: RecordLoop,
    private readonly parts: readonly { close(): void }[],
  ) {}

  static async start(url: string, flow: LetterFlow, { work, death }: { work: Work; death?: Death }) {
    let replica: MortalReplica | undefined;
    const connection = await connectNats({ url }, 'mortal');
    silenceWhen(connection, () => replica?.isDead === true);
    const spec = { ...specOf(flow.plan, 'map'), maxDeliver: 1 };
    const real = await connection.jetstreamManager();
    const die = async <T>(): Promise<T> => {
      if (replica !== undefined) await replica.kill();
      return new Promise<T>(() => undefined);
    };
    const dies = (at: Death['at'], when: Death['when']) =>
      death?.at === at && death.when === when && replica?.isDead === false;
    const manager = managerThatDies(real, dies, die);
    const acks = new AckLedger(connection);
    const publisher = new JetStreamPublisher(connection);
    const send = publisher.publish.bind(publisher);
    publisher.publish = (outgoing, settle) => {
      const at = outgoing.subject === spec.deadLetters.subject ? 'letter stored' : 'output stored';
      if (dies(at, 'before')) void die();
      else send(outgoing, (result) => (dies(at, 'after') ? void die() : settle(result)));
    };
    const ack = acks.ack.bind(acks);
    acks.ack = (reply, text) => (dies('ack', 'before') ? void die() : ack(reply, text));
    const origins = new RecordOrigins(connection, spec, outputsOf(spec));
    const log = () => undefined;
    const loop = new RecordLoop({
      spec,
      inputs: spec.inputs.map((input) => new MessagePuller(connection, acks, input)),
      redrives: new RedriveDeliveries({ connection, manager, acks, spec, log }),
      createHost: (events) => new FunctionHost(events, work, 1),
      writer: new OutputWriter(publisher, { maxPayload: 100_000 }),
      preparation: new Preparation({
        claims: { fetch: async () => Buffer.alloc(0) },
        dedupeWindowMs: 0, // the server's memory of ids is short in these tests
        origins,
        letters: new LetterIndex(connection, real, spec),
      }),
      deadLetters: new DeadLetters(spec, publisher, {
        replica: 'map-0',
        notes: new JetStreamAttemptNotes({ connection, manager: real, spec, log }),
        origins,
      }),
      counters: { in: 0, out: 0, failed: 0, dead: 0 },
      log,
      isLongRunning: false,
    });
    replica = new MortalReplica(connection, loop, [acks, publisher]);
    void loop.start(() => undefined);
    return replica;
  }

  async kill(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    await this.connection.flush().catch(() => undefined); // what was sent arrives
    await this.connection.close();
    for (const part of this.parts) part.close();
    void this.loop.stop(0);
  }
}

/** A dead process sends nothing, and its requests never end. */
function silenceWhen(connection: NatsConnection, isDead: () => boolean): void {
  const { publish, request } = connection;
  connection.publish = (...of) => (isDead() ? undefined : publish.apply(connection, of));
  connection.request = (...of) => (isDead() ? new Promise(() => undefined) : request.apply(connection, of));
}

function managerThatDies(
  real: JetStreamManager,
  dies: (at: Death['at'], when: Death['when']) => boolean,
  die: <T>() => Promise<T>,
): JetStreamManager {
  const deleteMessage: JetStreamManager['streams']['deleteMessage'] = async (...of) => {
    if (dies('letter removed', 'before')) return die();
    const done = await real.streams.deleteMessage(...of);
    return dies('letter removed', 'after') ? die() : done;
  };
  const streams = new Proxy(real.streams, {
    get: (target, name) => {
      const value = name === 'deleteMessage' ? deleteMessage : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return new Proxy(real, { get: (target, name) => (name === 'streams' ? streams : Reflect.get(target, name)) });
}
