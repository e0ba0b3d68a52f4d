import { AckPolicy, type ConsumerInfo, type JsMsg, type NatsConnection } from 'nats';
import { waitFor } from '../wait-for';
import { type Attack, documentBucket, forged, type Harm, type Target, targetOf } from './attack';

/** Records of the victim's stream; the first two are being processed when the attack comes. */
const records = 3;
/** Several times while an attacker listens. */
const beaconMs = 300;
/** The requests of a victim are not the test: they wait for a busy machine. */
const calm = { checkAPI: false, timeout: 30_000 };

/** Logins of the victim's namespace and of the controller; the same connection where nats has no accounts. */
export interface VictimLogins {
  readonly namespace: NatsConnection;
  readonly controller: NatsConnection;
}

/** A flow as a nats-server sees it, which does something all the time and notices what others do to it. */
export class Victim {
  readonly target: Target;
  /** In every record, value and message of the victim. */
  readonly secret: string;
  private lies = 0;
  private beacon: NodeJS.Timeout | undefined;
  private before: unknown;

  private constructor(
    private readonly logins: VictimLogins,
    private readonly jobId: string,
    private readonly namespaceName: string,
  ) {
    this.target = targetOf(namespaceName, jobId);
    this.secret = `secret-of-${jobId}`;
  }

  static async open(logins: VictimLogins, jobId: string, namespace = 'team'): Promise<Victim> {
    const victim = new Victim(logins, jobId, namespace);
    await victim.setUp();
    victim.before = { ...(await victim.state()) };
    return victim;
  }

  /** Whether the attack succeeded: it read something of the victim's, or left something behind. */
  async suffersFrom({ harm }: Attack, loot: readonly string[]): Promise<boolean> {
    const has = (text: string) => text.includes(this.secret) || text.includes(this.target.stream);
    if (loot.some(has)) return true;
    return harm === undefined ? false : this.hasSuffered(harm);
  }

  /** Waits until the harm shows; an attack that fails must be judged by `suffersFrom` after `settled`. */
  async untilHarmed({ title, harm }: Attack): Promise<void> {
    if (harm !== undefined) await waitFor(`the harm of: ${title}`, () => this.hasSuffered(harm));
  }

  /** Resolves when the server has handled what was published before. */
  async settled(): Promise<void> {
    await Promise.all([this.logins.namespace.flush(), this.logins.controller.flush()]);
    await this.state();
  }

  /** Does nothing more; what others do to it is still noticed. */
  rest(): void {
    clearInterval(this.beacon);
  }

  private async hasSuffered(harm: Harm): Promise<boolean> {
    const now = await this.state();
    if (harm === 'lies') return this.lies > 0;
    const before = this.before as typeof now;
    return JSON.stringify(now[harm]) !== JSON.stringify(before[harm]);
  }

  private async setUp(): Promise<void> {
    const { logins, target, secret } = this;
    const { namespace, controller } = logins;
    const manager = await namespace.jetstreamManager(calm);
    await manager.streams.add({ name: target.stream, subjects: [target.subject], allow_direct: true });
    await manager.consumers.add(target.stream, { durable_name: target.durable, ack_policy: AckPolicy.Explicit });
    const client = namespace.jetstream(calm);
    for (let n = 0; n < records; n++) await client.publish(target.subject, `${secret} ${n}`);
    const held: JsMsg[] = [];
    const consumer = await client.consumers.get(target.stream, target.durable);
    for await (const message of await consumer.fetch({ max_messages: 2 })) held.push(message);
    const state = await client.views.kv(target.stateBucket);
    await state.put('run', secret);
    const documents = await controller.jetstream(calm).views.os(documentBucket);
    await documents.putBlob({ name: `${this.namespaceName}/${this.jobId}/document` }, Buffer.from(secret));
    const notice = { callback: (_: unknown, { data }: { readonly data: Uint8Array }) => this.note(data) };
    namespace.subscribe(target.counters, notice);
    controller.subscribe(target.events, notice);
    await this.settled();
    this.beacon = setInterval(() => void this.live(), beaconMs);
  }

  /** What a flow and its controller do: replicas report, read their state, and ask for the consumers of streams. */
  private async live(): Promise<void> {
    const { namespace } = this.logins;
    if (namespace.isClosed()) return;
    namespace.publish(this.target.counters, this.secret);
    const reads = [
      namespace
        .jetstream(calm)
        .views.kv(this.target.stateBucket, { bindOnly: true })
        .then((values) => values.get('run')),
      namespace
        .jetstreamManager(calm)
        .then((manager) =>
          manager.consumers.add(this.target.stream, { durable_name: 'seen', ack_policy: AckPolicy.None }),
        ),
      namespace.jetstreamManager(calm).then((manager) => manager.consumers.delete(this.target.stream, 'seen')),
    ];
    await Promise.allSettled(reads); // the attack may have removed it
  }

  private note(data: Uint8Array): void {
    if (Buffer.from(data).toString().includes(forged)) this.lies += 1;
  }

  private async state(): Promise<{ readonly [harm in Exclude<Harm, 'lies'>]: unknown }> {
    const { target, logins } = this;
    const manager = await logins.namespace.jetstreamManager(calm);
    const gone = () => 'gone';
    const stream = await manager.streams.info(target.stream).catch(gone);
    const consumer = await manager.consumers.info(target.stream, target.durable).catch(gone);
    const values = await logins.namespace.jetstream(calm).views.kv(target.stateBucket, { bindOnly: true });
    const entry = await values.get('run').catch(() => null);
    return {
      records:
        typeof stream === 'string' ? stream : [stream.config.max_msgs, stream.state.messages, stream.state.last_seq],
      consumer: typeof consumer === 'string' ? consumer : seenOf(consumer),
      state: entry?.string(),
    };
  }
}

function seenOf({
  ack_floor,
  delivered,
  num_ack_pending,
  paused,
}: ConsumerInfo & { readonly paused?: boolean }): unknown {
  return [ack_floor.stream_seq, delivered.stream_seq, num_ack_pending, paused === true];
}
